import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { retrySubmission } from '../../backend/pipeline/change.ts';
import { expectWhole } from '../support/expect-whole.ts';
import { doubling, MemoryPipeline, MINUTE, records } from '../support/memory-pipeline.ts';

let pipeline: MemoryPipeline;
/** It is 10 o'clock and a minute. */
beforeEach(async () => {
  pipeline = await MemoryPipeline.open(doubling());
  pipeline.trigger = { schedule: 'hour' };
  pipeline.clock.moveTo(pipeline.clock.now() + MINUTE);
});
afterEach(() => pipeline.close());

const untilElevenSharp = 59 * MINUTE;
const created = () => pipeline.transforms.created;

describe('on a schedule', () => {
  it('new batches wait, and start together when it rings', async () => {
    await pipeline.submit('s', records(10));
    await pipeline.settle(20 * MINUTE);
    await pipeline.submit('t', records(10, 100));
    await pipeline.settle(20 * MINUTE);
    expect(created()).toEqual([]);
    expect(await pipeline.counts('s')).toMatchObject({ Queued: 10 });
    pipeline.bells.ring({ kind: 'schedule' });
    await pipeline.settle(0);
    expect(created()).toHaveLength(1);
    await expectWhole(pipeline, 's', () => true);
    await expectWhole(pipeline, 't', () => true);
  });

  it('what its bell would have started is started when the bell got lost', async () => {
    await pipeline.submit('s', records(10));
    await pipeline.settle(MINUTE);
    await pipeline.reconcile(untilElevenSharp - 2 * MINUTE);
    await pipeline.settle(0);
    expect(created()).toEqual([]);
    await pipeline.reconcile(MINUTE);
    await pipeline.settle(0);
    await expectWhole(pipeline, 's', () => true);
  });

  it('a batch that found no place is started when one becomes free, not with the next period', async () => {
    pipeline.transforms.trouble.holding = true;
    const settings = { maxTransformJobs: 1, batchSize: 1 };
    await pipeline.submit('s', records(510), { settings });
    await pipeline.settle(0);
    pipeline.clock.moveTo(pipeline.clock.now() + untilElevenSharp);
    pipeline.bells.ring({ kind: 'schedule' });
    await pipeline.settle(0);
    await pipeline.submit('late', records(5, 900), { settings });
    await pipeline.settle(MINUTE);
    expect(await pipeline.counts('s')).toMatchObject({ Processing: 500, Queued: 10 });
    for (let i = 0; i < 2; i++) {
      await pipeline.transforms.finish(pipeline.transforms.inProgress[0] as string);
      await pipeline.settle(0);
    }
    await expectWhole(pipeline, 's', () => true);
    expect(await pipeline.counts('late')).toMatchObject({ Queued: 5 });
  });

  it('a bad record is found, and a retry is tried, without waiting for it', async () => {
    pipeline.transforms.model = doubling((n) => n === 33);
    await pipeline.submit('s', records(100));
    await pipeline.settle(0);
    pipeline.bells.ring({ kind: 'schedule' });
    await pipeline.settle(MINUTE);
    await expectWhole(pipeline, 's', (n) => n !== 33);
    pipeline.transforms.model = doubling();
    await retrySubmission(pipeline.ports, 's', 0, 'all');
    await pipeline.settle(MINUTE);
    await expectWhole(pipeline, 's', () => true);
  });

  it('what was requeued goes on when its wait is over', async () => {
    pipeline.transforms.trouble.fault = { times: 1, kind: 'platform', reason: 'no capacity' };
    await pipeline.submit('s', records(10));
    await pipeline.settle(0);
    pipeline.bells.ring({ kind: 'schedule' });
    await pipeline.settle(20 * MINUTE);
    expect(created()).toHaveLength(2);
    await expectWhole(pipeline, 's', () => true);
  });
});
