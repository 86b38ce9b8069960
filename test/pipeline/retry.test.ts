import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatJobId } from '../../backend/core/ids.ts';
import { continueRetry, retrySubmission } from '../../backend/pipeline/change.ts';
import { expectWhole } from '../support/expect-whole.ts';
import { doubling, MemoryPipeline, numberOf, records } from '../support/memory-pipeline.ts';

let pipeline: MemoryPipeline;
const bad = (n: number) => n % 10 === 3;
/** A submission of 100 jobs of which every tenth has failed, in chunks of 20. */
beforeEach(async () => {
  pipeline = await MemoryPipeline.open(doubling(bad));
  await pipeline.submit('s', records(100), { chunkSize: 20, settings: { batchSize: 50 } });
  await pipeline.settle();
  await expectWhole(pipeline, 's', (n) => !bad(n));
  pipeline.transforms.sent.clear();
});
afterEach(() => pipeline.close());

const generations = async () => (await pipeline.jobs('s')).map(({ generation }) => generation);
const sentNumbers = () => [...pipeline.transforms.sent.keys()].map(numberOf).sort((a, b) => a - b);
const retry = (generation: number | undefined, jobs: Parameters<typeof retrySubmission>[3] = 'all') =>
  retrySubmission(pipeline.ports, 's', generation, jobs);

describe('retrying', () => {
  it('sends the failed jobs alone, as a new generation, and keeps the others as they are', async () => {
    const before = await pipeline.jobs('s');
    pipeline.transforms.model = doubling();
    expect(await retry(0)).toMatchObject({ began: true, submission: { generation: 1 } });
    expect(await pipeline.counts('s')).toMatchObject({ Queued: 10, Processed: 90, Failed: 0 });
    await pipeline.settle();
    await expectWhole(pipeline, 's', () => true);
    expect(sentNumbers()).toEqual([3, 13, 23, 33, 43, 53, 63, 73, 83, 93]);
    const after = await pipeline.jobs('s');
    for (const [n, job] of after.entries())
      if (bad(n)) expect(job).toMatchObject({ generation: 1, error: undefined, line: n + 1 });
      else expect(job).toEqual(before[n]);
  });

  it('changes nothing when it is repeated for the same generation', async () => {
    pipeline.transforms.model = doubling();
    await retry(0);
    expect(await retry(0)).toMatchObject({ began: false, submission: { generation: 1 } });
    await pipeline.settle();
    expect(await retry(0)).toMatchObject({ began: false });
    expect(await retry(undefined)).toMatchObject({ began: false, submission: { generation: 1 } });
    await expectWhole(pipeline, 's', () => true);
    expect(Math.max(...pipeline.transforms.sent.values())).toBe(1);
  });

  it('sends each job once when it is asked for many times at once', async () => {
    pipeline.transforms.model = doubling();
    const asked = await Promise.all([
      retry(0),
      retry(0),
      continueRetry(pipeline.ports, 's'),
      retry(undefined),
      continueRetry(pipeline.ports, 's'),
    ]);
    expect(asked.filter((outcome) => outcome?.began)).toHaveLength(1);
    await pipeline.settle();
    await expectWhole(pipeline, 's', () => true);
    expect(sentNumbers()).toHaveLength(10);
    expect(Math.max(...pipeline.transforms.sent.values())).toBe(1);
  });

  it('goes on where it was interrupted', async () => {
    pipeline.transforms.model = doubling();
    await pipeline.ports.ledger.beginRetry('s', 0, 'all');
    await pipeline.reconcile();
    await pipeline.settle();
    await expectWhole(pipeline, 's', () => true);
    expect(await pipeline.submission('s')).toMatchObject({ retrying: false, generation: 1 });
  });

  it('fails again what is still bad, as often as it is retried', async () => {
    for (const generation of [0, 1]) {
      await retry(generation);
      await pipeline.settle();
      await expectWhole(pipeline, 's', (n) => !bad(n));
    }
    expect(Math.max(...(await generations()))).toBe(2);
    expect((await pipeline.jobs('s'))[13]?.error?.message).toContain('is poison');
    pipeline.transforms.model = doubling();
    await retry(2);
    await pipeline.settle();
    await expectWhole(pipeline, 's', () => true);
    expect((await pipeline.submission('s')).counters).toMatchObject({ failed: 30, retried: 30 });
  });

  it('of named jobs sends those of them that failed, once each', async () => {
    pipeline.transforms.model = doubling();
    const refs = (await pipeline.jobs('s')).map(({ ref }) => ref);
    const named = [33, 3, 4, 33, 93].map((n) => refs[n] as never);
    expect(await retry(0, named)).toMatchObject({ began: true });
    await pipeline.settle();
    await expectWhole(pipeline, 's', (n) => !bad(n) || [3, 33, 93].includes(n));
    expect(sentNumbers()).toEqual([3, 33, 93]);
    const numbers = (await generations()).flatMap((generation, n) => (generation === 1 ? [n] : []));
    expect(numbers).toEqual([3, 33, 93]);
  });

  it('of named jobs keeps to the batch size', async () => {
    const refs = (await pipeline.jobs('s')).filter(({ status }) => status === 'Failed').map(({ ref }) => ref);
    const settings = { batchSize: 4 };
    pipeline.transforms.trouble.fault = { times: 1, kind: 'access', reason: 'no' };
    await pipeline.submit('t', records(40, 200), { settings });
    await pipeline.settle();
    const failed = (await pipeline.jobs('t')).map(({ ref }) => ref);
    expect(refs.map(formatJobId)).toHaveLength(10);
    await retrySubmission(pipeline.ports, 't', 0, failed);
    await pipeline.settle();
    await expectWhole(pipeline, 't', (n) => !bad(n));
    const last = pipeline.transforms.created.at(-1)?.batches ?? [];
    const sizes = await Promise.all(
      last.map(async (id) => (await pipeline.ports.ledger.batch(id))?.jobs ?? 0),
    );
    expect(Math.max(...sizes)).toBeLessThanOrEqual(4);
  });

  it('stops after ten seconds where it takes long, and goes on by itself', async () => {
    pipeline.transforms.trouble.fault = { times: 1, kind: 'access', reason: 'no' };
    await pipeline.submit('t', records(50, 200), { settings: { batchSize: 5 } });
    await pipeline.settle();
    const { ledger } = pipeline.ports;
    let formed = 0;
    const formBatches: typeof ledger.formBatches = (batches) => {
      formed++;
      pipeline.clock.moveTo(pipeline.clock.now() + 4000);
      return ledger.formBatches(batches);
    };
    pipeline.ports = { ...pipeline.ports, ledger: { ...ledger, formBatches } };
    const began = await retrySubmission(pipeline.ports, 't', 0, 'all');
    expect(began).toMatchObject({ began: true, submission: { retrying: true, generation: 1 } });
    expect(formed).toBe(3);
    expect(await pipeline.counts('t')).toMatchObject({ Queued: 15, Failed: 35 });
    await pipeline.settle();
    expect(formed).toBe(10);
    expect(await pipeline.submission('t')).toMatchObject({ retrying: false });
    await expectWhole(pipeline, 't', (n) => !bad(n));
  });

  it('of nothing that failed begins nothing', async () => {
    const refs = (await pipeline.jobs('s')).map(({ ref }) => ref);
    expect(await retry(0, [refs[0] as never])).toMatchObject({ began: false });
    expect((await pipeline.submission('s')).generation).toBe(0);
  });

  it('while it runs takes what fails meanwhile with the next one', async () => {
    pipeline.transforms.trouble.holding = true;
    await retry(0);
    await pipeline.settle(0);
    expect(await pipeline.counts('s')).toMatchObject({ Processing: 10 });
    expect(await retry(1)).toMatchObject({ began: false });
    pipeline.transforms.trouble.holding = false;
    for (const name of pipeline.transforms.inProgress) await pipeline.transforms.finish(name);
    await pipeline.settle();
    await expectWhole(pipeline, 's', (n) => !bad(n));
    expect(await retry(1)).toMatchObject({ began: true });
  });
});
