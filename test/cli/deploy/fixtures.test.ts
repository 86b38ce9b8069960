/** Causes, differences and states, on what CloudFormation says. */

import { describe, expect, it } from 'vitest';
import { firstCause, hintFor } from '../../../cli/src/deploy/cause.ts';
import {
  changesNothing,
  readChange,
  readChanges,
  settingChanges,
  verbOf,
} from '../../../cli/src/deploy/changes.ts';
import type { ResourceEvent } from '../../../cli/src/deploy/stack-events.ts';
import { exists, isMoving, nextStep, operationOf, reached } from '../../../cli/src/deploy/stack-state.ts';

const events = (rows: readonly (readonly [id: string, status: string, reason?: string])[]): ResourceEvent[] =>
  rows.map(([id, status, reason = ''], n) => ({
    eventId: String(n),
    time: new Date(n * 1000).toISOString(),
    id,
    resourceType: id === 'stack' ? 'AWS::CloudFormation::Stack' : 'AWS::Lambda::Function',
    status,
    reason,
    ofStack: id === 'stack',
  }));

describe('the first cause', () => {
  it.each([
    [
      'a failed creation',
      events([
        ['stack', 'CREATE_IN_PROGRESS', 'User Initiated'],
        ['A', 'CREATE_IN_PROGRESS', 'Resource creation Initiated'],
        ['B', 'CREATE_FAILED', 'Resource creation cancelled'],
        [
          'A',
          'CREATE_FAILED',
          'Resource handler returned message: "denied" (HandlerErrorCode: AccessDenied)',
        ],
        ['C', 'CREATE_FAILED', 'Resource creation cancelled'],
        [
          'stack',
          'ROLLBACK_IN_PROGRESS',
          'The following resource(s) failed to create: [A, B, C]. Rollback requested by user.',
        ],
        ['A', 'DELETE_COMPLETE'],
        ['stack', 'ROLLBACK_COMPLETE'],
      ]),
      'A',
    ],
    [
      'two failures: the earlier one',
      events([
        ['B', 'UPDATE_FAILED', 'first'],
        ['A', 'UPDATE_FAILED', 'second'],
      ]),
      'B',
    ],
    [
      'a rollback that failed too: what came first',
      events([
        ['A', 'UPDATE_FAILED', 'bad'],
        ['stack', 'UPDATE_ROLLBACK_IN_PROGRESS', 'The following resource(s) failed to update: [A].'],
        ['B', 'UPDATE_FAILED', 'stuck'],
        ['stack', 'UPDATE_ROLLBACK_FAILED', 'The following resource(s) failed to update: [B].'],
      ]),
      'A',
    ],
    [
      'a failure of the stack itself',
      events([['stack', 'ROLLBACK_IN_PROGRESS', 'Parameter validation failed: parameter value x']]),
      'stack',
    ],
    ['only cancelled ones', events([['A', 'DELETE_FAILED', 'Resource deletion cancelled']]), 'A'],
    ['none', events([['stack', 'CREATE_COMPLETE']]), undefined],
  ])('%s', (_name, given, id) => {
    expect(firstCause(given)?.id).toBe(id);
  });

  it.each([
    [
      'User: x is not authorized to perform: iam:CreateRole on resource: y',
      'let this user or role do iam:CreateRole',
    ],
    ['CloudWatch Logs role ARN must be set in account settings to enable logging', '--api-logging off'],
    ['my-bucket already exists in stack arn:x', 'that name is taken'],
    ['Limit Exceeded: functions', 'Service Quotas'],
  ])('%s: what to do', (reason, hint) => {
    expect(hintFor(reason)).toContain(hint);
  });

  it('knows no advice for what it does not know', () => {
    expect(hintFor('something odd')).toBeUndefined();
  });
});

const change = (ResourceChange: object) => ({ Type: 'Resource' as const, ResourceChange });

describe('changes', () => {
  const base = { LogicalResourceId: 'X', ResourceType: 'AWS::DynamoDB::Table' };

  it.each([
    [{ ...base, Action: 'Add' }, 'add', false, undefined],
    [{ ...base, Action: 'Modify', Replacement: 'False' }, 'modify', false, undefined],
    [
      { ...base, Action: 'Modify', Replacement: 'True', PolicyAction: 'ReplaceAndRetain' },
      'replace',
      true,
      'kept',
    ],
    [
      { ...base, Action: 'Modify', Replacement: 'True', PolicyAction: 'ReplaceAndDelete' },
      'replace',
      true,
      'deleted',
    ],
    [{ ...base, Action: 'Modify', Replacement: 'Conditional' }, 'may replace', true, 'deleted'],
    [{ ...base, Action: 'Remove', PolicyAction: 'Retain' }, 'remove', true, 'kept'],
    [{ ...base, Action: 'Remove' }, 'remove', true, 'deleted'],
    [{ ...base, Action: 'Dynamic' }, 'dynamic', true, undefined],
    [
      { ...base, ResourceType: 'AWS::Lambda::Function', Action: 'Modify', Replacement: 'True' },
      'replace',
      false,
      'deleted',
    ],
    // A value that we don't know is taken for the worst.
    [{ ...base, Action: 'Modify', Replacement: 'Perhaps' }, 'may replace', true, 'deleted'],
  ])('%j', (raw, verb, danger, old) => {
    const read = readChange(change(raw) as never);
    expect(read && [verbOf(read), read.danger, read.old]).toEqual([verb, danger, old]);
  });

  it('name the properties that change, once', () => {
    const Details = ['B', 'A', 'B'].map((Name) => ({ Target: { Attribute: 'Properties', Name } }));
    const [read] = readChanges([
      change({ ...base, Action: 'Modify', Details }) as never,
      { Type: 'Resource' },
    ]);
    expect(read?.properties).toEqual(['A', 'B']);
  });

  it('of settings are those that differ', () => {
    expect(settingChanges({ A: '1', B: '2' }, { A: '1', B: '3', C: '' })).toEqual([
      { name: 'B', before: '2', after: '3' },
      { name: 'C', before: undefined, after: '' },
    ]);
  });

  it.each([
    [
      'FAILED',
      "The submitted information didn't contain changes. Submit different information to create a change set.",
      true,
    ],
    ['FAILED', 'No updates are to be performed.', true],
    ['FAILED', 'Template error', false],
    ['CREATE_COMPLETE', undefined, false],
  ])('%s %s: nothing changes: %s', (status, reason, nothing) => {
    expect(changesNothing(status, reason)).toBe(nothing);
  });
});

/** Every status that CloudFormation knows, and what we do next. */
const STATES = {
  CREATE_COMPLETE: 'update',
  CREATE_FAILED: 'recreate',
  CREATE_IN_PROGRESS: 'wait',
  DELETE_COMPLETE: 'create',
  DELETE_FAILED: 'recreate',
  DELETE_IN_PROGRESS: 'wait',
  IMPORT_COMPLETE: 'update',
  IMPORT_IN_PROGRESS: 'wait',
  IMPORT_ROLLBACK_COMPLETE: 'update',
  IMPORT_ROLLBACK_FAILED: 'give-up',
  IMPORT_ROLLBACK_IN_PROGRESS: 'wait',
  REVIEW_IN_PROGRESS: 'create',
  ROLLBACK_COMPLETE: 'recreate',
  ROLLBACK_FAILED: 'recreate',
  ROLLBACK_IN_PROGRESS: 'wait',
  UPDATE_COMPLETE: 'update',
  UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: 'wait',
  UPDATE_FAILED: 'update',
  UPDATE_IN_PROGRESS: 'wait',
  UPDATE_ROLLBACK_COMPLETE: 'update',
  UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS: 'wait',
  UPDATE_ROLLBACK_FAILED: 'continue-rollback',
  UPDATE_ROLLBACK_IN_PROGRESS: 'wait',
};

describe('states', () => {
  it('all have a next step', () => {
    const steps = Object.keys(STATES).map((status) => [status, nextStep(status).do]);
    expect(Object.fromEntries(steps)).toEqual(STATES);
    expect(nextStep(undefined).do).toBe('create');
    expect(nextStep('NEW_KIND_OF_IN_PROGRESS').do).toBe('wait');
    expect(nextStep('NEW_KIND').do).toBe('give-up');
  });

  it('that move are those to wait for, and a stack in review is none', () => {
    for (const status of Object.keys(STATES))
      expect(isMoving(status), status).toBe(nextStep(status).do === 'wait');
    expect(['REVIEW_IN_PROGRESS', 'DELETE_COMPLETE', undefined].map(exists)).toEqual([false, false, false]);
  });

  it('reach what was wanted, or not', () => {
    expect(reached('create', 'CREATE_COMPLETE')).toBe(true);
    expect(reached('create', 'ROLLBACK_COMPLETE')).toBe(false);
    expect(reached('update', 'UPDATE_ROLLBACK_COMPLETE')).toBe(false);
    expect(reached('rollback', 'UPDATE_ROLLBACK_COMPLETE')).toBe(true);
    expect(operationOf('UPDATE_ROLLBACK_IN_PROGRESS')).toBe('rollback');
  });
});
