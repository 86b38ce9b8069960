/**
 * What a stack's status allows: the one table of it. Statuses by CloudFormation's own names (Stack status codes, user
 * guide).
 */

export type NextStep =
  /** There is none: a change set of type CREATE. */
  | { readonly do: 'create' }
  | { readonly do: 'update' }
  /** It never came to be: all that can be done with it is to delete it, and create it again. */
  | { readonly do: 'recreate' }
  /** A rollback got stuck: it must be brought to its end first. */
  | { readonly do: 'continue-rollback' }
  /** Something is under way. */
  | { readonly do: 'wait'; readonly what: string }
  /** Nothing that we could do would help. */
  | { readonly do: 'give-up' };

const NEXT: Readonly<Record<string, NextStep>> = {
  // A change set made it and was never executed: it has no resources.
  REVIEW_IN_PROGRESS: { do: 'create' },
  DELETE_COMPLETE: { do: 'create' },

  CREATE_COMPLETE: { do: 'update' },
  UPDATE_COMPLETE: { do: 'update' },
  UPDATE_ROLLBACK_COMPLETE: { do: 'update' },
  IMPORT_COMPLETE: { do: 'update' },
  IMPORT_ROLLBACK_COMPLETE: { do: 'update' },
  // Left so by someone who switched rollback off.
  UPDATE_FAILED: { do: 'update' },

  CREATE_FAILED: { do: 'recreate' },
  ROLLBACK_COMPLETE: { do: 'recreate' },
  // ContinueUpdateRollback takes stacks in UPDATE_ROLLBACK_FAILED only.
  ROLLBACK_FAILED: { do: 'recreate' },
  DELETE_FAILED: { do: 'recreate' },

  UPDATE_ROLLBACK_FAILED: { do: 'continue-rollback' },
  IMPORT_ROLLBACK_FAILED: { do: 'give-up' },

  CREATE_IN_PROGRESS: { do: 'wait', what: 'being created' },
  UPDATE_IN_PROGRESS: { do: 'wait', what: 'being updated' },
  UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: { do: 'wait', what: 'updated and being cleaned up' },
  ROLLBACK_IN_PROGRESS: { do: 'wait', what: 'being rolled back' },
  UPDATE_ROLLBACK_IN_PROGRESS: { do: 'wait', what: 'being rolled back' },
  UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS: { do: 'wait', what: 'rolled back and being cleaned up' },
  DELETE_IN_PROGRESS: { do: 'wait', what: 'being deleted' },
  IMPORT_IN_PROGRESS: { do: 'wait', what: 'importing resources' },
  IMPORT_ROLLBACK_IN_PROGRESS: { do: 'wait', what: 'being rolled back' },
};

/** @param status undefined: there is no such stack */
export function nextStep(status: string | undefined): NextStep {
  if (status === undefined) return { do: 'create' };
  return NEXT[status] ?? (isMoving(status) ? { do: 'wait', what: status } : { do: 'give-up' });
}

/** Whether CloudFormation is at work on it. A stack in review waits for its change set. */
export function isMoving(status: string): boolean {
  return status.endsWith('_IN_PROGRESS') && status !== 'REVIEW_IN_PROGRESS';
}

/** Whether there is a stack with resources (or was, until they failed). */
export function exists(status: string | undefined): boolean {
  return status !== undefined && status !== 'REVIEW_IN_PROGRESS' && status !== 'DELETE_COMPLETE';
}

export type Operation = 'create' | 'update' | 'delete' | 'rollback';

const GOAL: Readonly<Record<Operation, readonly string[]>> = {
  create: ['CREATE_COMPLETE'],
  update: ['UPDATE_COMPLETE'],
  delete: ['DELETE_COMPLETE'],
  rollback: ['UPDATE_ROLLBACK_COMPLETE', 'ROLLBACK_COMPLETE'],
};

export function reached(operation: Operation, status: string): boolean {
  return GOAL[operation].includes(status);
}

/** What a stack that moves is doing, for whoever comes along and watches. */
export function operationOf(status: string): Operation {
  if (status.startsWith('DELETE')) return 'delete';
  if (status.includes('ROLLBACK')) return 'rollback';
  return status.startsWith('CREATE') ? 'create' : 'update';
}
