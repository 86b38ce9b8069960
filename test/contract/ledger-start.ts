import { beforeEach, describe, expect, it } from 'vitest';
import type { Batch } from '../../backend/core/batch.ts';
import { pinKey } from '../../backend/core/settings.ts';
import type { Ledger } from '../../backend/ports/ledger.ts';
import { batchOf, pinOf, REASON, refsOf, Steps, T0, transformOf } from './ledger-steps.ts';

/** What starting promises: places and batches are taken together or not at all, and jobs start once. */
export function startContract(open: () => Ledger): void {
  let ledger: Ledger;
  let steps: Steps;
  beforeEach(() => {
    ledger = open();
    steps = new Steps(ledger);
  });
  /** A submission of one chunk, its batch Waiting. */
  const waiting = async (id: string, jobs: number, more: Partial<Batch> = {}) => {
    await steps.submission(id, [jobs], more.pin ? { pin: more.pin } : {});
    return steps.waiting([{ submission: id, chunk: 0, from: 0, to: jobs }], more);
  };
  const claim = (name: string, batches: readonly string[], slots: number) =>
    ledger.claimTransformJob(transformOf(name, batches), slots);
  const requeue = (batch: string, name: string, notBefore: number) =>
    ledger.applyVerdict(batch, name, { kind: 'requeue', notBefore, counts: false, reason: REASON }, T0);

  describe('waitingBatches and nextWaiting', () => {
    it('list what may start now, oldest first', async () => {
      const ids = [];
      for (const id of ['a', 'b', 'c']) ids.push((await waiting(id, 1)).id);
      await steps.submission('d', [1]);
      await steps.formed([{ submission: 'd', chunk: 0, from: 0, to: 1 }]);
      const list = async (limit = 10) => (await ledger.waitingBatches(T0, limit)).map(({ id }) => id);
      expect(await list()).toEqual(ids);
      expect(await list(2)).toEqual(ids.slice(0, 2));
    });

    it('keep a batch that waits for its time apart', async () => {
      const { batch, name } = await steps.running('a', 1);
      await requeue(batch.id, name, T0 + 500);
      expect(await ledger.waitingBatches(T0 + 499, 10)).toEqual([]);
      expect(await ledger.nextWaiting(T0)).toBe(T0 + 500);
      expect((await ledger.waitingBatches(T0 + 500, 10)).map(({ id }) => id)).toEqual([batch.id]);
      expect(await ledger.nextWaiting(T0 + 500)).toBeUndefined();
    });

    it("give a split batch's children together, in order", async () => {
      const { batch, name } = await steps.running('a', 4);
      const children = await steps.split(batch, name, 1, 2);
      await ledger.markWaiting(children.map(({ id }) => id));
      const list = await ledger.waitingBatches(T0, 10);
      expect(list.map(({ id }) => id)).toEqual(children.map(({ id }) => id));
    });

    it('give what goes on with work begun before new work', async () => {
      const fresh = await waiting('a', 1, { createdAt: T0 - 5000 });
      const again = await steps.running('b', 1);
      await requeue(again.batch.id, again.name, T0);
      const split = await steps.running('c', 2, { createdAt: T0 + 5000 });
      const children = await steps.split(split.batch, split.name, 1);
      await ledger.markWaiting(children.map(({ id }) => id));
      await steps.failed('d', 1);
      await ledger.beginRetry('d', 0, 'all');
      const retried = batchOf('r', [{ submission: 'd', chunk: 0, from: 0, to: 1 }], { generation: 1 });
      await ledger.formBatches([retried]);
      await ledger.markWaiting(['r']);
      const list = await ledger.waitingBatches(T0, 10);
      const begun = [again.batch.id, ...children.map(({ id }) => id), 'r'];
      expect(list.slice(0, 4).map(({ id }) => id)).toEqual(expect.arrayContaining(begun));
      expect(list.slice(4).map(({ id }) => id)).toEqual([fresh.id]);
    });

    it('pass over batches of pins that have no place', async () => {
      const pin = pinOf({ batchSize: 3 });
      await waiting('a', 1);
      const other = await waiting('b', 1, { pin });
      const list = await ledger.waitingBatches(T0, 1, new Set([pinKey(pinOf())]));
      expect(list.map(({ id }) => id)).toEqual([other.id]);
    });
  });

  describe('claimTransformJob', () => {
    it('moves all batches to Running and counts their jobs as started', async () => {
      const [a, b] = [await waiting('a', 2), await waiting('b', 3)];
      expect(await claim('t', [a.id, b.id], 1)).toBe('claimed');
      expect(await ledger.batch(a.id)).toEqual({ ...a, state: 'Running', attempts: 1, transformJob: 't' });
      expect(await ledger.transformJob('t')).toEqual(transformOf('t', [a.id, b.id]));
      expect((await ledger.runningBatches('t')).map(({ id }) => id)).toEqual([a.id, b.id]);
      expect(await steps.counts('a')).toEqual({ Processing: 2 });
      expect(await steps.counts('b')).toEqual({ Processing: 3 });
    });

    it('takes none when one is not Waiting any more', async () => {
      const [a, b] = [await waiting('a', 2), await waiting('b', 3)];
      await claim('t-1', [b.id], 10);
      expect(await claim('t-2', [a.id, b.id], 10)).toBe('changed');
      expect(await claim('t-3', [a.id, 'unknown'], 10)).toBe('changed');
      expect(await ledger.batch(a.id)).toEqual(a);
      expect(await ledger.transformJob('t-2')).toBeUndefined();
      expect(await steps.counts('a')).toEqual({ Queued: 2 });
    });

    it('is done once by many at once', async () => {
      const { id } = await waiting('a', 2);
      const outcomes = await Promise.all(['t-1', 't-2', 't-1'].map((name) => claim(name, [id], 10)));
      expect(outcomes.sort()).toEqual(['changed', 'changed', 'claimed']);
      expect(await steps.counts('a')).toEqual({ Processing: 2 });
      expect(await steps.batch(id)).toMatchObject({ attempts: 1 });
    });

    it('keeps to the places of its pin, and one that ended gives its place back', async () => {
      const pin = pinOf({ batchSize: 3 });
      const [a, b, c] = [await waiting('a', 1), await waiting('b', 1), await waiting('c', 1)];
      await steps.submission('d', [1], { pin });
      const other = await steps.waiting([{ submission: 'd', chunk: 0, from: 0, to: 1 }], { pin });
      expect(await claim('t-1', [a.id], 2)).toBe('claimed');
      expect(await claim('t-2', [b.id], 2)).toBe('claimed');
      expect(await claim('t-3', [c.id], 2)).toBe('full');
      expect(await ledger.batch(c.id)).toEqual(c);
      expect(await claim('t-4', [other.id], 2)).toBe('claimed');
      await steps.file(a);
      await ledger.endTransformJob('t-1', undefined);
      expect(await claim('t-3', [c.id], 2)).toBe('claimed');
    });

    it('has no more places than it has for claims at once', async () => {
      const ids = [];
      for (const id of ['a', 'b', 'c', 'd']) ids.push((await waiting(id, 1)).id);
      const outcomes = await Promise.all(ids.map((id, i) => claim(`t-${i}`, [id], 2)));
      expect(outcomes.sort()).toEqual(['claimed', 'claimed', 'full', 'full']);
    });

    it('counts jobs as started once, however often their batch is tried', async () => {
      const { batch, name } = await steps.running('a', 3);
      await requeue(batch.id, name, T0);
      expect(await steps.counts('a')).toEqual({ Processing: 3 });
      const again = await steps.claim(batch.id);
      expect(await steps.batch(batch.id)).toMatchObject({ attempts: 2, transformJob: again });
      const children = await steps.split(batch, again, 1);
      await ledger.markWaiting(children.map(({ id }) => id));
      await steps.claim(...children.map(({ id }) => id));
      expect((await ledger.submission('a'))?.counters.started).toBe(3);
      expect(await steps.counts('a')).toEqual({ Processing: 3 });
    });

    it('ends a batch without an open job as Done instead, and starts what is open of others', async () => {
      const [a, b] = [await waiting('a', 2), await waiting('b', 2)];
      await ledger.cancelJobs([...refsOf('a', 0, [0, 1]), ...refsOf('b', 0, [1])], T0);
      expect(await claim('t-1', [a.id, b.id], 1)).toBe('changed');
      expect((await steps.batch(a.id)).state).toBe('Done');
      expect(await claim('t-2', [b.id], 1)).toBe('claimed');
      expect(await steps.counts('b')).toEqual({ Processing: 1, Cancelled: 1 });
    });
  });

  describe('a transform job', () => {
    it('waits while Claimed, runs once created, and is left alone when it has ended', async () => {
      const { batch, name } = await steps.running('a', 1);
      await ledger.postponeTransformJob(name, T0 + 50, 'a quota');
      expect(await ledger.transformJob(name)).toMatchObject({
        state: 'Claimed',
        notBefore: T0 + 50,
        reason: 'a quota',
      });
      await ledger.markCreated(name);
      await ledger.postponeTransformJob(name, T0 + 99, 'too late');
      expect(await ledger.transformJob(name)).toMatchObject({ state: 'Running', notBefore: T0 + 50 });
      await steps.file(batch);
      expect(await ledger.endTransformJob(name, 'ended so')).toBe(true);
      await ledger.markCreated(name);
      expect(await ledger.transformJob(name)).toMatchObject({ state: 'Ended', reason: 'ended so' });
    });
  });
}
