import { describe, expect, it } from 'vitest';
import type { Batch, BatchState } from '../../backend/core/batch.ts';
import type { DataLogEntry } from '../../backend/core/data-log.ts';
import { MAX_ERROR_MESSAGE } from '../../backend/core/job.ts';
import {
  type Evidence,
  familyFinding,
  judge,
  judgeSuspect,
  MAX_REQUEUES,
  refusesAll,
  runsAlone,
} from '../../backend/core/judge.ts';
import { DEFAULT_SETTINGS } from '../../backend/core/settings.ts';
import { CANARIES } from '../../backend/core/split.ts';

const NOW = 1_000_000;
const batch: Batch = {
  id: 'b',
  root: 'b',
  parent: undefined,
  round: 0,
  owner: 's',
  members: [{ submission: 's', chunk: 0, from: 0, to: 100 }],
  jobs: 100,
  pin: { model: 'm', settings: DEFAULT_SETTINGS },
  generation: 0,
  state: 'Running',
  attempts: 1,
  requeues: 0,
  suspect: false,
  transformJob: 't',
  scout: undefined,
  notBefore: 0,
  createdAt: 0,
  waitDeadline: NOW + 1000,
  reason: undefined,
};
const entry: DataLogEntry = { batch: 'b', kind: 'ClientError', status: 400, message: 'no text' };
const evidence: Evidence = {
  status: 'Failed',
  fault: 'records',
  reason: 'See job logs',
  overdue: false,
  log: new Map(),
  unusable: new Set(),
  lost: new Set(),
};
const saysSo = new Map([['b', entry]]);
const worn = { ...batch, requeues: MAX_REQUEUES };

describe('judge: a batch that the log names', () => {
  it('is a suspect for what the model said, whatever else went wrong', () => {
    for (const fault of ['records', 'platform', 'interrupted', 'model', 'access', undefined] as const)
      expect(judge(batch, { ...evidence, fault, log: saysSo }, NOW)).toEqual({
        kind: 'suspect',
        reason: { code: 'model_error', message: 'no text' },
      });
  });

  it('failed for its time when the transform job was stopped at its deadline', () => {
    const late = { ...evidence, status: 'Stopped', overdue: true } as const;
    expect(judge(batch, { ...late, log: saysSo }, NOW)).toEqual({
      kind: 'fail',
      error: { code: 'ran_too_long', message: 'no text' },
    });
    expect(judge(batch, late, NOW)).toMatchObject({
      error: { code: 'ran_too_long', message: 'See job logs' },
    });
    expect(judge(batch, { ...late, reason: undefined }, NOW)).toMatchObject({
      error: { message: 'it ran too long' },
    });
  });
});

describe('judge: a batch that the log does not name', () => {
  it.each([
    ['records', 'Failed', { kind: 'requeue', delayMs: 0, counts: true, code: 'transform_failed' }],
    [undefined, 'Completed', { kind: 'requeue', delayMs: 0, counts: true, code: 'transform_failed' }],
    [undefined, 'Stopped', { kind: 'requeue', delayMs: 5000, counts: true, code: 'transform_stopped' }],
    ['platform', 'Failed', { kind: 'requeue', delayMs: 5000, counts: true, code: 'transform_failed' }],
    ['interrupted', 'Failed', { kind: 'requeue', delayMs: 0, counts: false, code: 'transform_stopped' }],
    ['model', 'Failed', { kind: 'requeue', delayMs: 5000, counts: true, code: 'model_not_ready' }],
  ] as const)('goes back whole after the fault %s (%s)', (fault, status, { kind, delayMs, counts, code }) => {
    expect(judge(batch, { ...evidence, fault, status }, NOW)).toEqual({
      kind,
      delayMs,
      counts,
      reason: { code, message: 'See job logs' },
    });
  });

  it('goes back whole, at no charge, when its object was lost; ever later, and not past its time', () => {
    const lost = { ...evidence, lost: new Set(['b']) };
    const reason = { code: 'transform_failed', message: expect.stringContaining('lost') };
    const delays = [1, 2, 3, 20].map((attempts) => judge({ ...batch, attempts }, lost, NOW));
    expect(delays).toEqual(
      [0, 5000, 10_000, 300_000].map((delayMs) => ({ kind: 'requeue', delayMs, counts: false, reason })),
    );
    expect(judge(batch, lost, batch.waitDeadline)).toMatchObject({ error: { code: 'waited_too_long' } });
  });

  it('fails at once where the model can not be used', () => {
    expect(judge(batch, { ...evidence, fault: 'access', reason: 'no such model' }, NOW)).toEqual({
      kind: 'fail',
      error: { code: 'model_unavailable', message: 'no such model' },
    });
  });

  it('fails after it was stopped by a stranger three times', () => {
    const stopped = { ...evidence, fault: undefined, status: 'Stopped' } as const;
    expect(judge({ ...batch, requeues: 1 }, stopped, NOW).kind).toBe('requeue');
    expect(judge(worn, stopped, NOW)).toEqual({
      kind: 'fail',
      error: { code: 'transform_stopped', message: 'See job logs' },
    });
  });

  it('waits for a model that is not ready until its time is over', () => {
    const gone = { ...evidence, fault: 'model', status: 'Failed' } as const;
    expect(judge(worn, gone, worn.waitDeadline - 1).kind).toBe('requeue');
    expect(judge(worn, gone, worn.waitDeadline)).toEqual({
      kind: 'fail',
      error: { code: 'model_not_ready', message: 'See job logs' },
    });
  });

  it.each([
    ['ModelDisconnected', 2],
    ['ModelTimeout', 1],
    ['ClientError', 0],
  ] as const)('alone, after %s, is tried again alone %i times before it is a suspect', (kind, times) => {
    const log = new Map([[batch.id, { batch: batch.id, kind, status: undefined, message: 'gone' }]]);
    const failed = { ...evidence, fault: 'records', status: 'Failed', log } as const;
    for (let requeues = 0; requeues <= times; requeues++) {
      const single = { ...batch, jobs: 1, requeues };
      const decision = judge(single, failed, NOW);
      expect(decision.kind).toBe(requeues < times ? 'requeue' : 'suspect');
      if (decision.kind === 'requeue')
        expect(runsAlone({ ...single, requeues: requeues + 1, reason: decision.reason })).toBe(true);
      expect(judge({ ...batch, jobs: 2, requeues }, failed, NOW).kind).toBe('suspect');
    }
  });

  it('becomes a suspect after going back twice for nothing, with the last reason known', () => {
    expect(judge(worn, evidence, NOW)).toEqual({
      kind: 'suspect',
      reason: { code: 'transform_failed', message: 'See job logs' },
    });
    const reason = { code: 'model_error', message: 'said before' } as const;
    expect(judge({ ...worn, reason }, evidence, NOW)).toEqual({ kind: 'suspect', reason });
  });

  it('goes back without end while its process is interrupted: nothing was tried', () => {
    expect(judge({ ...batch, requeues: 99 }, { ...evidence, fault: 'interrupted' }, NOW).kind).toBe(
      'requeue',
    );
  });

  it('waits ever longer for a platform that fails, and gives up at its deadline', () => {
    const platform = { ...evidence, fault: 'platform', reason: 'no capacity' } as const;
    const delays = [0, 1, 2, 5, 6, 50].map((requeues) => {
      const decision = judge({ ...batch, requeues }, platform, NOW);
      return decision.kind === 'requeue' ? decision.delayMs : undefined;
    });
    expect(delays).toEqual([5000, 10_000, 20_000, 160_000, 300_000, 300_000]);
    expect(judge(batch, platform, batch.waitDeadline)).toEqual({
      kind: 'fail',
      error: { code: 'waited_too_long', message: 'no capacity' },
    });
  });

  it('has a reason even where the service gave none', () => {
    for (const fault of ['platform', 'interrupted', 'model', 'access', 'records'] as const) {
      const decision = judge(batch, { ...evidence, fault, reason: undefined }, NOW);
      const said = decision.kind === 'fail' ? decision.error : decision.reason;
      expect(said.message).not.toBe('');
    }
  });

  it('keeps a long reason to what is kept of it', () => {
    const decision = judge(batch, { ...evidence, fault: 'access', reason: 'x'.repeat(5000) }, NOW);
    expect(decision.kind === 'fail' && decision.error.message.length).toBe(MAX_ERROR_MESSAGE);
  });
});

describe('judgeSuspect', () => {
  const reason = { code: 'model_error', message: 'no text' } as const;
  const part = { ...batch, id: 'b.1', parent: 'b', round: 1, jobs: 5, scout: 'b' };

  it('fails a single job with what was said of it', () => {
    for (const proven of [true, false])
      expect(judgeSuspect({ ...batch, jobs: 1 }, reason, proven, 'other')).toEqual({
        kind: 'fail',
        error: reason,
      });
  });

  it('splits without canaries once the model has taken something', () => {
    expect(judgeSuspect(batch, reason, true, 'other')).toEqual({ kind: 'split', canaries: 0 });
    expect(judgeSuspect(part, reason, true, undefined)).toEqual({ kind: 'split', canaries: 0 });
    expect(judgeSuspect({ ...part, round: 2 }, reason, false, undefined)).toEqual({
      kind: 'split',
      canaries: 0,
    });
  });

  it('sends one batch ahead as a scout with canaries, and holds the others for it', () => {
    expect(judgeSuspect(batch, reason, false, 'b')).toEqual({ kind: 'split', canaries: CANARIES });
    expect(judgeSuspect(batch, reason, false, undefined)).toEqual({ kind: 'split', canaries: CANARIES });
    expect(judgeSuspect(batch, reason, false, 'other')).toEqual({ kind: 'hold', scout: 'other' });
  });

  it('splits on what came of a batch that was split as the model had taken something', () => {
    const child = { ...part, scout: undefined };
    expect(judgeSuspect(child, reason, false, 'other')).toEqual({ kind: 'split', canaries: 0 });
  });

  it("holds a scout's part for what the rest of the family finds", () => {
    expect(judgeSuspect(part, reason, false, 'other')).toEqual({ kind: 'hold', scout: 'b' });
  });
});

describe('familyFinding', () => {
  const cases: [BatchState, BatchState[], string][] = [
    ['Split', ['Failed', 'Held', 'Held'], 'refused'],
    ['Split', ['Failed', 'Failed'], 'refused'],
    ['Split', ['Failed', 'Done', 'Held'], 'healthy'],
    ['Split', ['Failed', 'Split', 'Running'], 'healthy'],
    ['Split', ['Failed', 'Running', 'Held'], 'open'],
    ['Split', ['Forming'], 'open'],
    ['Split', ['Failed', 'Waiting'], 'open'],
    ['Running', [], 'open'],
    ['Waiting', [], 'open'],
    ['Done', [], 'healthy'],
    ['Done', ['Failed', 'Failed'], 'healthy'],
    ['Failed', [], 'refused'],
  ];
  it.each(cases)('of a %s scout with children %j is %s', (scout, children, finding) => {
    expect(familyFinding(scout, children)).toBe(finding);
  });
});

describe('refusesAll', () => {
  it("carries the model's own words", () => {
    expect(refusesAll({ code: 'model_error', message: 'bad key' })).toEqual({
      code: 'model_refuses_all',
      message: 'the model refused every record that was tried: bad key',
    });
    expect(refusesAll(undefined).message).toContain('no reason given');
  });
});
