/**
 * From a template and parameters to a change set that may be executed. Whatever happens before it is executed (Ctrl-C, a
 * No, an error, a dry run) it is removed again, and with it the empty stack that it made.
 */
import {
  type Change,
  changesNothing,
  readChanges,
  type SettingChange,
  settingChanges,
} from '../../deploy/changes.ts';
import type { ChangeSetParameter } from '../../deploy/settings.ts';
import type { ChangeSetView, NewChangeSet } from '../../deploy/stacks.ts';
import { CliError, usageError } from '../../errors.ts';
import { EXIT } from '../../exit-codes.ts';
import type { Session } from './session.ts';

const LOOK_MS = 1_000;
/** CloudFormation needs seconds for a change set; longer than this something is wrong. */
const READY_MS = 300_000;
/** Cleaning up after Ctrl-C takes no longer. */
const CLEANUP_MS = 15_000;

export interface Draft {
  readonly view: ChangeSetView;
  readonly changes: readonly Change[];
  readonly settings: readonly SettingChange[];
  /** From here on the change set is CloudFormation's: it is no longer removed. */
  readonly release: () => void;
  /** It was not taken after all. */
  readonly reclaim: () => void;
}

export interface DraftOptions {
  readonly type: 'CREATE' | 'UPDATE';
  readonly template: NewChangeSet['template'];
  readonly parameters: readonly ChangeSetParameter[];
  readonly previous: Readonly<Record<string, string>>;
}

export async function withChangeSet<T>(
  session: Session,
  { type, template, parameters, previous }: DraftOptions,
  work: (draft: Draft | 'nothing changes') => Promise<T>,
): Promise<T> {
  const { context, stacks, stack, call } = session;
  const name = `batchml-${new Date(context.deps.now()).toISOString().replace(/\D/g, '').slice(0, 14)}-${context.deps.randomHex(3)}`;
  let ours = true;
  // Ctrl-C ends the wait, not the request: what it makes must be removed all the same.
  const creating = stacks.createChangeSet({ stack, name, type, template, parameters });
  creating.catch(() => {});
  try {
    await session.tell({ type: 'phase', text: `asking CloudFormation what will change in ${stack}` });
    const made = await call(`making a change set of stack ${stack}`, () => creating).catch(
      (error: unknown) => {
        throw refusal(session, error);
      },
    );
    const view = await ready(session, made);
    context.progress.stop();
    if (changesNothing(view.status, view.reason)) return await work('nothing changes');
    if (view.status !== 'CREATE_COMPLETE')
      throw new CliError(`CloudFormation can't make the change set of stack ${stack}`, {
        code: 'change_set',
        why: view.reason === '' ? view.status : view.reason,
      });
    return await work({
      view,
      changes: readChanges(view.changes),
      settings: settingChanges(previous, { ...view.parameters }),
      release: () => {
        ours = false;
      },
      reclaim: () => {
        ours = true;
      },
    });
  } finally {
    context.progress.stop();
    if (ours) await remove(session, name, type, creating);
  }
}

/** Executing a change set removes the others, and makes them useless before. */
export function isOutdated(error: unknown): boolean {
  return error instanceof Error && /^(InvalidChangeSetStatus|ChangeSetNotFound)/.test(error.name);
}

async function ready(
  { context, stacks, stack, call, targetFlags }: Session,
  made: ChangeSetView,
): Promise<ChangeSetView> {
  const { deps, interrupts } = context;
  const end = deps.now() + READY_MS;
  let view = made;
  while (/_PENDING$|_IN_PROGRESS$/.test(view.status)) {
    if (deps.now() > end)
      throw new CliError(`the change set of stack ${stack} is still ${view.status} after 5 minutes`, {
        code: 'timeout',
        exitCode: EXIT.running,
      });
    await deps.sleep(LOOK_MS, interrupts.signal);
    view = await call(`reading the change set of stack ${stack}`, () =>
      stacks.changeSet(view.stackId, view.id),
    ).catch((error: unknown) => {
      throw isOutdated(error) ? busy(stack, targetFlags, 'another deployment was faster') : error;
    });
  }
  return view;
}

/** What CloudFormation says against the request itself. */
function refusal({ stack, targetFlags }: Session, error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'ValidationError') return error;
  if (/_IN_PROGRESS state|already exists and cannot be created/.test(error.message))
    return busy(stack, targetFlags, error.message);
  // `Template validation error: ...`, `Parameter X must be ...`: about what was given.
  return usageError(`CloudFormation refuses these settings for stack ${stack}`, {
    code: 'settings',
    why: error.message,
    cause: error,
  });
}

export function busy(stack: string, targetFlags: string, why: string): CliError {
  return new CliError(`something else is at work on stack ${stack}`, {
    code: 'busy',
    why,
    next: [
      `stop it: batchml deploy --cancel${targetFlags}`,
      `or watch it, then run the same command again: batchml deploy --attach${targetFlags}`,
    ],
  });
}

/** Under a time limit, and without Ctrl-C's signal, which has come already. */
async function remove(
  { context, stacks, stack, tell }: Session,
  name: string,
  type: 'CREATE' | 'UPDATE',
  creating: Promise<unknown>,
): Promise<void> {
  const done = new AbortController();
  const work = async (): Promise<void> => {
    const made = await creating.then(
      () => true,
      () => false,
    );
    // Gone with the execution of another one.
    const gone = (error: unknown): void => {
      if (!isOutdated(error)) throw error;
    };
    if (made) await stacks.deleteChangeSet(stack, name).catch(gone);
    if (type === 'CREATE') await stacks.deleteStub(stack, name);
  };
  let problem: unknown = new Error(`no answer within ${CLEANUP_MS / 1000} s`);
  const removed = work().then(
    () => true,
    (error: unknown) => {
      problem = error;
      return false;
    },
  );
  const ok = await Promise.race([
    removed.finally(() => done.abort()),
    context.deps.sleep(CLEANUP_MS, done.signal).then(() => (done.signal.aborted ? removed : false)),
  ]);
  if (!ok)
    await tell({
      type: 'note',
      text: `change set ${name} of stack ${stack} could not be removed: ${problem instanceof Error ? problem.message : String(problem)}`,
    });
}
