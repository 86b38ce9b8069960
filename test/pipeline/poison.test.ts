import { afterEach, describe, expect, it } from 'vitest';
import { retrySubmission } from '../../backend/pipeline/change.ts';
import { expectWhole } from '../support/expect-whole.ts';
import { doubling, MemoryPipeline, numberOf, records } from '../support/memory-pipeline.ts';

let pipeline: MemoryPipeline;
afterEach(() => pipeline.close());

describe('a bad record', () => {
  it.each([0, 2345, 4999])("fails alone among 5,000 with the model's message (number %i)", async (poison) => {
    pipeline = await MemoryPipeline.open(doubling((n) => n === poison));
    await pipeline.submit('s', records(5000));
    await pipeline.settle();
    await expectWhole(pipeline, 's', (n) => n !== poison);
    expect(await pipeline.counts('s')).toMatchObject({ Processed: 4999, Failed: 1 });
    const failed = (await pipeline.jobs('s')).filter(({ status }) => status === 'Failed');
    expect(failed.map(({ line, error }) => [line, error])).toEqual([
      [poison + 1, { code: 'model_error', message: `record ${poison} is poison` }],
    ]);
    expect(Math.max(...pipeline.transforms.sent.values())).toBeLessThanOrEqual(4);
    // One for the batch, and one for each round.
    expect(pipeline.transforms.created.length).toBeLessThanOrEqual(4);
    expect(pipeline.transforms.totalSent).toBeLessThan(2.2 * 5000);
  });

  it('that kills the model is tried alone, with nothing else in flight, before it fails', async () => {
    const killer = 17;
    const model = doubling(() => false);
    pipeline = await MemoryPipeline.open((record) =>
      numberOf(record) === killer ? { status: 0, message: 'the model closed the connection' } : model(record),
    );
    await pipeline.submit('s', records(30));
    await pipeline.settle();
    await expectWhole(pipeline, 's', (n) => n !== killer);
    const alone = pipeline.transforms.created.filter((spec) => spec.alone);
    expect(alone.map(({ batches }) => batches.length)).toEqual([1, 1]);
    expect(alone[0]?.batches).toEqual(alone[1]?.batches);
    expect(pipeline.transforms.created.at(-1)).toBe(alone[1]);
  });

  it('fails alone where 1 % of 5,000 are bad, and none is sent more than four times', async () => {
    const poison = (n: number) => n % 100 === 37;
    pipeline = await MemoryPipeline.open(doubling(poison));
    await pipeline.submit('s', records(5000));
    await pipeline.settle();
    await expectWhole(pipeline, 's', (n) => !poison(n));
    expect(await pipeline.counts('s')).toMatchObject({ Processed: 4950, Failed: 50 });
    expect(Math.max(...pipeline.transforms.sent.values())).toBeLessThanOrEqual(4);
    expect(pipeline.transforms.created.length).toBeLessThanOrEqual(8);
  });

  it('fails alone in a batch of two, and in a batch of its own', async () => {
    pipeline = await MemoryPipeline.open(doubling((n) => n === 1));
    await pipeline.submit('two', records(2));
    await pipeline.settle();
    await expectWhole(pipeline, 'two', (n) => n !== 1);
    await pipeline.submit('one', records(1, 1));
    await pipeline.settle();
    expect((await pipeline.jobs('one'))[0]?.error?.message).toBe('record 1 is poison');
  });

  it('does not hold up the batches beside it', async () => {
    pipeline = await MemoryPipeline.open(doubling((n) => n === 7));
    const settings = { batchSize: 50 };
    await pipeline.submit('s', records(500), { settings });
    await pipeline.settle();
    await expectWhole(pipeline, 's', (n) => n !== 7);
    const often = [...pipeline.transforms.sent]
      .filter(([, times]) => times > 1)
      .map(([record]) => numberOf(record));
    expect(Math.max(...often)).toBeLessThan(50);
  });

  it('fails alone though every part holds one, and the model was seen to take other batches', async () => {
    const poison = (n: number) => n < 55 && n % 7 === 3;
    pipeline = await MemoryPipeline.open(doubling(poison));
    await pipeline.submit('s', records(60), { chunkSize: 5, settings: { batchSize: 55 } });
    await pipeline.settle();
    await expectWhole(pipeline, 's', (n) => !poison(n));
  });

  it('fails alone though every part of every batch holds one', async () => {
    const poison = (n: number) => n % 7 === 3;
    pipeline = await MemoryPipeline.open(doubling(poison));
    await pipeline.submit('s', records(400), { chunkSize: 50, settings: { batchSize: 100 } });
    await pipeline.settle();
    await expectWhole(pipeline, 's', (n) => !poison(n));
    expect(Math.max(...pipeline.transforms.sent.values())).toBeLessThanOrEqual(4);
  });

  it.each([2, 8, 20])('fails alone though the first batch, of %i, holds nothing else', async (small) => {
    const poison = (n: number) => n < small || n === 33;
    pipeline = await MemoryPipeline.open(doubling(poison));
    const settings = { batchSize: 50 };
    await pipeline.submit('small', records(small), { settings });
    await pipeline.submit('s', records(50, small), { settings });
    await pipeline.settle();
    await expectWhole(pipeline, 'small', () => false);
    await expectWhole(pipeline, 's', (n) => !poison(n));
  });

  it('fails alone in batches so small that none says something of the model', async () => {
    const poison = (n: number) => n < 5 || n % 5 === 0;
    pipeline = await MemoryPipeline.open(doubling(poison));
    await pipeline.submit('s', records(50), { chunkSize: 5, settings: { batchSize: 5 } });
    await pipeline.settle();
    await expectWhole(pipeline, 's', (n) => !poison(n));
  });

  it('costs no more single tries than the budget, and what is left over says so', async () => {
    pipeline = await MemoryPipeline.open(doubling((n) => n % 2 === 1));
    await pipeline.submit('s', records(1000), { settings: { isolationBudget: 300 } });
    await pipeline.settle();
    await expectWhole(pipeline, 's', 'any');
    const errors = await pipeline.errors('s');
    expect(errors['isolation_budget']).toBeGreaterThan(0);
    expect(errors['model_error']).toBeGreaterThan(0);
    const singles = pipeline.transforms.created.flatMap(({ batches }) => batches);
    const jobs = await Promise.all(singles.map(async (id) => (await pipeline.ports.ledger.batch(id))?.jobs));
    expect(jobs.filter((n) => n === 1).length).toBeLessThanOrEqual(300);
  });
});

describe('a model that refuses everything', () => {
  const refusing = () => ({ status: 401, message: 'the key is wrong' });

  it('is asked a bounded number of times, and its reason reaches every job', async () => {
    pipeline = await MemoryPipeline.open(refusing);
    await pipeline.submit('s', records(5000));
    await pipeline.settle();
    await expectWhole(pipeline, 's', () => false);
    const { model_refuses_all, model_error, ...others } = await pipeline.errors('s');
    expect(others).toEqual({});
    expect(model_error).toBeLessThanOrEqual(8);
    expect(model_refuses_all).toBeGreaterThanOrEqual(4992);
    for (const { error } of await pipeline.jobs('s')) expect(error?.message).toContain('the key is wrong');
    expect(Math.max(...pipeline.transforms.sent.values())).toBeLessThanOrEqual(2);
    expect(pipeline.transforms.created).toHaveLength(2);
  });

  it('is met by one batch of many: the others wait for what it finds, and are not sent again', async () => {
    pipeline = await MemoryPipeline.open(refusing);
    const settings = { batchSize: 100 };
    await pipeline.submit('s', records(1000), { settings });
    await pipeline.submit('t', records(300, 5000), { settings });
    await pipeline.settle();
    for (const id of ['s', 't']) {
      await expectWhole(pipeline, id, () => false);
      expect(await pipeline.counts(id)).toMatchObject({ Processed: 0 });
    }
    const twice = [...pipeline.transforms.sent.values()].filter((times) => times > 1);
    expect(twice.length).toBeLessThanOrEqual(100);
    expect(pipeline.transforms.totalSent).toBeLessThanOrEqual(1400);
    expect(pipeline.transforms.created.length).toBeLessThanOrEqual(3);
  });

  it('is found out too when it dies at everything but one record of the scout', async () => {
    pipeline = await MemoryPipeline.open(doubling((n) => n !== 3));
    await pipeline.submit('s', records(200), { settings: { batchSize: 100 } });
    await pipeline.settle();
    await expectWhole(pipeline, 's', 'any');
    const counts = await pipeline.counts('s');
    expect(counts.Processed + counts.Failed).toBe(200);
  });

  it('gives every result once it is mended and the jobs are retried', async () => {
    pipeline = await MemoryPipeline.open(refusing);
    await pipeline.submit('s', records(700));
    await pipeline.settle();
    pipeline.transforms.model = doubling();
    expect(await retrySubmission(pipeline.ports, 's', 0, 'all')).toMatchObject({ began: true });
    await pipeline.settle();
    await expectWhole(pipeline, 's', () => true);
    expect((await pipeline.submission('s')).generation).toBe(1);
  });
});
