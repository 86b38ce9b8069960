import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jobsOf } from '../../backend/core/batch.ts';
import { formatJobId } from '../../backend/core/ids.ts';
import { expectWhole } from '../support/expect-whole.ts';
import { doubling, MemoryPipeline, MINUTE, records } from '../support/memory-pipeline.ts';

let pipeline: MemoryPipeline;
beforeEach(async () => {
  pipeline = await MemoryPipeline.open(doubling());
});
afterEach(() => pipeline.close());

/** Sizes of the batches of each transform job. */
async function batchSizes(): Promise<number[][]> {
  const { ledger } = pipeline.ports;
  return Promise.all(
    pipeline.transforms.created.map(({ batches }) =>
      Promise.all(batches.map(async (id) => (await ledger.batch(id))?.jobs ?? 0)),
    ),
  );
}

describe('single jobs', () => {
  it('gather into one batch when the window of the first is over, and not before', async () => {
    const refs = [];
    for (const record of records(20)) refs.push(await pipeline.post(record));
    await pipeline.settle(4999);
    expect(pipeline.transforms.created).toEqual([]);
    expect(await pipeline.job(refs[0] as never)).toMatchObject({ status: 'Queued' });
    await pipeline.settle(1);
    expect(await batchSizes()).toEqual([[20]]);
    for (const [n, ref] of refs.entries())
      expect(await pipeline.job(ref)).toMatchObject({ status: 'Processed', result: `{"twice":${n * 2}}` });
  });

  it('gather at once when they fill a batch', async () => {
    for (const record of records(7)) await pipeline.post(record, { settings: { batchSize: 3 } });
    await pipeline.settle(0);
    expect(await batchSizes()).toEqual([[3, 3]]);
    await pipeline.settle(5000);
    expect(await batchSizes()).toEqual([[3, 3], [1]]);
  });

  it('go apart from the chunks of a submission, and each result goes to its own', async () => {
    const ref = await pipeline.post('{"n":1000}');
    await pipeline.submit('s', records(30), { chunkSize: 10 });
    await pipeline.settle(0);
    expect(await batchSizes()).toEqual([[30]]);
    await expectWhole(pipeline, 's', () => true);
    await pipeline.settle(5000);
    expect(await batchSizes()).toEqual([[30], [1]]);
    expect(await pipeline.job(ref)).toMatchObject({ result: '{"twice":2000}' });
  });
});

describe('chunks', () => {
  it('wait for company while their submission is open, and go when it is closed', async () => {
    await pipeline.submit('s', records(10), { open: true });
    await pipeline.settle(3000);
    expect(pipeline.transforms.created).toEqual([]);
    await pipeline.ports.ledger.closeSubmission('s', 10);
    pipeline.bells.ring({ kind: 'gather' });
    await pipeline.settle(0);
    await expectWhole(pipeline, 's', () => true);
  });

  it('go without their submission being closed, when their window is over', async () => {
    await pipeline.submit('s', records(10), { open: true });
    await pipeline.settle();
    expect(await pipeline.counts('s')).toMatchObject({ Processed: 10 });
  });

  it('are cut where they are over the batch size, and the batches share a transform job', async () => {
    await pipeline.submit('s', records(250), { settings: { batchSize: 100 } });
    await pipeline.settle();
    expect(await batchSizes()).toEqual([[100, 100, 50]]);
    await expectWhole(pipeline, 's', () => true);
  });

  it('fill batches up to the batch size', async () => {
    await pipeline.submit('s', records(1000), { chunkSize: 90, settings: { batchSize: 200 } });
    await pipeline.settle();
    const sizes = (await batchSizes()).flat();
    expect(Math.max(...sizes)).toBeLessThanOrEqual(200);
    expect(sizes.length).toBeLessThanOrEqual(6);
    await expectWhole(pipeline, 's', () => true);
  });

  it('are read some at a time, each once for a batch, and come in order', async () => {
    const { ledger } = pipeline.ports;
    let reading = 0;
    let most = 0;
    const read: string[] = [];
    const chunkLines: typeof ledger.chunkLines = async (submission, n) => {
      read.push(`${submission}.${n}`);
      most = Math.max(most, ++reading);
      // Later ones are there sooner.
      for (let i = n; i < 100; i++) await Promise.resolve();
      reading--;
      return ledger.chunkLines(submission, n);
    };
    pipeline.ports = { ...pipeline.ports, ledger: { ...ledger, chunkLines } };
    await pipeline.submit('s', records(400), { chunkSize: 5, settings: { batchSize: 200 } });
    await pipeline.submit('t', records(100, 500), { chunkSize: 50, settings: { batchSize: 20 } });
    for (let i = 0; i < 40; i++) await pipeline.submit(`one-${i}`, records(1, 700 + i));
    await pipeline.settle();
    expect(most).toBe(16);
    expect(read).toHaveLength(80 + 2 + 40);
    for (const id of ['s', 't', 'one-0', 'one-39']) await expectWhole(pipeline, id, () => true);
  });

  it('never share a batch with those of another model or of other settings', async () => {
    const pins = [
      {},
      { model: 'http://other' },
      { settings: { maxPayloadMb: 1 } },
      { settings: { batchWindowSeconds: 6 } },
    ];
    for (const [i, pin] of pins.entries())
      for (const part of ['x', 'y']) await pipeline.submit(`${part}-${i}`, records(20, i * 100), pin);
    await pipeline.post('{"n":999}', { model: 'http://third' });
    await pipeline.settle();
    expect(pipeline.transforms.created).toHaveLength(5);
    for (const { batches, pin } of pipeline.transforms.created)
      for (const id of batches) {
        const batch = await pipeline.ports.ledger.batch(id);
        const owners = new Set((batch?.members ?? []).map(({ submission }) => submission));
        for (const owner of owners) expect((await pipeline.submission(owner)).pin).toEqual(pin);
      }
    for (const [i] of pins.entries()) await expectWhole(pipeline, `x-${i}`, () => true);
  });

  it('each have their jobs in batches once', async () => {
    await pipeline.submit('s', records(900), { chunkSize: 70, settings: { batchSize: 64 } });
    await pipeline.settle();
    const ids = pipeline.transforms.created.flatMap(({ batches }) => batches);
    const members = await Promise.all(
      ids.map(async (id) => (await pipeline.ports.ledger.batch(id))?.members ?? []),
    );
    const jobs = members.flatMap((list) => [...jobsOf(list)].map(formatJobId));
    expect(new Set(jobs).size).toBe(900);
    expect(jobs).toHaveLength(900);
  });

  it('are not looked at over and over while a full page of them waits for its window', async () => {
    const settings = { batchSize: 10_000, batchWindowSeconds: 300 };
    await Promise.all(records(5000).map((record) => pipeline.post(record, { settings })));
    let steps = 0;
    pipeline.afterStep = async () => {
      if (++steps > 20) throw new Error('it rings itself without end');
    };
    await pipeline.settle(1000);
    expect(pipeline.transforms.created).toEqual([]);
    await pipeline.settle();
    expect(await batchSizes()).toEqual([[5000]]);
  });
});

describe('starting', () => {
  it('takes no batch whose object could not be written', async () => {
    const { objects } = pipeline.ports;
    const full = { ...objects, writeBatches: async () => Promise.reject(new Error('the disk is full')) };
    pipeline.ports = { ...pipeline.ports, objects: full };
    await pipeline.submit('s', records(10));
    await pipeline.settle(10 * MINUTE);
    expect(await pipeline.ports.ledger.waitingBatches(pipeline.clock.now(), 10)).toEqual([]);
    expect(pipeline.transforms.created).toEqual([]);
    pipeline.ports = { ...pipeline.ports, objects };
    await pipeline.reconcile();
    await pipeline.settle();
    await expectWhole(pipeline, 's', () => true);
  });

  it('takes no more transform jobs at a time than the setting, and the next when one has ended', async () => {
    pipeline.transforms.trouble.holding = true;
    for (let i = 0; i < 5; i++) {
      await pipeline.submit(`s-${i}`, records(10, i * 10), { settings: { maxTransformJobs: 2 } });
      await pipeline.settle(0);
    }
    expect(pipeline.transforms.inProgress).toHaveLength(2);
    expect(await pipeline.counts('s-4')).toMatchObject({ Queued: 10 });
    await pipeline.transforms.finish(pipeline.transforms.inProgress[0] as string);
    await pipeline.settle(0);
    // What waited meanwhile shares the place that became free.
    expect(await batchSizes()).toEqual([[10], [10], [10, 10, 10]]);
    for (const name of pipeline.transforms.inProgress) await pipeline.transforms.finish(name);
    await pipeline.settle(0);
    for (let i = 0; i < 5; i++) await expectWhole(pipeline, `s-${i}`, () => true);
  });

  it('does not turn round and round over a list that lags behind', async () => {
    const { ledger } = pipeline.ports;
    await pipeline.submit('s', records(10));
    await pipeline.submit('t', records(10, 100), { settings: { batchSize: 20 } });
    let stale: Awaited<ReturnType<typeof ledger.waitingBatches>> = [];
    let looks = 0;
    const waitingBatches: typeof ledger.waitingBatches = async (...args) => {
      if (++looks > 20) throw new Error('it looks without end');
      const waiting = await ledger.waitingBatches(...args);
      if (waiting.length > 0) stale = waiting;
      // For two seconds a batch that was started is still in the list.
      return pipeline.clock.now() < began + 2000 ? stale : waiting;
    };
    const began = pipeline.clock.now();
    pipeline.ports = { ...pipeline.ports, ledger: { ...ledger, waitingBatches } };
    await pipeline.settle(MINUTE);
    expect(pipeline.failures).toEqual([]);
    expect(await batchSizes()).toEqual([[10], [10]]);
    await expectWhole(pipeline, 's', () => true);
    await expectWhole(pipeline, 't', () => true);
  });

  it('gives results out as each output appears, before the transform job has ended', async () => {
    await pipeline.submit('s', records(300), { settings: { batchSize: 100 } });
    const seen: number[] = [];
    pipeline.afterStep = async () => {
      seen.push((await pipeline.counts('s')).Processed);
    };
    await pipeline.settle();
    expect(seen).toContain(100);
    expect(seen).toContain(200);
  });
});
