/** Batches that find no place must not keep others from being seen, however many they are. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { start } from '../../backend/pipeline/start.ts';
import { doubling, MemoryPipeline, records } from '../support/memory-pipeline.ts';

let pipeline: MemoryPipeline;
beforeEach(async () => {
  pipeline = await MemoryPipeline.open(doubling());
});
afterEach(() => pipeline.close());

it('a page full of batches without a place is passed over', async () => {
  pipeline.transforms.trouble.holding = true;
  const settings = { maxTransformJobs: 1, batchSize: 1 };
  await pipeline.submit('runs', records(1), { settings });
  await pipeline.settle(0);
  pipeline.trigger = { schedule: 'year' };
  await pipeline.submit('waits', records(12), { settings });
  await pipeline.submit('other', records(2, 50), { model: 'http://other', settings });
  await pipeline.settle(0);
  expect(await pipeline.counts('other')).toMatchObject({ Queued: 2 });
  // Pages of three: the first holds batches of the model whose place is taken, and no other.
  const page = await pipeline.ports.ledger.waitingBatches(pipeline.clock.now(), 3);
  expect(page.map(({ owner }) => owner)).toEqual(['waits', 'waits', 'waits']);
  await start(pipeline.ports, 's3', 3);
  expect(await pipeline.counts('other')).toMatchObject({ Processing: 2 });
  expect(await pipeline.counts('waits')).toMatchObject({ Queued: 12 });
});
