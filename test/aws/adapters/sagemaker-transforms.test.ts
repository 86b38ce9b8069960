import { beforeEach, describe, expect, it } from 'vitest';
import { s3Blobs } from '../../../backend/aws/blobs.ts';
import { SageMakerTransforms } from '../../../backend/aws/sagemaker-transforms.ts';
import { LOG_BOUNDS } from '../../../backend/aws/transform-log.ts';
import { entryError } from '../../../backend/core/data-log.ts';
import { formatInputLine } from '../../../backend/core/object-lines.ts';
import { DEFAULT_SETTINGS } from '../../../backend/core/settings.ts';
import { OUTPUT_PART_BYTES, type TransformSpec } from '../../../backend/ports/transforms.ts';
import { FakeLogs } from '../../support/aws/fake-logs.ts';
import { FakeS3 } from '../../support/aws/fake-s3.ts';
import { FakeSageMaker } from '../../support/aws/fake-sagemaker.ts';
import { ManualClock } from '../../support/bell-queue.ts';
import { doubling } from '../../support/memory-pipeline.ts';
import { outputText } from '../../support/output-text.ts';

const PREFIX = 'batchml-0a1b2c3d';
const HEX = '0123456789abcdef0123456789abcdef';
const NAME = `batchml-${HEX}`;
const SERVICE_NAME = `${PREFIX}-${HEX}`;
const pin = {
  model: 'classifier',
  settings: {
    ...DEFAULT_SETTINGS,
    contentType: 'application/jsonlines',
    batchStrategy: 'MultiRecord',
  } as const,
};
const spec: TransformSpec = { name: NAME, batches: ['good', 'bad'], pin };
const object = (...numbers: number[]) =>
  numbers.map((n) => `${formatInputLine('application/jsonlines', `s.0.${n}`, `{"n":${n}}`)}\n`).join('');

let clock: ManualClock;
let s3: FakeS3;
let logs: FakeLogs;
let sagemaker: FakeSageMaker;
let transforms: SageMakerTransforms;
beforeEach(() => {
  clock = new ManualClock(Date.UTC(2026, 10, 22, 10));
  s3 = new FakeS3();
  logs = new FakeLogs(clock);
  sagemaker = new FakeSageMaker({
    s3,
    logs,
    clock,
    model: doubling((n) => n === 3),
    models: ['classifier'],
  });
  transforms = new SageMakerTransforms({
    sagemaker: sagemaker.client,
    logs: logs.client,
    blobs: s3Blobs(s3.client, 'bucket'),
    bucket: 'bucket',
    stack: 'mine',
    namePrefix: PREFIX,
    now: () => clock.now(),
  });
  s3.put('bucket', 'data/good.jsonl', object(1, 2));
  s3.put('bucket', 'data/bad.jsonl', object(3, 4));
});

describe('a transform job', () => {
  it('runs to its end, and its failures are told by object', async () => {
    expect(await transforms.create(spec)).toEqual({ kind: 'created' });
    expect(await transforms.describe(NAME)).toEqual({ status: 'InProgress' });
    sagemaker.finish(SERVICE_NAME);
    expect(await transforms.describe(NAME)).toEqual({
      status: 'Failed',
      fault: 'records',
      reason: 'ClientError: See job logs for more information',
    });
    expect(await transforms.outputs(NAME)).toEqual(['good']);
    const output = await transforms.readOutput(NAME, 'good');
    expect(output.object).toBe(`result/${NAME}/good.jsonl.out`);
    expect(await outputText(output)).toBe(
      '{"id":"s.0.1","SageMakerOutput":{"twice":2}}\n{"id":"s.0.2","SageMakerOutput":{"twice":4}}\n',
    );
    const [entry, ...others] = await transforms.dataLog(NAME);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ batch: 'bad', kind: 'ClientError', status: 400 });
    expect(entry && entryError(entry)).toEqual({ code: 'model_error', message: 'record 3 is poison' });
    await transforms.forget(NAME);
    expect(s3.keys('bucket')).toEqual(['data/bad.jsonl', 'data/good.jsonl', `result/${NAME}/good.jsonl.out`]);
  });

  it('is one, however often it is created', async () => {
    expect(await transforms.create(spec)).toEqual({ kind: 'created' });
    expect(await transforms.create(spec)).toEqual({ kind: 'created' });
    expect(sagemaker.created).toHaveLength(1);
  });

  it("isn't ours when another one has its name but reads something else", async () => {
    await transforms.create(spec);
    const [request] = sagemaker.created;
    const source = request?.TransformInput?.DataSource?.S3DataSource;
    if (source) source.S3Uri = 's3://stranger/data';
    expect(await transforms.create(spec)).toMatchObject({
      kind: 'never',
      error: { code: 'transform_failed' },
    });
    expect(await transforms.describe(NAME)).toBeUndefined();
  });

  it('waits for quotas and throttles, and gives up on a model that there is not', async () => {
    sagemaker.trouble.quota = 0;
    expect(await transforms.create(spec)).toMatchObject({
      kind: 'later',
      reason: expect.stringContaining('ResourceLimitExceeded: The account-level service limit'),
    });
    sagemaker.trouble.quota = 1;
    sagemaker.trouble.throttles = 1;
    expect(await transforms.create(spec)).toMatchObject({ kind: 'later' });
    expect(await transforms.create({ ...spec, pin: { ...pin, model: 'none' } })).toMatchObject({
      kind: 'never',
      error: { code: 'model_unavailable', message: expect.stringContaining('Could not find model') },
    });
  });

  it('that was never heard of is unknown, and is left alone', async () => {
    expect(await transforms.describe(NAME)).toBeUndefined();
    await transforms.stop(NAME);
    expect(await transforms.outputs(NAME)).toEqual([]);
    await expect(transforms.readOutput(NAME, 'good')).rejects.toThrow('has no output of good');
    expect(await transforms.dataLog(NAME)).toEqual([]);
    await transforms.forget(NAME);
  });

  it('stops when asked, once or twice, and is left alone when it has ended', async () => {
    await transforms.create(spec);
    await transforms.stop(NAME);
    await transforms.stop(NAME);
    sagemaker.step();
    expect(await transforms.describe(NAME)).toEqual({ status: 'Stopped' });
    await transforms.stop(NAME);
  });

  it('throws what is not an answer', async () => {
    sagemaker.before = () => {
      throw new Error('socket hang up');
    };
    await expect(transforms.create(spec)).rejects.toThrow('socket hang up');
    await expect(transforms.describe(NAME)).rejects.toThrow('socket hang up');
    await expect(transforms.stop(NAME)).rejects.toThrow('socket hang up');
  });

  it('has its outputs found wherever they stand below its folder', async () => {
    s3.put('bucket', `result/${NAME}/data/good.jsonl.out`, 'text');
    s3.put('bucket', `result/${NAME}/deep/er/good.jsonl.out`, 'text');
    s3.put('bucket', `result/${NAME}x/other.jsonl.out`, 'text');
    s3.put('bucket', `result/${NAME}/part.tmp`, 'text');
    expect(await transforms.outputs(NAME)).toEqual(['good']);
    const output = await transforms.readOutput(NAME, 'good');
    expect(output.object).toBe(`result/${NAME}/data/good.jsonl.out`);
    expect(await outputText(output)).toBe('text');
  });
});

describe('an output', () => {
  const gets = () => s3.meter.calls['GetObject'] ?? 0;

  it('of one part costs one request, however often it is read', async () => {
    s3.put('bucket', `result/${NAME}/good.jsonl.out`, 'text');
    const output = await transforms.readOutput(NAME, 'good');
    for (let i = 0; i < 2; i++) expect(await outputText(output)).toBe('text');
    expect(output.size).toBe(4);
    expect(gets()).toBe(1);
  });

  it('that is larger is read by ranges', async () => {
    const large = Buffer.alloc(2 * OUTPUT_PART_BYTES + 1, 'é');
    s3.put('bucket', `result/${NAME}/good.jsonl.out`, large);
    const output = await transforms.readOutput(NAME, 'good');
    const parts: Uint8Array[] = [];
    for await (const part of output.read()) parts.push(part);
    expect(parts.map(({ length }) => length)).toEqual([OUTPUT_PART_BYTES, OUTPUT_PART_BYTES, 1]);
    expect(Buffer.concat(parts).equals(large)).toBe(true);
    expect(output.size).toBe(large.length);
    expect(gets()).toBe(3);
  });

  it('that is empty has no bytes', async () => {
    s3.put('bucket', `result/${NAME}/good.jsonl.out`, '');
    const output = await transforms.readOutput(NAME, 'good');
    expect([output.size, await outputText(output)]).toEqual([0, '']);
  });
});

describe('the data log', () => {
  const line = (batch: string, text: string) =>
    `2026-11-22T10:00:00.000:[sagemaker logs]: bucket/data/${batch}.jsonl: ${text}`;
  const stream = (name: string) => `${SERVICE_NAME}/i-0abc-1795341600${name}`;

  it('is read page by page, from all instances', async () => {
    logs.pageEvents = 2;
    logs.write(stream('/data-log'), [line('a', 'ClientError: 400'), line('a', 'Message:'), line('a', 'one')]);
    logs.write(`${SERVICE_NAME}/i-0def-1/data-log`, [line('b', 'ServerError: 500')]);
    expect(await transforms.dataLog(NAME)).toEqual([
      { batch: 'a', kind: 'ClientError', status: 400, message: 'one' },
      { batch: 'b', kind: 'ServerError', status: 500, message: '' },
    ]);
  });

  it('is found in other streams of the job, but no other job', async () => {
    logs.write(stream(''), ['starting', line('a', 'ModelTimeout')]);
    logs.write(`${SERVICE_NAME}0/i-1/data-log`, [line('b', 'ClientError: 400')]);
    expect(await transforms.dataLog(NAME)).toEqual([
      { batch: 'a', kind: 'ModelTimeout', status: undefined, message: '' },
    ]);
  });

  it('has messages of several lines in one event', async () => {
    logs.write(stream('/data-log'), [
      line('a', 'ClientError: 400'),
      line('a', 'Message:'),
      `${line('a', 'Traceback:')}\n  File "x.py"\r\nValueError`,
    ]);
    expect((await transforms.dataLog(NAME))[0]?.message).toBe('Traceback:\n  File "x.py"\nValueError');
  });

  it('is read within bounds', async () => {
    const big = 'x'.repeat(LOG_BOUNDS.bytes / 4);
    logs.pageEvents = 1;
    logs.write(stream('/data-log'), [
      line('a', 'ClientError: 400'),
      ...Array.from({ length: 10 }, () => big),
      line('b', 'ClientError: 400'),
    ]);
    expect(await transforms.dataLog(NAME)).toMatchObject([{ batch: 'a' }]);
    expect(logs.meter.calls['GetLogEvents']).toBeLessThan(8);
    logs.write(
      stream('/data-log'),
      Array.from({ length: 100 }, () => 'short'),
    );
    await transforms.dataLog(NAME);
    expect(logs.meter.calls['GetLogEvents']).toBeLessThan(8 + LOG_BOUNDS.pages);
  });

  it('ends when its time is over', async () => {
    logs.pageEvents = 1;
    logs.write(stream('/data-log'), [line('a', 'ClientError: 400'), line('b', 'ClientError: 400')]);
    logs.after = () => clock.moveTo(clock.now() + LOG_BOUNDS.ms / 2 + 1);
    expect(await transforms.dataLog(NAME)).toMatchObject([{ batch: 'a' }]);
  });
});
