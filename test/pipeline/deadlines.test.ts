import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectWhole } from '../support/expect-whole.ts';
import type { Trouble } from '../support/fake-transforms.ts';
import { doubling, HOUR, MemoryPipeline, MINUTE, records } from '../support/memory-pipeline.ts';

let pipeline: MemoryPipeline;
let trouble: Trouble;
beforeEach(async () => {
  pipeline = await MemoryPipeline.open(doubling());
  trouble = pipeline.transforms.trouble;
});
afterEach(() => pipeline.close());

const finishAll = async () => {
  for (const name of pipeline.transforms.inProgress) await pipeline.transforms.finish(name);
};

describe('what waits', () => {
  it('fails when it was not started within its hours, with that reason', async () => {
    trouble.holding = true;
    const settings = { maxTransformJobs: 1, maxWaitHours: 2 };
    await pipeline.submit('runs', records(10), { settings });
    await pipeline.settle(0);
    await pipeline.submit('waits', records(10), { settings });
    await pipeline.settle(MINUTE);
    await pipeline.reconcile(2 * HOUR - 2 * MINUTE);
    await pipeline.settle(0);
    expect(await pipeline.counts('waits')).toMatchObject({ Queued: 10 });
    await pipeline.reconcile(2 * MINUTE);
    await expectWhole(pipeline, 'waits', () => false);
    expect((await pipeline.jobs('waits'))[0]?.error).toEqual({
      code: 'waited_too_long',
      message: 'it was not started within 2 hours',
    });
    expect(await pipeline.counts('runs')).toMatchObject({ Processing: 10 });
    await finishAll();
    await pipeline.settle(0);
    await expectWhole(pipeline, 'runs', () => true);
  });

  it('fails with the last known reason when the service never takes it', async () => {
    trouble.throttles = Number.POSITIVE_INFINITY;
    await pipeline.submit('s', records(10), { settings: { maxWaitHours: 1 } });
    await pipeline.settle(HOUR - MINUTE);
    expect(await pipeline.counts('s')).toMatchObject({ Processing: 10 });
    await pipeline.settle(5 * MINUTE);
    await expectWhole(pipeline, 's', () => false);
    const error = (await pipeline.jobs('s'))[0]?.error;
    expect(error?.code).toBe('waited_too_long');
    expect(error?.message).toContain('ResourceLimitExceeded');
    // Its place is free again.
    trouble.throttles = 0;
    await pipeline.submit('t', records(10), { settings: { maxWaitHours: 1, maxTransformJobs: 1 } });
    await pipeline.settle();
    await expectWhole(pipeline, 't', () => true);
  });

  it('fails with the last known reason when the platform never has room', async () => {
    trouble.fault = { times: Number.POSITIVE_INFINITY, kind: 'platform', reason: 'CapacityError: none free' };
    await pipeline.submit('s', records(10), { settings: { maxWaitHours: 1 } });
    await pipeline.finish(['s'], 90);
    await expectWhole(pipeline, 's', () => false);
    const error = (await pipeline.jobs('s'))[0]?.error;
    expect(error?.code).toBe('waited_too_long');
    expect(error?.message).toContain('CapacityError: none free');
    expect(pipeline.transforms.created.length).toBeLessThan(30);
  });
});

describe('what runs', () => {
  it('is stopped when its hours are over, and fails with that reason', async () => {
    trouble.holding = true;
    await pipeline.submit('s', records(10), { settings: { maxTransformHours: 3 } });
    await pipeline.settle(3 * HOUR - MINUTE);
    expect(await pipeline.counts('s')).toMatchObject({ Processing: 10 });
    await pipeline.settle(2 * MINUTE);
    await expectWhole(pipeline, 's', () => false);
    expect(await pipeline.errors('s')).toEqual({ ran_too_long: 10 });
    expect(pipeline.transforms.inProgress).toEqual([]);
  });

  it('is stopped by reconcile where the bell for it was lost', async () => {
    trouble.holding = true;
    await pipeline.submit('s', records(10), { settings: { maxTransformHours: 3 } });
    await pipeline.settle(0);
    await pipeline.reconcile(3 * HOUR);
    await pipeline.settle(0);
    expect(await pipeline.errors('s')).toEqual({ ran_too_long: 10 });
  });

  it('keeps the outputs that were there when it was stopped', async () => {
    await pipeline.submit('s', records(30), { settings: { batchSize: 10 } });
    const { transforms } = pipeline;
    // It hangs at the second object.
    transforms.model = (record) => {
      if (record === '{"n":10}') throw new Error('hangs');
      return doubling()(record);
    };
    await pipeline.settle(MINUTE);
    await pipeline.reconcile(24 * HOUR);
    await pipeline.settle();
    await expectWhole(pipeline, 's', (n) => n < 10);
    expect(await pipeline.errors('s')).toEqual({ ran_too_long: 20 });
  });

  it('that was stopped by a stranger is tried again whole, at most twice', async () => {
    trouble.holding = true;
    await pipeline.submit('s', records(10));
    for (let i = 0; i < 3; i++) {
      await pipeline.settle(MINUTE);
      expect(await pipeline.counts('s')).toMatchObject({ Processing: 10 });
      await pipeline.transforms.stop(pipeline.transforms.inProgress[0] as string);
    }
    await pipeline.settle(MINUTE);
    await expectWhole(pipeline, 's', () => false);
    expect(await pipeline.errors('s')).toEqual({ transform_stopped: 10 });
  });

  it('for longer than it might have waited still finds its bad record alone', async () => {
    trouble.holding = true;
    pipeline.transforms.model = doubling((n) => n === 5);
    const settings = { maxWaitHours: 1, maxTransformHours: 24, maxTransformJobs: 1 };
    await pipeline.submit('s', records(100), { settings });
    for (let round = 0; round < 4; round++) {
      await pipeline.settle(0);
      await pipeline.reconcile(5 * HOUR);
      await finishAll();
      // Reconcile looks before the next ones are started.
      await pipeline.reconcile(0);
    }
    await pipeline.settle(0);
    await expectWhole(pipeline, 's', (n) => n !== 5);
  });
});
