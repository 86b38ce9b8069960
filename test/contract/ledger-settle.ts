import { beforeEach, describe, expect, it } from 'vitest';
import { type Batch, jobsOf } from '../../backend/core/batch.ts';
import type { Ledger, Verdict } from '../../backend/ports/ledger.ts';
import { batchOf, chunkOf, REASON, refsOf, Steps, T0, transformOf } from './ledger-steps.ts';

/** What settling promises: each result counts once, and nothing final is written over. */
export function settleContract(open: () => Ledger): void {
  let ledger: Ledger;
  let steps: Steps;
  beforeEach(() => {
    ledger = open();
    steps = new Steps(ledger);
  });
  const requeue: Verdict = { kind: 'requeue', notBefore: T0 + 50, counts: true, reason: REASON };
  const fail: Verdict = { kind: 'fail', error: REASON };

  describe('fileResults', () => {
    it('files each result as its own text, and ends the batch as Done', async () => {
      const { batch } = await steps.running('a', 4);
      const texts = [
        '12345678901234567890',
        '{"b":1.0, "a":"\u2028\\u0000"}',
        'null',
        `"${'é'.repeat(5000)}"`,
      ];
      const results = refsOf('a', 0, [0, 1, 2, 3]).map((ref, i) => ({ ref, result: texts[i] as string }));
      await ledger.fileResults([{ batch: batch.id, results }], T0 + 9);
      const jobs = await steps.jobs('a');
      expect(jobs.map(({ result }) => result)).toEqual(texts);
      expect(jobs[0]).toMatchObject({
        status: 'Processed',
        endedAt: T0 + 9,
        error: undefined,
        generation: 0,
      });
      expect((await steps.batch(batch.id)).state).toBe('Done');
      expect(await steps.counts('a')).toEqual({ Processed: 4 });
    });

    it('changes nothing when it is repeated, whatever it brings', async () => {
      const { batch } = await steps.running('a', 2);
      await Promise.all(['"x"', '"x"'].map((result) => steps.file(batch, result, T0)));
      const before = await steps.jobs('a');
      await steps.file(batch, '"other"', T0 + 99);
      expect(await steps.jobs('a')).toEqual(before);
      expect(await steps.counts('a')).toEqual({ Processed: 2 });
    });

    it('counts for a batch that went back, is held, or was split: a success is a success', async () => {
      const back = await steps.running('a', 2);
      await ledger.applyVerdict(back.batch.id, back.name, requeue, T0);
      const held = await steps.running('b', 2);
      await ledger.applyVerdict(held.batch.id, held.name, { kind: 'hold', scout: 'x', reason: REASON }, T0);
      const split = await steps.running('c', 2);
      const children = await steps.split(split.batch, split.name, 1);
      await ledger.markWaiting(children.map(({ id }) => id));
      for (const { batch } of [back, held, split]) await steps.file(batch);
      for (const id of ['a', 'b', 'c']) expect(await steps.counts(id)).toEqual({ Processed: 2 });
      // Nothing is left to do for the children: they end when they would be started.
      const claims = children.map(({ id }) => ledger.claimTransformJob(transformOf(`t-${id}`, [id]), 9));
      expect(await Promise.all(claims)).toEqual(['changed', 'changed']);
      expect(await ledger.family(split.batch.id)).toEqual(['Done', 'Done']);
    });

    it("keeps what a child found when the parent's output comes late", async () => {
      const { batch, name } = await steps.running('a', 3);
      const [one, two, three] = (await steps.split(batch, name, 1, 2)) as [Batch, Batch, Batch];
      await ledger.markWaiting([one.id, two.id, three.id]);
      const second = await steps.claim(one.id, two.id, three.id);
      await steps.file(one, '"child"');
      await ledger.applyVerdict(two.id, second, fail, T0);
      await steps.file(batch, '"parent"');
      await steps.file(three, '"too late"');
      const jobs = await steps.jobs('a');
      expect(jobs.map(({ result }) => result)).toEqual(['"child"', undefined, '"parent"']);
      expect(await steps.counts('a')).toEqual({ Processed: 2, Failed: 1 });
    });

    it('takes a late output of an earlier attempt in part, and the rest of a later one; the place is given back', async () => {
      const { batch, name } = await steps.running('a', 4);
      await ledger.applyVerdict(batch.id, name, requeue, T0);
      await ledger.endTransformJob(name, undefined);
      const second = await steps.claim(batch.id);
      const results = (result: string) => [...jobsOf(batch.members)].map((ref) => ({ ref, result }));
      await ledger.fileResults([{ batch: batch.id, results: results('"first"').slice(0, 2) }], T0);
      expect((await steps.batch(batch.id)).state).toBe('Running');
      expect(await steps.counts('a')).toEqual({ Processed: 2, Processing: 2 });
      await ledger.fileResults([{ batch: batch.id, results: results('"second"') }], T0);
      expect((await steps.jobs('a')).map(({ result }) => result)).toEqual([
        '"first"',
        '"first"',
        '"second"',
        '"second"',
      ]);
      expect((await steps.batch(batch.id)).state).toBe('Done');
      expect(await ledger.endTransformJob(second, undefined)).toBe(true);
      expect((await ledger.openWork(T0)).transforms).toEqual([]);
    });

    it('ends a batch whose last open jobs were filed of an earlier attempt, and its place is given back', async () => {
      const { batch, name } = await steps.running('a', 2);
      await ledger.applyVerdict(batch.id, name, requeue, T0);
      await ledger.endTransformJob(name, undefined);
      const second = await steps.claim(batch.id);
      await steps.file(batch, '"late"');
      expect(await ledger.runningBatches(second)).toEqual([]);
      expect(await ledger.endTransformJob(second, undefined)).toBe(true);
    });

    it('does nothing for a batch that has failed, or that nobody knows', async () => {
      const { batch, name } = await steps.running('a', 2);
      await ledger.applyVerdict(batch.id, name, fail, T0);
      await steps.file(batch);
      await ledger.fileResults([{ batch: 'unknown', results: [] }], T0);
      expect(await steps.counts('a')).toEqual({ Failed: 2 });
    });

    it('drops the late result of a cancelled job', async () => {
      await steps.submission('a', [3]);
      const batch = await steps.waiting([{ submission: 'a', chunk: 0, from: 0, to: 3 }]);
      await ledger.cancelJobs(refsOf('a', 0, [1]), T0);
      await steps.claim(batch.id);
      await steps.file(batch);
      expect(await steps.statuses('a')).toEqual(['Processed', 'Cancelled', 'Processed']);
      expect((await steps.jobs('a'))[1]?.result).toBeUndefined();
      expect(await steps.counts('a')).toEqual({ Processed: 2, Cancelled: 1 });
    });

    it('files single jobs of one batch under each', async () => {
      for (const id of ['j-1', 'j-2', 'j-3']) await steps.accept(chunkOf(id, 0, 1), { kind: 'single' });
      const members = ['j-3', 'j-1', 'j-2'].map((submission) => ({ submission, chunk: 0, from: 0, to: 1 }));
      const batch = await steps.waiting(members, { owner: undefined });
      await steps.claim(batch.id);
      const texts = ['1', `"${'x'.repeat(3000)}"`, '{"b":1.0,"a":2}'];
      const results = [...jobsOf(members)].map((ref, i) => ({ ref, result: texts[i] as string }));
      await ledger.fileResults([{ batch: batch.id, results }], T0);
      const jobs = await ledger.jobs(results.map(({ ref }) => ref));
      expect(jobs.map((job) => job?.result)).toEqual(texts);
      for (const id of ['j-1', 'j-2', 'j-3']) expect(await steps.counts(id)).toEqual({ Processed: 1 });
      expect((await steps.batch(batch.id)).state).toBe('Done');
    });

    it('files batches of one chunk together, and in parts', async () => {
      await steps.submission('a', [6]);
      const cut = { base: 'b', size: 2 };
      const drafts = [0, 1, 2].map((i) =>
        batchOf(`b_000${i}`, [{ submission: 'a', chunk: 0, from: 2 * i, to: 2 * i + 2 }], { cut }),
      );
      await ledger.formBatches(drafts);
      const ids = drafts.map(({ id }) => id);
      await ledger.markWaiting(ids);
      await steps.claim(...ids);
      const result = (index: number) => ({ ref: { submission: 'a', chunk: 0, index }, result: `${index}` });
      const filings = [
        { batch: 'b_0000', results: [result(0), result(1)] },
        { batch: 'b_0001', results: [result(3)] },
      ];
      await ledger.fileResults(filings, T0);
      expect(await steps.counts('a')).toEqual({ Processed: 3, Processing: 3 });
      expect((await Promise.all(ids.map((id) => steps.batch(id)))).map(({ state }) => state)).toEqual([
        'Done',
        'Running',
        'Running',
      ]);
      // A job that is not of the batch is not filed for it.
      await ledger.fileResults([{ batch: 'b_0001', results: [result(2), result(5)] }], T0);
      expect((await steps.jobs('a')).map((job) => job.result)).toEqual([
        '0',
        '1',
        '2',
        '3',
        undefined,
        undefined,
      ]);
      expect((await steps.batch('b_0001')).state).toBe('Done');
    });
  });

  describe('countUnusable', () => {
    it('counts by attempt; an output of an earlier transform job is past hope', async () => {
      const { batch, name } = await steps.running('a', 1);
      expect([
        await ledger.countUnusable(batch.id, name),
        await ledger.countUnusable(batch.id, name),
      ]).toEqual([1, 2]);
      await ledger.applyVerdict(batch.id, name, requeue, T0);
      const second = await steps.claim(batch.id);
      expect(await ledger.countUnusable(batch.id, second)).toBe(1);
      expect(await ledger.countUnusable(batch.id, name)).toBeGreaterThan(1000);
      expect(await ledger.countUnusable(batch.id, second)).toBe(2);
    });
  });

  describe('endTransformJob', () => {
    it('ends it once, when none of its batches is Running', async () => {
      const { batch, name } = await steps.running('a', 1);
      expect(await ledger.endTransformJob(name, undefined)).toBe(false);
      await steps.file(batch);
      const ends = [1, 2].map(() => ledger.endTransformJob(name, 'why'));
      expect((await Promise.all(ends)).sort()).toEqual([false, true]);
      expect(await ledger.transformJob(name)).toMatchObject({ state: 'Ended', reason: 'why' });
      expect(await ledger.endTransformJob('unknown', undefined)).toBe(false);
    });
  });
}
