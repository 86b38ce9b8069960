import { beforeEach, describe, expect, it } from 'vitest';
import { type Batch, jobsOf, membersOf } from '../../backend/core/batch.ts';
import { formatJobId, type JobRef } from '../../backend/core/ids.ts';
import type { Ledger } from '../../backend/ports/ledger.ts';
import { batchOf, chunkOf, REASON, refsOf, Steps, T0 } from './ledger-steps.ts';

/** What cancelling and retrying promise. */
export function changeContract(open: () => Ledger): void {
  let ledger: Ledger;
  let steps: Steps;
  beforeEach(() => {
    ledger = open();
    steps = new Steps(ledger);
  });
  const cancelAll = async (id: string, limit = 10) => {
    let next: number | undefined = 0;
    while (next !== undefined) next = await ledger.cancelChunks(id, next, limit, T0 + 5);
  };

  describe('cancelJobs', () => {
    it('cancels what no batch has yet, once, and leaves its neighbours alone', async () => {
      await steps.accept(chunkOf('a', 0, 4));
      expect(await ledger.cancelJobs(refsOf('a', 0, [1, 3]), T0 + 5)).toBe(2);
      expect(await ledger.cancelJobs(refsOf('a', 0, [1, 3]), T0 + 9)).toBe(0);
      expect(await steps.statuses('a')).toEqual(['Queued', 'Cancelled', 'Queued', 'Cancelled']);
      expect((await steps.jobs('a'))[1]).toMatchObject({
        endedAt: T0 + 5,
        result: undefined,
        error: undefined,
      });
      expect(await steps.counts('a')).toEqual({ Queued: 2, Cancelled: 2 });
    });

    it('cancels what is in a batch that has not been started', async () => {
      await steps.submission('a', [2, 2]);
      const forming = await steps.formed([{ submission: 'a', chunk: 0, from: 0, to: 2 }]);
      await steps.waiting([{ submission: 'a', chunk: 1, from: 0, to: 2 }]);
      expect(forming.state).toBe('Forming');
      const refs = [...refsOf('a', 0, [0]), ...refsOf('a', 1, [1])];
      expect(await ledger.cancelJobs(refs, T0)).toBe(2);
      expect(await steps.counts('a')).toEqual({ Queued: 2, Cancelled: 2 });
    });

    it('cancels what waits to be tried again, and what is in a transform job', async () => {
      const back = await steps.running('a', 1);
      const requeue = { kind: 'requeue', notBefore: T0, counts: true, reason: REASON } as const;
      await ledger.applyVerdict(back.batch.id, back.name, requeue, T0);
      const split = await steps.running('b', 2);
      await steps.split(split.batch, split.name, 1);
      await steps.running('c', 1);
      const refs = [...refsOf('a', 0, [0]), ...refsOf('b', 0, [0, 1]), ...refsOf('c', 0, [0])];
      expect(await ledger.cancelJobs(refs, T0)).toBe(4);
      expect(await ledger.cancelJobs(refs, T0)).toBe(0);
      for (const [id, counts] of [
        ['a', { Cancelled: 1 }],
        ['b', { Cancelled: 2 }],
        ['c', { Cancelled: 1 }],
      ] as const)
        expect(await steps.counts(id)).toEqual(counts);
    });

    it('leaves what is final, and does not know what is not there', async () => {
      const { batch } = await steps.running('a', 1);
      await steps.file(batch);
      await steps.failed('b', 1);
      const unknown: JobRef[] = [...refsOf('a', 0, [1]), ...refsOf('a', 7, [0]), ...refsOf('nobody', 0, [0])];
      const refs = [...refsOf('a', 0, [0]), ...refsOf('b', 0, [0]), ...unknown];
      expect(await ledger.cancelJobs(refs, T0)).toBe(0);
      expect(await steps.counts('a')).toEqual({ Processed: 1 });
      expect(await steps.counts('b')).toEqual({ Failed: 1 });
    });
  });

  describe('cancelling a submission', () => {
    it('takes no more chunks, cancels page by page, and ends', async () => {
      for (const n of [0, 1, 4]) await steps.accept(chunkOf('a', n, 2));
      expect(await ledger.beginCancel('a')).toBe(true);
      expect(await ledger.submission('a')).toMatchObject({ cancelling: true, closed: true });
      expect(await steps.accept(chunkOf('a', 2, 2))).toBe('closed');
      expect(await ledger.cancelChunks('a', 0, 2, T0)).toBe(4);
      expect(await steps.counts('a')).toEqual({ Cancelled: 4, Queued: 2 });
      expect(await ledger.cancelChunks('a', 4, 2, T0)).toBeUndefined();
      await ledger.endCancel('a');
      expect(await ledger.submission('a')).toMatchObject({ cancelling: false, closed: true });
      expect(await steps.counts('a')).toEqual({ Cancelled: 6 });
      expect(await ledger.openChunks(10)).toEqual([]);
    });

    it('cancels what waits and what runs, drops later answers, and may be repeated', async () => {
      await steps.submission('a', [2, 2, 2]);
      const run = await steps.waiting([{ submission: 'a', chunk: 0, from: 0, to: 2 }]);
      await steps.claim(run.id);
      await steps.waiting([{ submission: 'a', chunk: 1, from: 0, to: 2 }]);
      for (let i = 0; i < 2; i++) {
        await ledger.beginCancel('a');
        await cancelAll('a');
        await ledger.endCancel('a');
      }
      expect(await steps.counts('a')).toEqual({ Cancelled: 6 });
      await steps.file(run);
      expect(await steps.counts('a')).toEqual({ Cancelled: 6 });
    });

    it('gives its chunks to no batch any more, and does not know what is not there', async () => {
      await steps.submission('a', [2]);
      await ledger.beginCancel('a');
      await cancelAll('a');
      const late = await steps.formed([{ submission: 'a', chunk: 0, from: 0, to: 2 }]);
      expect(late.jobs).toBe(0);
      expect(await ledger.beginCancel('unknown')).toBe(false);
      expect(await ledger.cancelChunks('unknown', 0, 5, T0)).toBeUndefined();
    });

    it('cancels what a retry has put back, and ends the retry', async () => {
      await steps.failed('a', 3);
      await ledger.beginRetry('a', 0, 'all');
      await ledger.formBatches([batchOf('r', membersOf(refsOf('a', 0, [0, 1])), { generation: 1 })]);
      expect(await steps.counts('a')).toEqual({ Queued: 2, Failed: 1 });
      await ledger.beginCancel('a');
      expect((await ledger.submission('a'))?.retrying).toBe(false);
      expect((await ledger.jobsToRetry('a', 0, 10, 1e6)).jobs).toEqual([]);
      await cancelAll('a');
      expect(await steps.statuses('a')).toEqual(['Cancelled', 'Cancelled', 'Failed']);
      // A retry's step that had begun before.
      await ledger.formBatches([batchOf('r-2', membersOf(refsOf('a', 0, [2])), { generation: 1 })]);
      expect(await steps.counts('a')).toEqual({ Cancelled: 2, Failed: 1 });
    });
  });

  describe('retrying', () => {
    const toRetry = async (limit = 100, bytes = 1e9) =>
      (await ledger.jobsToRetry('a', 0, limit, bytes)).jobs.map(formatJobId);
    const retryBatch = async (id: string, refs: readonly JobRef[], generation: number) =>
      (await ledger.formBatches([batchOf(id, membersOf(refs), { generation })]))[0] as Batch;

    it('begins once for a generation, and only where something has failed', async () => {
      await steps.failed('a', 2);
      expect(await ledger.beginRetry('a', 1, 'all')).toBe(false);
      const begun = [1, 2].map(() => ledger.beginRetry('a', 0, 'all'));
      expect((await Promise.all(begun)).sort()).toEqual([false, true]);
      expect(await ledger.submission('a')).toMatchObject({ generation: 1, retrying: true });
      expect(await ledger.beginRetry('a', 1, 'all')).toBe(false);
      const { batch } = await steps.running('b', 2);
      await steps.file(batch);
      expect(await ledger.beginRetry('b', 0, 'all')).toBe(false);
      expect(await ledger.beginRetry('b', 0, refsOf('b', 0, [0]))).toBe(false);
      expect(await ledger.beginRetry('unknown', 0, 'all')).toBe(false);
      expect(await ledger.submission('b')).toMatchObject({ generation: 0, retrying: false });
    });

    it('takes failed jobs in order, by number and bytes, and each once', async () => {
      await steps.submission('a', [2, 2, 1]);
      const members = [0, 1].map((chunk) => ({ submission: 'a', chunk, from: 0, to: 2 }));
      const batch = await steps.waiting(members);
      const name = await steps.claim(batch.id);
      await ledger.applyVerdict(batch.id, name, { kind: 'fail', error: REASON }, T0);
      expect(await toRetry()).toEqual([]);
      await ledger.beginRetry('a', 0, 'all');
      expect(await toRetry()).toEqual(['a.0.0', 'a.0.1', 'a.1.0', 'a.1.1']);
      expect(await toRetry(3)).toEqual(['a.0.0', 'a.0.1', 'a.1.0']);
      expect(await toRetry(3, 1)).toEqual(['a.0.0']);
      const formed = await retryBatch('r', [...refsOf('a', 0, [1]), ...refsOf('a', 1, [0])], 1);
      expect(formed).toMatchObject({ id: 'r', jobs: 2, state: 'Forming', generation: 1 });
      expect(await ledger.batch('r')).toEqual(formed);
      expect(await toRetry()).toEqual(['a.0.0', 'a.1.1']);
      expect(await steps.counts('a')).toEqual({ Queued: 3, Failed: 2 });
      const job = (await ledger.jobs(refsOf('a', 0, [1])))[0];
      expect(job).toMatchObject({ status: 'Queued', generation: 1, error: undefined, endedAt: undefined });
    });

    it('takes the jobs named, those that failed, each once and in order', async () => {
      await steps.failed('a', 4);
      await ledger.beginRetry('a', 0, [...refsOf('a', 0, [3, 1, 3]), ...refsOf('a', 5, [0])]);
      expect(await toRetry()).toEqual(['a.0.1', 'a.0.3']);
      expect(await toRetry(1)).toEqual(['a.0.1']);
      await retryBatch('r', refsOf('a', 0, [1, 3]), 1);
      expect(await toRetry()).toEqual([]);
      await ledger.endRetry('a', 1);
      expect(await ledger.submission('a')).toMatchObject({ generation: 1, retrying: false });
      expect(await steps.counts('a')).toEqual({ Queued: 2, Failed: 2 });
    });

    it('gives a job to one of two batches that ask for it', async () => {
      await steps.failed('a', 3);
      await ledger.beginRetry('a', 0, 'all');
      const [one, two] = await Promise.all([
        retryBatch('r-1', refsOf('a', 0, [0, 1]), 1),
        retryBatch('r-2', refsOf('a', 0, [0, 1, 2]), 1),
      ]);
      const jobs = [...jobsOf([...one.members, ...two.members])].map(formatJobId);
      expect(jobs.sort()).toEqual(['a.0.0', 'a.0.1', 'a.0.2']);
      const none = await retryBatch('r-3', refsOf('a', 0, [0, 1, 2]), 1);
      expect(none.jobs).toBe(0);
      expect((await steps.batch('r-3')).state).toBe('Done');
      expect(await retryBatch('r-1', refsOf('a', 0, [0, 1]), 1)).toEqual(one);
      expect(await steps.counts('a')).toEqual({ Queued: 3 });
    });

    it('drops a late result of the generation before', async () => {
      const { batch, name } = await steps.running('a', 2);
      const children = await steps.split(batch, name, 1);
      await ledger.markWaiting(children.map(({ id }) => id));
      const second = await steps.claim(...children.map(({ id }) => id));
      for (const { id } of children)
        await ledger.applyVerdict(id, second, { kind: 'fail', error: REASON }, T0);
      await ledger.beginRetry('a', 0, 'all');
      await retryBatch('r', refsOf('a', 0, [0]), 1);
      await steps.file(batch, '"late"');
      expect(await steps.counts('a')).toEqual({ Queued: 1, Failed: 1 });
      expect((await steps.jobs('a')).map(({ result }) => result)).toEqual([undefined, undefined]);
    });

    it('runs them as a new generation, which ends as any other', async () => {
      const first = await steps.failed('a', 3);
      await ledger.beginRetry('a', 0, 'all');
      const batch = await retryBatch('r', refsOf('a', 0, [0, 1, 2]), 1);
      await ledger.endRetry('a', 1);
      await steps.file(first, '"late, of the generation before"');
      await ledger.markWaiting(['r']);
      await ledger.cancelJobs(refsOf('a', 0, [2]), T0);
      expect(await steps.counts('a')).toEqual({ Queued: 2, Cancelled: 1 });
      const name = await steps.claim('r');
      expect(await steps.counts('a')).toEqual({ Processing: 2, Cancelled: 1 });
      const [one, two] = await steps.split(batch, name, 1);
      await ledger.markWaiting([one?.id ?? '', two?.id ?? '']);
      const second = await steps.claim(one?.id ?? '', two?.id ?? '');
      const results = [{ ref: { submission: 'a', chunk: 0, index: 0 }, result: '1' }];
      await ledger.fileResults([{ batch: one?.id ?? '', results }], T0);
      await ledger.applyVerdict(two?.id ?? '', second, { kind: 'fail', error: REASON }, T0);
      expect(await steps.statuses('a')).toEqual(['Processed', 'Failed', 'Cancelled']);
      expect((await steps.jobs('a')).map(({ generation }) => generation)).toEqual([1, 1, 1]);
      expect(await steps.counts('a')).toEqual({ Processed: 1, Failed: 1, Cancelled: 1 });
      expect(await ledger.beginRetry('a', 1, 'all')).toBe(true);
      expect(await toRetry()).toEqual(['a.0.1']);
    });
  });
}
