import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BATCH_STATES, type BatchState, batchMayBecome } from '../../backend/core/batch.ts';
import { clipMessage, isFinal, JOB_STATUSES, MAX_ERROR_MESSAGE, mayBecome } from '../../backend/core/job.ts';
import { isFinished, NO_COUNTS, statusCounts } from '../../backend/core/submission.ts';
import { hasEnded, TRANSFORM_STATES, transformMayBecome } from '../../backend/core/transform-job.ts';

/** Pairs `from>to` that are legal. */
function legal<T extends string>(states: readonly T[], may: (from: T, to: T) => boolean): string[] {
  return states.flatMap((from) => states.filter((to) => may(from, to)).map((to) => `${from}>${to}`));
}

describe('the ways of a job', () => {
  it('lead from Queued over Processing to exactly one final status', () => {
    expect(legal(JOB_STATUSES, mayBecome)).toEqual([
      'Queued>Processing',
      'Queued>Failed',
      'Queued>Cancelled',
      'Processing>Processed',
      'Processing>Failed',
      'Processing>Cancelled',
    ]);
    expect(JOB_STATUSES.filter(isFinal)).toEqual(['Processed', 'Failed', 'Cancelled']);
  });
});

describe('the ways of a batch', () => {
  const ways = legal(BATCH_STATES, batchMayBecome);

  it('end in Done or Failed and nowhere else', () => {
    const ends = BATCH_STATES.filter((state) => !ways.some((way) => way.startsWith(`${state}>`)));
    expect(ends).toEqual(['Done', 'Failed']);
  });

  it('let a late success end any open batch, until it is decided that it fails', () => {
    expect(ways.filter((way) => way.startsWith('Ending>'))).toEqual(['Ending>Failed']);
    expect(ways.filter((way) => way.endsWith('>Failed'))).toEqual(['Ending>Failed']);
    for (const state of BATCH_STATES.filter((s) => s !== 'Done' && s !== 'Failed' && s !== 'Ending'))
      expect(batchMayBecome(state, 'Done')).toBe(true);
  });

  it('start from Waiting only, and split only what has run', () => {
    const into = (state: BatchState) => BATCH_STATES.filter((from) => batchMayBecome(from, state));
    expect(into('Running')).toEqual(['Waiting']);
    expect(into('Split')).toEqual(['Running', 'Held']);
    expect(into('Forming')).toEqual([]);
  });
});

describe('the ways of a transform job', () => {
  it('lead on only', () => {
    expect(legal(TRANSFORM_STATES, transformMayBecome)).toEqual([
      'Claimed>Running',
      'Claimed>Ended',
      'Running>Ended',
    ]);
  });

  it('end as the service says', () => {
    expect((['InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped'] as const).filter(hasEnded)).toEqual([
      'Completed',
      'Failed',
      'Stopped',
    ]);
  });
});

describe('counters', () => {
  const partArb = fc.nat(1_000_000);

  it('add up to the total by status, whatever they are', () => {
    const countersArb = fc.record({
      chunks: partArb,
      total: partArb,
      started: partArb,
      processed: partArb,
      failed: partArb,
      cancelled: partArb,
      retried: partArb,
    });
    fc.assert(
      fc.property(countersArb, (counters) => {
        const counts = Object.values(statusCounts(counters));
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(counters.total);
      }),
    );
  });

  it('tell the statuses back that they were counted from', () => {
    fc.assert(
      fc.property(partArb, partArb, partArb, partArb, partArb, (a, b, c, d, e) => {
        const counts = { Queued: a, Processing: b, Processed: c, Failed: d, Cancelled: e };
        const total = a + b + c + d + e;
        const counters = {
          ...NO_COUNTS,
          total,
          started: total - a,
          processed: c,
          failed: d,
          cancelled: e,
        };
        expect(statusCounts(counters)).toEqual(counts);
        const finished = isFinished({ closed: true, retrying: false, counters });
        expect(finished).toBe(a + b === 0);
      }),
    );
  });

  it('are not finished while open, or while a retry is carried out', () => {
    expect(isFinished({ closed: true, retrying: false, counters: NO_COUNTS })).toBe(true);
    expect(isFinished({ closed: false, retrying: false, counters: NO_COUNTS })).toBe(false);
    expect(isFinished({ closed: true, retrying: true, counters: NO_COUNTS })).toBe(false);
  });
});

describe('clipMessage', () => {
  it('keeps a message of the longest length and cuts a longer one', () => {
    expect(clipMessage(`  ${'x'.repeat(MAX_ERROR_MESSAGE)}\n`)).toBe('x'.repeat(MAX_ERROR_MESSAGE));
    expect(clipMessage('x'.repeat(MAX_ERROR_MESSAGE + 1))).toBe(`${'x'.repeat(MAX_ERROR_MESSAGE - 1)}…`);
  });

  it('cuts between characters, never inside one', () => {
    const clipped = clipMessage(`${'x'.repeat(MAX_ERROR_MESSAGE - 2)}😀 and more`);
    expect(clipped).toBe(`${'x'.repeat(MAX_ERROR_MESSAGE - 2)}…`);
  });
});
