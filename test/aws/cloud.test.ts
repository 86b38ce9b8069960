/** The deployed pipeline end to end, by what its users see: requests in, results out. */
import { describe, expect, it } from 'vitest';
import type { Job } from '../../backend/api/wire.ts';
import { KEY, MINUTE } from '../support/aws/cloud.ts';
import { NAME_PREFIX } from '../support/aws/services.ts';
import { expectWhole } from '../support/expect-whole.ts';
import { doubling, HOUR, numberOf, records } from '../support/memory-pipeline.ts';
import { expectDone, expectNoTrouble, open, small } from './scenario.ts';

describe('a submission', () => {
  it('comes in by HTTP, and every record gets its result', async () => {
    const cloud = await open();
    await cloud.submit('s', records(1200));
    await cloud.finish(['s']);
    await expectDone(cloud, 's');
    expectNoTrouble(cloud);
    expect(cloud.sagemaker.created).toHaveLength(1);
    expect(await cloud.info('s')).toMatchObject({ state: 'Finished', counts: { Processed: 1200 } });
    const lines = await cloud.fetch('GET', '/submissions/s/jobs?limit=3', {
      headers: { 'x-api-key': KEY, accept: 'application/x-ndjson' },
    });
    const ids = [0, 1, 2].map((i) => `{"line":${i + 1},"jobId":"s.0.${i}","status":"Processed"`);
    const results = ids.map((head, i) => `${head},"result":{"twice":${i * 2}}}\n`);
    expect(await lines.text()).toBe(results.join(''));
  });

  it('leaves nothing in the bucket but results, and tells that it is finished, once', async () => {
    const cloud = await open(
      doubling((n) => n % 20 === 7),
      { env: small },
    );
    await cloud.submit('s', records(60));
    await cloud.finish(['s']);
    await expectDone(cloud, 's', (n) => n % 20 !== 7);
    await cloud.settle(10 * MINUTE);
    expect(Object.keys(cloud.stored()).filter((folder) => folder === 'data')).toEqual([]);
    expect(cloud.events.entries.map(({ Detail }) => JSON.parse(Detail ?? '') as object)).toEqual([
      expect.objectContaining({
        submissionId: 's',
        counts: { Queued: 0, Processing: 0, Processed: 57, Failed: 3, Cancelled: 0 },
      }),
    ]);
    expect(cloud.told.measured).toMatchObject({ JobsAccepted: 60, JobsProcessed: 57, JobsFailed: 3 });
  });

  it('asks SageMaker for what it was pinned to', async () => {
    const env = {
      ...small,
      BATCHML_INSTANCE_TYPE: 'ml.c5.xlarge',
      BATCHML_INSTANCE_COUNT: '2',
      BATCHML_MAX_CONCURRENT_TRANSFORMS: '8',
      BATCHML_MAX_PAYLOAD_MB: '2',
      BATCHML_INVOCATIONS_TIMEOUT_SECONDS: '30',
    };
    const cloud = await open(doubling(), { env });
    await cloud.submit('s', records(30));
    await cloud.finish(['s']);
    const [request, ...none] = cloud.sagemaker.created;
    expect(none).toEqual([]);
    expect(request).toMatchObject({
      TransformJobName: expect.stringMatching(new RegExp(`^${NAME_PREFIX}-[0-9a-f]{32}$`)),
      BatchStrategy: 'MultiRecord',
      MaxConcurrentTransforms: 8,
      MaxPayloadInMB: 2,
      ModelClientConfig: { InvocationsTimeoutInSeconds: 30, InvocationsMaxRetries: 0 },
      TransformResources: { InstanceType: 'ml.c5.xlarge', InstanceCount: 2 },
      TransformInput: { ContentType: 'application/jsonlines', SplitType: 'Line' },
      TransformOutput: { Accept: 'application/jsonlines', AssembleWith: 'Line' },
    });
    await expectDone(cloud, 's');
  });

  it('takes CSV', async () => {
    const cloud = await open(
      (row) => (row.includes('bad') ? { status: 422, message: `no: ${row}` } : `${row.length},x`),
      {
        env: { BATCHML_CONTENT_TYPE: 'text/csv' },
      },
    );
    const rows = ['1,2', '"a, ""b""",c', 'bad,row', '😀,é'];
    await cloud.submit(
      's',
      rows.map((row) => JSON.stringify(row)),
    );
    await cloud.finish(['s']);
    const jobs = await cloud.jobs('s');
    expect(jobs.map(({ result, error }) => result ?? error?.message)).toEqual([
      '"3,x"',
      JSON.stringify(`${(rows[1] as string).length},x`),
      'no: bad,row',
      JSON.stringify(`${(rows[3] as string).length},x`),
    ]);
  });

  it('keeps results over 400 KB, each readable', async () => {
    const cloud = await open((record) => JSON.stringify('é'.repeat(numberOf(record) * 150_000)));
    await cloud.submit('s', records(4));
    await cloud.finish(['s']);
    for (const n of [0, 1, 2, 3]) {
      const job = await cloud.call<Job>('GET', `/job/s.0.${n}`);
      expect(job.status).toBe('Processed');
      expect(job.result).toBe('é'.repeat(n * 150_000));
    }
    expect(Math.max(...cloud.table.items().map((item) => JSON.stringify(item).length))).toBeLessThan(400_000);
  });
});

describe("the AWS sample's routes", () => {
  it('take single records, which gather into one transform job', async () => {
    const cloud = await open();
    const ids: string[] = [];
    for (const record of records(30))
      ids.push((await cloud.call<{ job_id: string }>('POST', '/job', record)).job_id);
    expect(await cloud.call('GET', `/job/${ids[3]}`)).toMatchObject({ status: 'Queued', result: null });
    await cloud.settle(2 * MINUTE);
    for (const [n, id] of ids.entries())
      expect(await cloud.call('GET', `/job/${id}`)).toMatchObject({
        status: 'Processed',
        result: { twice: n * 2 },
      });
    expect(cloud.sagemaker.created).toHaveLength(1);
    expectNoTrouble(cloud);
    await cloud.expectQuiet();
  });

  it('answer as they should to what is wrong', async () => {
    const cloud = await open();
    const status = async (method: string, path: string, body?: string, key = KEY) =>
      (await cloud.fetch(method, path, { body, headers: { 'x-api-key': key } })).status;
    expect(await status('POST', '/job', '1', 'another')).toBe(403);
    expect(await status('GET', '/job/nothing.0.0')).toBe(404);
    expect(await status('POST', '/job', '')).toBe(400);
    expect(await status('POST', '/job', 'not JSON')).toBe(400);
    expect(await status('POST', '/job', `"${'x'.repeat(5_000_000)}"`)).toBe(413);
    expect(await status('GET', '/nowhere')).toBe(404);
    expect(cloud.table.items()).toEqual([]);
  });

  it('make one job of one Idempotency-Key', async () => {
    const cloud = await open();
    const post = () => cloud.call<{ job_id: string }>('POST', '/job', '{"n":1}', { 'idempotency-key': 'k' });
    const [first, second] = [await post(), await post()];
    expect(second).toEqual(first);
    await cloud.settle(MINUTE);
    expect(await post()).toEqual(first);
    expect(cloud.sagemaker.totalSent).toBe(1);
  });
});

describe('a bad record', () => {
  it("fails alone with the model's own message", async () => {
    const cloud = await open(doubling((n) => n === 777));
    await cloud.submit('s', records(2000));
    await cloud.finish(['s']);
    await expectDone(cloud, 's', (n) => n !== 777);
    expectNoTrouble(cloud);
    expect(await cloud.call('GET', '/job/s.1.277')).toMatchObject({
      status: 'Failed',
      result: null,
      error: { code: 'model_error', message: 'record 777 is poison' },
    });
    expect(Math.max(...cloud.sagemaker.sent.values())).toBeLessThanOrEqual(4);
  });

  it('is found although the log says nothing', async () => {
    const cloud = await open(doubling((n) => n === 33));
    cloud.sagemaker.trouble.dropLog = true;
    await cloud.submit('s', records(100));
    await cloud.finish(['s']);
    await expectDone(cloud, 's', (n) => n !== 33);
  });

  it('of which every one is bad multiplies nothing', async () => {
    const cloud = await open(
      doubling(() => true),
      { env: small },
    );
    await cloud.submit('s', records(500));
    await cloud.finish(['s']);
    await expectDone(cloud, 's', () => false);
    expect((await cloud.jobs('s'))[99]?.error).toMatchObject({ code: 'model_refuses_all' });
    expect(cloud.sagemaker.totalSent).toBeLessThan(1200);
  });
});

describe('users', () => {
  it('cancel what has no result yet, in a transform job or not', async () => {
    const cloud = await open(doubling(), { env: { ...small, BATCHML_MAX_TRANSFORM_JOBS: '1' } });
    cloud.sagemaker.durationMs = 10 * MINUTE;
    await cloud.submit('runs', records(10));
    await cloud.settle(MINUTE);
    await cloud.submit('waits', records(30));
    await cloud.settle(MINUTE);
    for (const id of ['runs', 'waits']) await cloud.call('POST', `/submissions/${id}/cancel`);
    await cloud.finish(['runs', 'waits']);
    // Its answers come, and are dropped.
    await cloud.settle(10 * MINUTE);
    await expectDone(cloud, 'runs', 'any');
    await expectDone(cloud, 'waits', 'any');
    expect(await cloud.counts('runs')).toMatchObject({ Cancelled: 10 });
    expect(await cloud.counts('waits')).toMatchObject({ Cancelled: 30 });
    expect(cloud.sagemaker.created).toHaveLength(1);
    expectNoTrouble(cloud);
  });

  it('retry what failed', async () => {
    const cloud = await open(
      doubling((n) => n % 10 === 3),
      { env: small },
    );
    await cloud.submit('s', records(50));
    await cloud.finish(['s']);
    await expectDone(cloud, 's', (n) => n % 10 !== 3);
    cloud.sagemaker.model = doubling();
    const retry = () => cloud.call('POST', '/submissions/s/retry', { generation: 0 });
    expect(await retry()).toMatchObject({ retried: true });
    expect(await retry()).toMatchObject({ retried: false });
    await cloud.finish(['s']);
    await expectDone(cloud, 's');
    expectNoTrouble(cloud);
    await cloud.settle(2 * MINUTE);
    expect(cloud.events.entries).toHaveLength(2);
  });

  it('read what is kept, for as long as it is kept', async () => {
    const cloud = await open();
    await cloud.submit('s', records(20));
    await cloud.finish(['s']);
    cloud.clock.moveTo(cloud.clock.now() + 29 * 24 * HOUR);
    cloud.table.expire(cloud.clock.now());
    await expectWhole(cloud, 's', () => true);
    cloud.clock.moveTo(cloud.clock.now() + 60 * 24 * HOUR);
    expect((await cloud.fetch('GET', '/submissions/s')).status).toBe(404);
    cloud.table.expire(cloud.clock.now());
    // What a pin is, and what it has in transform jobs: nothing.
    expect(cloud.table.items().map(({ pk }) => (pk as string).slice(0, 2))).toEqual(['P#', 'P#']);
  });
});

describe('on a schedule', () => {
  it('what came in is started at the end of the hour, all together', async () => {
    const cloud = await open(doubling(), { schedule: 'hour', env: small });
    await cloud.settle(10 * MINUTE);
    for (const id of ['a', 'b']) {
      await cloud.submit(id, records(20));
      await cloud.settle(10 * MINUTE);
    }
    expect(cloud.sagemaker.created).toEqual([]);
    await cloud.settle(31 * MINUTE);
    expect(cloud.sagemaker.created).toHaveLength(1);
    for (const id of ['a', 'b']) await expectDone(cloud, id);
    await cloud.submit('c', records(20));
    await cloud.settle(30 * MINUTE);
    expect(cloud.sagemaker.created).toHaveLength(1);
    await cloud.finish(['c']);
    await expectDone(cloud, 'c');
    expectNoTrouble(cloud);
  });
});
