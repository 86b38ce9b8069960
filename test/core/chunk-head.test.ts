import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  allEnded,
  decodeHead,
  type End,
  encodeHead,
  endJobs,
  type FinalStatus,
  generationOf,
  type Head,
  hasFree,
  hold,
  isFree,
  isOpenFor,
  mayRetry,
  moveSegments,
  newHead,
  retake,
  segmentsOf,
} from '../../backend/core/chunk-head.ts';
import { cutBatchId } from '../../backend/core/ids.ts';
import { randomOf } from '../support/random.ts';

const AT = Date.UTC(2026, 10, 22, 10);
const ROOT = 'b-20261122100000-k3j9x0';
const holder = (root = ROOT, generation = 0) => ({ root, generation });
const end = (status: FinalStatus, more: Partial<End> = {}): End => ({
  status,
  generation: 0,
  at: AT + 5,
  segment: undefined,
  ...more,
});
const size = (head: Head) => {
  const stored = encodeHead(head, AT);
  return typeof stored === 'string' ? Buffer.byteLength(stored) : stored.length;
};

describe('a head', () => {
  it('gives free jobs to a holder, once, and none that have ended', () => {
    const cancelled = endJobs(newHead(4), [1], end('Cancelled'));
    const held = hold(cancelled, () => holder());
    expect(held.holders.map((known) => known?.root)).toEqual([ROOT, undefined, ROOT, ROOT]);
    expect(hold(held, () => holder('other'))).toEqual(held);
    expect([0, 1].map((index) => isOpenFor(held, index, holder()))).toEqual([true, false]);
    expect(isOpenFor(held, 0, holder('other'))).toBe(false);
    expect(isOpenFor(held, 0, holder(ROOT, 1))).toBe(false);
    expect([hasFree(cancelled), hasFree(held)]).toEqual([true, false]);
    expect(isFree(cancelled, 1)).toBe(false);
  });

  it('forgets who held what was processed or has failed, not who held what was cancelled', () => {
    const held = hold(newHead(3), () => holder());
    let ended: Head = held;
    for (const [index, status] of (['Processed', 'Failed', 'Cancelled'] as const).entries())
      ended = endJobs(ended, [index], end(status, { segment: 's' }));
    expect(ended.holders).toEqual([undefined, undefined, holder()]);
    expect(allEnded(ended)).toBe(true);
  });

  it('lets a retry take what has failed before its generation, and nothing else', () => {
    let head = hold(newHead(3), () => holder());
    head = endJobs(head, [0], end('Failed'));
    head = endJobs(head, [1], end('Processed'));
    expect([0, 1, 2].map((index) => mayRetry(head, index, 1))).toEqual([true, false, false]);
    const again = retake(head, [0], holder('r', 1));
    expect(generationOf(again, 0)).toBe(1);
    expect(isOpenFor(again, 0, holder('r', 1))).toBe(true);
    expect(isOpenFor(again, 0, holder())).toBe(false);
    const failed = endJobs(again, [0], end('Failed', { generation: 1 }));
    expect([1, 2].map((generation) => mayRetry(failed, 0, generation))).toEqual([false, true]);
  });

  it('names its segments once each, and lets them move', () => {
    const some = endJobs(newHead(3), [0, 2], end('Processed', { segment: 'a' }));
    const ended = endJobs(some, [1], end('Processed', { segment: 'b' }));
    expect(segmentsOf(ended)).toEqual(['a', 'b']);
    expect(segmentsOf(moveSegments(ended, new Map([[1, 'a']])))).toEqual(['a']);
  });
});

describe('a stored head', () => {
  const holderArb = fc.option(
    fc.record({ root: fc.constantFrom('b-1', 'b-2_0003'), generation: fc.nat(3) }),
    {
      nil: undefined,
    },
  );
  const endArb = fc.option(
    fc.record({
      status: fc.constantFrom<FinalStatus>('Processed', 'Failed', 'Cancelled'),
      generation: fc.nat(3),
      at: fc.integer({ min: AT - 1000, max: AT + 1e9 }),
      segment: fc.option(fc.constantFrom('s-1', 's-2'), { nil: undefined }),
    }),
    { nil: undefined },
  );

  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(holderArb, endArb), { minLength: 1, maxLength: 60 }), (jobs) => {
        const head = { holders: jobs.map(([known]) => known), ends: jobs.map(([, known]) => known) };
        expect(decodeHead(encodeHead(head, AT), AT)).toEqual(head);
      }),
    );
  });

  it('is small in the usual case', () => {
    const held = hold(newHead(500), () => holder());
    expect(size(held)).toBeLessThan(100);
    expect(size(endJobs(held, held.ends.keys(), end('Processed', { segment: 'x'.repeat(16) })))).toBeLessThan(
      120,
    );
  });

  it('stays under 8 KB after 500 batches of one job, each ended at its own time, and 20 retries', () => {
    const random = randomOf(7);
    const text = (length: number) =>
      Array.from({ length }, () => Math.floor(random() * 36).toString(36)).join('');
    let head = hold(newHead(500), (index) => holder(cutBatchId(ROOT, index)));
    let largest = size(head);
    const segments = Array.from({ length: 32 }, () => text(16));
    const endSome = (share: number, status: FinalStatus, generation: number) => {
      for (const index of head.ends.keys()) {
        if (head.ends[index] || random() > share) continue;
        const at = AT + Math.floor(random() * 80_000_000);
        const segment = segments[Math.floor(random() * 32)];
        head = endJobs(head, [index], end(status, { at, generation, segment }));
        if (index % 25 === 0) largest = Math.max(largest, size(head));
      }
      largest = Math.max(largest, size(head));
    };
    endSome(0.2, 'Processed', 0);
    endSome(1, 'Failed', 0);
    for (let generation = 1; generation <= 20; generation++) {
      const root = `b-20261122${100_000 + generation}-${text(6)}`;
      const failed = head.ends.flatMap((_, index) => (mayRetry(head, index, generation) ? [index] : []));
      head = retake(head, failed, { root, generation });
      largest = Math.max(largest, size(head));
      endSome(0.05, 'Processed', generation);
      endSome(1, 'Failed', generation);
    }
    expect(largest).toBeLessThan(8 * 1024);
  });
});
