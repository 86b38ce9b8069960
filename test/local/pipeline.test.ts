import { afterEach, describe, expect, test } from 'vitest';
import {
  numbered,
  openPipeline,
  type Pipeline,
  type PipelineOptions,
  temporaryFolder,
} from '../support/local-pipeline.ts';
import { type ModelOptions, type ModelServer, startModel } from '../support/model-server.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function withModel(
  model: ModelOptions = {},
  options: Omit<Partial<PipelineOptions>, 'model'> = {},
): Promise<{ pipeline: Pipeline; model: ModelServer }> {
  const server = await startModel(model);
  closers.push(() => server.close());
  const pipeline = await openPipeline({ model: server.url, ...options });
  closers.push(() => pipeline.close());
  await pipeline.start();
  return { pipeline, model: server };
}

const JSONLINES = { contentType: 'application/jsonlines', batchStrategy: 'MultiRecord' } as const;

describe('a submission through a real model server', () => {
  test('gives one result for each record, in order', async () => {
    const { pipeline } = await withModel();
    const ids = await pipeline.submit('sub', numbered(1200));
    const submission = await pipeline.finished('sub');
    expect(submission.counts).toEqual({ Queued: 0, Processing: 0, Processed: 1200, Failed: 0, Cancelled: 0 });
    const results = await pipeline.results('sub');
    expect(results.map((line) => line.jobId)).toEqual(ids);
    expect(results.map((line) => line.line)).toEqual(ids.map((_, i) => i + 1));
    expect(results.map((line) => line.result)).toEqual(ids.map((_, n) => ({ echo: { n } })));
  });

  test('one poison record among 5,000 fails alone, with the message of the model', async () => {
    const poison = '{"n":3333}';
    const { pipeline, model } = await withModel(
      { wrong: (records) => (records.includes(poison) ? { status: 400, body: 'n is cursed' } : undefined) },
      { settings: JSONLINES },
    );
    await pipeline.submit('sub', numbered(5000));
    const { counts } = await pipeline.finished('sub');
    expect(counts).toMatchObject({ Processed: 4999, Failed: 1 });
    const [failed, ...others] = await pipeline.results('sub', 'status=Failed');
    expect(others).toEqual([]);
    // An error, and no result beside it.
    expect(failed).toEqual({
      line: 3334,
      jobId: 'sub.6.333',
      status: 'Failed',
      error: { code: 'model_error', message: 'n is cursed' },
    });
    expect(Math.max(...model.sent.values())).toBeLessThanOrEqual(4);
  });

  test('1 % of 5,000: only those fail, and none is sent more than four times', async () => {
    const isPoison = (record: string) => JSON.parse(record).n % 100 === 7;
    const { pipeline, model } = await withModel(
      {
        wrong: (records) =>
          records.some(isPoison) ? { status: 500, body: '{"message":"seven"}' } : undefined,
      },
      { settings: JSONLINES },
    );
    await pipeline.submit('sub', numbered(5000));
    const { counts } = await pipeline.finished('sub');
    expect(counts).toMatchObject({ Processed: 4950, Failed: 50 });
    const failed = await pipeline.results('sub', 'status=Failed');
    expect(failed.map((line) => line.line % 100)).toEqual(Array(50).fill(8));
    expect(new Set(failed.map((line) => line.error?.message))).toEqual(new Set(['seven']));
    expect(Math.max(...model.sent.values())).toBeLessThanOrEqual(4);
  });

  test('a model that refuses everything sees few requests, and its message reaches the user', async () => {
    const { pipeline, model } = await withModel({ wrong: () => ({ status: 500, body: 'out of memory' }) });
    await pipeline.submit('sub', numbered(10_000));
    const { counts } = await pipeline.finished('sub');
    expect(counts).toMatchObject({ Processed: 0, Failed: 10_000 });
    expect(model.requests()).toBeLessThan(100);
    const [first] = await pipeline.results('sub', 'status=Failed');
    expect(first?.error?.message).toContain('out of memory');
  });

  test.each([
    ['half a line', 'half', 'model_disconnected'],
    ['too few lines', 'too-few', 'bad_output'],
    ['nothing', 'empty', 'bad_output'],
    ['no answer but a closed connection', 'close', 'model_disconnected'],
  ] as const)('a record that makes the model answer %s fails alone', async (_name, misbehaviour, code) => {
    const { pipeline } = await withModel(
      { wrong: (records) => (records.includes('{"n":77}') ? misbehaviour : undefined) },
      { settings: JSONLINES },
    );
    await pipeline.submit('sub', numbered(200));
    const { counts } = await pipeline.finished('sub');
    expect(counts).toMatchObject({ Processed: 199, Failed: 1 });
    const [failed] = await pipeline.results('sub', 'status=Failed');
    expect(failed).toMatchObject({ line: 78, error: { code } });
  });

  test('a record that makes the model hang fails alone, by the time-out', async () => {
    const { pipeline } = await withModel(
      { wrong: (records) => (records.includes('{"n":3}') ? 'hang' : undefined) },
      { settings: { ...JSONLINES, invocationsTimeoutSeconds: 1 } },
    );
    await pipeline.submit('sub', numbered(8));
    const { counts } = await pipeline.finished('sub');
    expect(counts).toMatchObject({ Processed: 7, Failed: 1 });
    const [failed] = await pipeline.results('sub', 'status=Failed');
    expect(failed).toMatchObject({ line: 4, error: { code: 'model_timeout' } });
  });

  test('a model that takes one record a request is found out by the probe', async () => {
    const { pipeline, model } = await withModel({
      wrong: (records, contentType) =>
        contentType !== 'application/json' || records.length > 1
          ? { status: 415, body: 'JSON only' }
          : undefined,
    });
    await pipeline.submit('sub', numbered(50));
    const { counts } = await pipeline.finished('sub');
    expect(counts).toMatchObject({ Processed: 50, Failed: 0 });
    expect(pipeline.events).toContainEqual(
      expect.objectContaining({
        type: 'choice',
        contentType: 'application/json',
        batchStrategy: 'SingleRecord',
      }),
    );
    expect(model.requests()).toBeLessThanOrEqual(54);
  });

  test('CSV rows keep quotes, commas and several output columns', async () => {
    const rows = ['1,"a, ""quoted"" b",2', 'x,y,z', '"",,'];
    const { pipeline } = await withModel({}, { settings: { contentType: 'text/csv' } });
    await pipeline.submit(
      'sub',
      rows.map((row) => JSON.stringify(row)),
    );
    await pipeline.finished('sub');
    const results = await pipeline.results('sub');
    expect(results.map((line) => line.result)).toEqual([4, 3, 3].map((n) => `${n},"a, ""b""",0.5`));
  });

  test('a record and a result of 1 MB, and numbers that JavaScript can not hold, come back as they were', async () => {
    const big = `{"id":12345678901234567890,"x":1.0,"text":"${'x'.repeat(1_000_000)}"}`;
    const { pipeline } = await withModel();
    await pipeline.submit('sub', [big]);
    await pipeline.finished('sub');
    const answer = await pipeline.call('GET', '/submissions/sub/jobs', undefined, {
      accept: 'application/x-ndjson',
    });
    expect(await answer.text()).toBe(
      `{"line":1,"jobId":"sub.0.0","status":"Processed","result":{"echo":${big}}}\n`,
    );
  });

  test('a record that kills the model fails alone: what was in flight with it is tried again alone', async () => {
    const { pipeline } = await withModel(
      {
        wrong: (records) => (records.includes('{"n":51}') ? 'crash' : undefined),
        // Some requests are in flight at a time.
        gate: () => new Promise((resolve) => setImmediate(() => setImmediate(resolve))),
      },
      { settings: { ...JSONLINES, maxConcurrentTransforms: 8 } },
    );
    await pipeline.submit('sub', numbered(200));
    const { counts } = await pipeline.finished('sub');
    expect(counts).toMatchObject({ Processed: 199, Failed: 1 });
    const [failed] = await pipeline.results('sub', 'status=Failed');
    expect(failed).toMatchObject({ line: 52, error: { code: 'model_disconnected' } });
  });

  test('cancelling takes what waits to be tried again', async () => {
    const pipeline = await openPipeline({ model: 'http://127.0.0.1:9', pingTimeoutMs: 1 });
    closers.push(() => pipeline.close());
    await pipeline.submit('sub', numbered(20));
    await pipeline.start();
    const ended = () => pipeline.events.some(({ type }) => type === 'transform-ended');
    while (!ended()) await pipeline.news(1000);
    // The step that the event is about ends with the bell after it.
    await pipeline.news(1000);
    const cancelled = await pipeline.call('POST', '/submissions/sub/cancel');
    expect(await cancelled.json()).toMatchObject({ state: 'Finished', counts: { Cancelled: 20 } });
  });

  test('bad records that are retried fail with their own messages again, not as a refusing model', async () => {
    const bad = ['{"n":4}', '{"n":40}', '{"n":41}'];
    const { pipeline } = await withModel(
      {
        wrong: (records) => {
          const found = records.find((record) => bad.includes(record));
          return found === undefined ? undefined : { status: 400, body: `bad: ${found}` };
        },
      },
      { settings: JSONLINES },
    );
    await pipeline.submit('sub', numbered(100));
    await pipeline.finished('sub');
    await pipeline.call('POST', '/submissions/sub/retry', {});
    await pipeline.finished('sub');
    const failed = await pipeline.results('sub', 'status=Failed');
    expect(failed.map((line) => line.error?.message)).toEqual(bad.map((record) => `bad: ${record}`));
  });

  test('work on one submission goes on with a transform job that it shared with another', async () => {
    const { path, remove } = temporaryFolder();
    let stuck: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => {
      stuck = resolve;
    });
    let open = false;
    const model = await startModel({
      gate: async () => {
        if (open) return;
        stuck();
        await new Promise(() => undefined);
      },
    });
    const options = { model: model.url, dataDir: path, settings: JSONLINES };
    const first = await openPipeline(options);
    await first.submit('a', numbered(10));
    await first.submit('b', numbered(10));
    await first.start();
    await reached;
    await first.close();
    open = true;
    const second = await openPipeline(options);
    await second.start('a');
    expect((await second.finished('a')).counts.Processed).toBe(10);
    await second.close();
    await model.close();
    remove();
  });
});
