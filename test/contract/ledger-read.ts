import { beforeEach, describe, expect, it } from 'vitest';
import { formatJobId } from '../../backend/core/ids.ts';
import type { Ledger } from '../../backend/ports/ledger.ts';
import { batchOf, chunkOf, draftOf, HOUR, REASON, refsOf, Steps, T0 } from './ledger-steps.ts';

/** What reading promises: the listing and the counters say the same, in input order, a page at a time. */
export function readContract(open: () => Ledger): void {
  let ledger: Ledger;
  let steps: Steps;
  beforeEach(() => {
    ledger = open();
    steps = new Steps(ledger);
  });

  describe('submissions', () => {
    it('lists those of many jobs, newest first, page by page', async () => {
      const ids = ['a', 'z', 'b', 'y', 'c'];
      for (const [i, id] of ids.entries()) {
        await ledger.openSubmission(draftOf(id, { createdAt: T0 + i }));
        await steps.accept(chunkOf(`j-${id}`, 0, 1), { kind: 'single', createdAt: T0 + i });
      }
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await ledger.submissions(cursor, 2);
        expect(page.items.length).toBeLessThanOrEqual(2);
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.next;
      } while (cursor !== undefined);
      expect(seen).toEqual([...ids].reverse());
    });

    it('is one page without a next where all fit, and an empty one where there are none', async () => {
      expect(await ledger.submissions(undefined, 5)).toEqual({ items: [], next: undefined });
      await ledger.openSubmission(draftOf('a'));
      const page = await ledger.submissions(undefined, 1);
      expect(page.items.map(({ id }) => id)).toEqual(['a']);
      expect(page.next).toBeUndefined();
    });
  });

  describe('chunks', () => {
    it('gives jobs in input order with their lines and custom IDs, from a chunk on', async () => {
      const directory = {
        lines: [
          [1, 2],
          [7, 1],
        ],
        customIds: ['x', null, '\u2028"'],
      } as const;
      await steps.accept(chunkOf('a', 0, 3, { directory }));
      await steps.accept(chunkOf('a', 4, 2));
      await steps.accept(chunkOf('a', 9, 1));
      const [first, ...more] = await ledger.chunks('a', 0, 2);
      expect(first?.jobs.map(({ line, customId }) => [line, customId])).toEqual([
        [1, 'x'],
        [2, undefined],
        [7, '\u2028"'],
      ]);
      expect(first?.jobs[2]).toEqual({
        ref: { submission: 'a', chunk: 0, index: 2 },
        line: 7,
        customId: '\u2028"',
        status: 'Queued',
        generation: 0,
        acceptedAt: T0,
        endedAt: undefined,
        result: undefined,
        error: undefined,
      });
      expect(more.map(({ n, jobs }) => [n, jobs.length])).toEqual([[4, 2]]);
      expect((await ledger.chunks('a', 5, 10)).map(({ n }) => n)).toEqual([9]);
      expect(await ledger.chunks('a', 10, 10)).toEqual([]);
      expect(await ledger.chunks('unknown', 0, 10)).toEqual([]);
    });

    it('takes statuses from how jobs ended, else from the batch that has the range', async () => {
      await steps.submission('a', [6]);
      const cut = { base: 'b', size: 2 };
      const ids = ['b_0000', 'b_0001', 'b_0002'] as const;
      await ledger.formBatches(
        ids.map((id, i) => batchOf(id, [{ submission: 'a', chunk: 0, from: 2 * i, to: 2 * i + 2 }], { cut })),
      );
      await ledger.markWaiting(ids);
      await ledger.cancelJobs(refsOf('a', 0, [5]), T0);
      const name = await steps.claim(ids[0], ids[1]);
      await steps.file(await steps.batch(ids[0]));
      expect((await steps.statuses('a')).join(' ')).toBe(
        'Processed Processed Processing Processing Queued Cancelled',
      );
      await ledger.applyVerdict(ids[1], name, { kind: 'fail', error: REASON }, T0);
      expect(await steps.counts('a')).toEqual({ Processed: 2, Failed: 2, Queued: 1, Cancelled: 1 });
    });
  });

  describe('jobs', () => {
    it('are given in the order asked, unknown ones as undefined', async () => {
      await steps.submission('a', [3, 2]);
      await steps.submission('b', [1]);
      const refs = [
        ...refsOf('b', 0, [0]),
        ...refsOf('a', 1, [1]),
        ...refsOf('a', 0, [3]),
        ...refsOf('a', 2, [0]),
        ...refsOf('unknown', 0, [0]),
        ...refsOf('a', 0, [2]),
        ...refsOf('a', 1, [1]),
      ];
      const found = (await ledger.jobs(refs)).map((job) => job && formatJobId(job.ref));
      expect(found).toEqual(['b.0.0', 'a.1.1', undefined, undefined, undefined, 'a.0.2', 'a.1.1']);
      expect(await ledger.jobs([])).toEqual([]);
    });

    it('are the same as in the listing', async () => {
      await steps.failed('a', 3);
      const listed = await steps.jobs('a');
      expect(await ledger.jobs(listed.map(({ ref }) => ref))).toEqual(listed);
    });
  });

  describe('chunksWithFailures', () => {
    it('skips clean chunks', async () => {
      await steps.submission('a', [1, 2, 1, 2]);
      const members = [1, 3].map((chunk) => ({ submission: 'a', chunk, from: 0, to: 2 }));
      const batch = await steps.waiting(members);
      const name = await steps.claim(batch.id);
      expect(await ledger.chunksWithFailures('a', 0, 10)).toEqual([]);
      await ledger.applyVerdict(batch.id, name, { kind: 'fail', error: REASON }, T0);
      expect(await ledger.chunksWithFailures('a', 0, 10)).toEqual([1, 3]);
      expect(await ledger.chunksWithFailures('a', 0, 1)).toEqual([1]);
      expect(await ledger.chunksWithFailures('a', 2, 10)).toEqual([3]);
      expect(await ledger.chunksWithFailures('unknown', 0, 10)).toEqual([]);
    });
  });

  it('does not know what is not there', async () => {
    expect(await ledger.submission('x')).toBeUndefined();
    expect(await ledger.batch('x')).toBeUndefined();
    expect(await ledger.transformJob('x')).toBeUndefined();
    expect(await ledger.runningBatches('x')).toEqual([]);
    expect(await ledger.family('x')).toEqual([]);
    expect(await ledger.formingChildren('x')).toEqual([]);
  });

  describe('openWork', () => {
    const nothing = {
      chunks: false,
      forming: [],
      held: [],
      overdue: [],
      waiting: false,
      transforms: [],
      submissions: [],
      ending: [],
    };
    const work = (now = T0) => ledger.openWork(now);

    it('is nothing where nothing is open', async () => {
      expect(await work()).toEqual(nothing);
      await steps.failed('a', 2);
      const { batch, name } = await steps.running('b', 1);
      await steps.file(batch);
      await ledger.endTransformJob(name, undefined);
      await ledger.openSubmission(draftOf('c'));
      expect(await work()).toEqual(nothing);
    });

    it('follows a submission from step to step', async () => {
      await steps.accept(chunkOf('a', 0, 2));
      expect(await work()).toEqual({ ...nothing, chunks: true });
      const batch = await steps.formed([{ submission: 'a', chunk: 0, from: 0, to: 2 }]);
      expect(await work()).toEqual({ ...nothing, forming: [batch.id] });
      await ledger.markWaiting([batch.id]);
      expect(await work()).toEqual({ ...nothing, waiting: true });
      expect(await work(T0 + 24 * HOUR - 1)).toEqual({ ...nothing, waiting: true });
      expect(await work(T0 + 24 * HOUR)).toEqual({ ...nothing, waiting: true, overdue: [batch.id] });
      const name = await steps.claim(batch.id);
      expect(await work(T0 + 48 * HOUR)).toEqual({ ...nothing, transforms: [name] });
      await ledger.markCreated(name);
      expect(await work()).toEqual({ ...nothing, transforms: [name] });
      await steps.split(batch, name, 1);
      expect(await work()).toEqual({ ...nothing, forming: [batch.id], transforms: [name] });
      await ledger.endTransformJob(name, undefined);
      expect(await work()).toEqual({ ...nothing, forming: [batch.id] });
    });

    it('lists what is held, and what is being cancelled or retried', async () => {
      const { batch, name } = await steps.running('a', 1);
      await ledger.applyVerdict(batch.id, name, { kind: 'hold', scout: 'x', reason: REASON }, T0);
      await ledger.endTransformJob(name, undefined);
      expect(await work()).toEqual({ ...nothing, held: [batch.id] });
      await steps.failed('b', 1);
      await ledger.beginRetry('b', 0, 'all');
      await steps.failed('c', 1);
      await ledger.beginCancel('c');
      const open = await work();
      expect({ ...open, submissions: [...open.submissions].sort() }).toEqual({
        ...nothing,
        held: [batch.id],
        submissions: ['b', 'c'],
      });
      await ledger.endRetry('b', 1);
      await ledger.endCancel('c');
      expect(await work()).toEqual({ ...nothing, held: [batch.id] });
    });
  });
}
