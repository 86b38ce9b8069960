import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cancelSubmission, continueCancel, retrySubmission } from '../../backend/pipeline/change.ts';
import { expectWhole } from '../support/expect-whole.ts';
import { doubling, MemoryPipeline, records } from '../support/memory-pipeline.ts';

let pipeline: MemoryPipeline;
beforeEach(async () => {
  pipeline = await MemoryPipeline.open(doubling());
});
afterEach(() => pipeline.close());

const finishAll = async () => {
  for (const name of pipeline.transforms.inProgress) await pipeline.transforms.finish(name);
  await pipeline.settle(0);
};

describe('cancelling a submission', () => {
  it('before it is gathered sends nothing', async () => {
    await pipeline.submit('s', records(1200), { chunkSize: 50, open: true });
    const submission = await cancelSubmission(pipeline.ports, 's');
    expect(submission).toMatchObject({ closed: true, cancelling: false });
    await pipeline.settle();
    await expectWhole(pipeline, 's', 'any');
    expect(await pipeline.counts('s')).toMatchObject({ Cancelled: 1200 });
    expect(pipeline.transforms.totalSent).toBe(0);
    await expect(pipeline.submit('s', records(1300), { chunkSize: 50 })).rejects.toThrow('is closed');
  });

  it('before it is started sends nothing, and its place is not taken', async () => {
    pipeline.transforms.trouble.holding = true;
    const settings = { maxTransformJobs: 1 };
    await pipeline.submit('runs', records(10), { settings });
    await pipeline.settle(0);
    await pipeline.submit('waits', records(10), { settings });
    await pipeline.settle(0);
    await cancelSubmission(pipeline.ports, 'waits');
    await finishAll();
    await expectWhole(pipeline, 'waits', 'any');
    expect(await pipeline.counts('waits')).toMatchObject({ Cancelled: 10 });
    expect(pipeline.transforms.created).toHaveLength(1);
    await expectWhole(pipeline, 'runs', () => true);
  });

  it('when it runs cancels its jobs at once, and drops what the model still answers', async () => {
    pipeline.transforms.trouble.holding = true;
    await pipeline.submit('s', records(10));
    await pipeline.settle(0);
    await cancelSubmission(pipeline.ports, 's');
    expect(await pipeline.counts('s')).toMatchObject({ Cancelled: 10 });
    await finishAll();
    await expectWhole(pipeline, 's', 'any');
    expect(await pipeline.counts('s')).toMatchObject({ Cancelled: 10 });
    expect((await pipeline.ports.ledger.openWork(pipeline.clock.now())).transforms).toEqual([]);
  });

  it('goes on where it was interrupted', async () => {
    await pipeline.submit('s', records(100), { chunkSize: 2, open: true });
    await pipeline.ports.ledger.beginCancel('s');
    await pipeline.ports.ledger.cancelChunks('s', 0, 3, pipeline.clock.now());
    await pipeline.reconcile();
    await pipeline.settle();
    expect(await pipeline.submission('s')).toMatchObject({ cancelling: false });
    await expectWhole(pipeline, 's', 'any');
    expect(pipeline.transforms.totalSent).toBe(0);
  });

  describe('that takes long', () => {
    /** The first chunk of each page that is cancelled; each takes four seconds. */
    let pages: number[];
    beforeEach(async () => {
      pages = [];
      const { ledger } = pipeline.ports;
      const slow: typeof ledger.cancelChunks = async (id, from, limit, at) => {
        pages.push(from);
        pipeline.clock.moveTo(pipeline.clock.now() + 4000);
        return ledger.cancelChunks(id, from, limit, at);
      };
      pipeline.ports = { ...pipeline.ports, ledger: { ...ledger, cancelChunks: slow } };
      await pipeline.submit('s', records(200), { chunkSize: 1, open: true });
    });

    it('stops after ten seconds, and goes on from there by itself', async () => {
      expect(await cancelSubmission(pipeline.ports, 's')).toMatchObject({ closed: true, cancelling: true });
      expect(pages).toEqual([0, 20, 40]);
      expect(await pipeline.counts('s')).toMatchObject({ Cancelled: 60, Queued: 140 });
      await pipeline.settle(0);
      expect(pages).toEqual([0, 20, 40, 60, 80, 100, 120, 140, 160, 180]);
      expect(await pipeline.submission('s')).toMatchObject({ cancelling: false });
      await expectWhole(pipeline, 's', 'any');
      expect(await pipeline.counts('s')).toMatchObject({ Cancelled: 200 });
    });

    it('goes on when the bell for the rest was lost', async () => {
      await cancelSubmission(pipeline.ports, 's');
      while (pipeline.bells.take());
      await pipeline.reconcile();
      await pipeline.settle();
      expect(await pipeline.counts('s')).toMatchObject({ Cancelled: 200 });
      expect(await pipeline.submission('s')).toMatchObject({ cancelling: false });
    });

    it('believes no place that is not of this cancelling', async () => {
      await pipeline.ports.ledger.beginCancel('s');
      await continueCancel(pipeline.ports, 's', { from: 180, generation: 7 });
      expect(pages[0]).toBe(0);
      await pipeline.settle();
      expect(await pipeline.counts('s')).toMatchObject({ Cancelled: 200 });
    });
  });

  describe('whose batches wait for a place', () => {
    beforeEach(async () => {
      pipeline.transforms.trouble.holding = true;
      const settings = { maxTransformJobs: 1, batchSize: 10 };
      await pipeline.submit('runs', records(10, 500), { settings });
      await pipeline.settle(0);
      await pipeline.submit('s', records(60), { chunkSize: 1, settings });
      await pipeline.settle(0);
    });

    it('starts nothing of it while it is cancelled bit by bit', async () => {
      const { ledger } = pipeline.ports;
      await ledger.beginCancel('s');
      await ledger.cancelChunks('s', 0, 5, pipeline.clock.now());
      await finishAll();
      expect(await pipeline.counts('s')).toMatchObject({ Cancelled: 5, Queued: 55 });
      await continueCancel(pipeline.ports, 's');
      await pipeline.settle();
      expect(await pipeline.counts('s')).toMatchObject({ Cancelled: 60 });
      expect(pipeline.transforms.created).toHaveLength(1);
      expect((await pipeline.ports.ledger.openWork(pipeline.clock.now())).waiting).toBe(false);
    });

    it('starts nothing of it that was about to be started', async () => {
      const { ledger } = pipeline.ports;
      const claimTransformJob: typeof ledger.claimTransformJob = async (...args) => {
        await ledger.beginCancel('s');
        return ledger.claimTransformJob(...args);
      };
      pipeline.ports = { ...pipeline.ports, ledger: { ...ledger, claimTransformJob } };
      await finishAll();
      expect(await pipeline.counts('s')).toMatchObject({ Queued: 60, Processing: 0 });
      expect(pipeline.transforms.created).toHaveLength(1);
    });
  });

  it('leaves the submissions beside it in a batch alone', async () => {
    await pipeline.submit('s', records(10), { open: true });
    await pipeline.submit('t', records(10, 100), { open: true });
    pipeline.transforms.trouble.throttles = 1;
    await pipeline.settle(4999);
    const { ledger } = pipeline.ports;
    await ledger.cancelJobs([{ submission: 's', chunk: 0, index: 4 }], pipeline.clock.now());
    await ledger.closeSubmission('s', 10);
    await ledger.closeSubmission('t', 10);
    await pipeline.settle();
    expect(pipeline.transforms.created).toHaveLength(1);
    await expectWhole(pipeline, 't', () => true);
    expect(await pipeline.counts('s')).toMatchObject({ Processed: 9, Cancelled: 1 });
    expect((await pipeline.jobs('s'))[4]).toMatchObject({ status: 'Cancelled', result: undefined });
  });

  it('does not know what is not there', async () => {
    expect(await cancelSubmission(pipeline.ports, 'nobody')).toBeUndefined();
    expect(await retrySubmission(pipeline.ports, 'nobody', 0, 'all')).toBeUndefined();
  });
});

describe('cancelling a retry', () => {
  it('cancels what it put back, and what it has not yet put back stays failed', async () => {
    pipeline.transforms.model = doubling(() => false);
    pipeline.transforms.trouble.fault = { times: 1, kind: 'access', reason: 'no' };
    const settings = { batchSize: 10, maxTransformJobs: 1 };
    await pipeline.submit('s', records(30), { settings, chunkSize: 10 });
    await pipeline.settle();
    pipeline.transforms.trouble.holding = true;
    await pipeline.submit('blocks', records(10, 500), { settings });
    await pipeline.settle(0);
    await retrySubmission(pipeline.ports, 's', 0, 'all');
    await pipeline.settle(0);
    expect(await pipeline.counts('s')).toMatchObject({ Queued: 30 });
    await cancelSubmission(pipeline.ports, 's');
    await finishAll();
    await expectWhole(pipeline, 's', 'any');
    expect(await pipeline.counts('s')).toMatchObject({ Cancelled: 30 });
  });
});
