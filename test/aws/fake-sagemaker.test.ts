/** The SageMaker of the tests does what Batch Transform is documented to do. */
import {
  DescribeLogStreamsCommand,
  GetLogEventsCommand,
  type GetLogEventsCommandOutput,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateTransformJobCommand,
  type CreateTransformJobCommandInput,
  DescribeTransformJobCommand,
  StopTransformJobCommand,
} from '@aws-sdk/client-sagemaker';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseDataLog } from '../../backend/core/data-log.ts';
import { FakeLogs, TRANSFORM_LOGS } from '../support/aws/fake-logs.ts';
import { FakeS3 } from '../support/aws/fake-s3.ts';
import { FakeSageMaker } from '../support/aws/fake-sagemaker.ts';
import { ManualClock } from '../support/bell-queue.ts';
import { doubling } from '../support/memory-pipeline.ts';

let clock: ManualClock;
let s3: FakeS3;
let logs: FakeLogs;
let sagemaker: FakeSageMaker;
let events: string[];
beforeEach(() => {
  clock = new ManualClock(Date.UTC(2026, 10, 22, 10));
  s3 = new FakeS3();
  logs = new FakeLogs(clock);
  sagemaker = new FakeSageMaker({ s3, logs, clock, model: doubling((n) => n === 3), models: ['m'] });
  events = [];
  sagemaker.onEvent = (detail) => events.push(`${detail.TransformJobName} ${detail.TransformJobStatus}`);
  s3.put('b', 'data/one.jsonl', lines(1, 2));
  s3.put('b', 'data/two.jsonl', lines(3, 4));
  s3.put('b', 'manifest/t.json', '[{"prefix":"s3://b/data/"},"one.jsonl","two.jsonl"]');
});

const lines = (...numbers: number[]) => numbers.map((n) => `{"id":"s.0.${n}","input":{"n":${n}}}\n`).join('');
const requestOf = (more: Partial<CreateTransformJobCommandInput> = {}): CreateTransformJobCommandInput => ({
  TransformJobName: 't',
  ModelName: 'm',
  BatchStrategy: 'MultiRecord',
  TransformInput: {
    DataSource: { S3DataSource: { S3DataType: 'ManifestFile', S3Uri: 's3://b/manifest/t.json' } },
    ContentType: 'application/jsonlines',
    SplitType: 'Line',
  },
  TransformOutput: {
    S3OutputPath: 's3://b/result/t/',
    Accept: 'application/jsonlines',
    AssembleWith: 'Line',
  },
  DataProcessing: {
    InputFilter: '$.input',
    JoinSource: 'Input',
    OutputFilter: "$['id','SageMakerOutput']",
  },
  TransformResources: { InstanceType: 'ml.m5.large', InstanceCount: 1 },
  ...more,
});
const create = (more: Partial<CreateTransformJobCommandInput> = {}) =>
  sagemaker.client.send(new CreateTransformJobCommand(requestOf(more)));
const describeJob = (TransformJobName = 't') =>
  sagemaker.client.send(new DescribeTransformJobCommand({ TransformJobName }));
const stop = () => sagemaker.client.send(new StopTransformJobCommand({ TransformJobName: 't' }));

describe('a transform job', () => {
  it('writes an output for each object that the model took, and logs the others', async () => {
    await create();
    expect(await describeJob()).toMatchObject({ TransformJobStatus: 'InProgress' });
    sagemaker.step();
    expect(s3.keys('b', 'result/')).toEqual(['result/t/one.jsonl.out']);
    expect(s3.read('b', 'result/t/one.jsonl.out')).toBe(
      '{"id":"s.0.1","SageMakerOutput":{"twice":2}}\n{"id":"s.0.2","SageMakerOutput":{"twice":4}}\n',
    );
    expect(await describeJob()).toMatchObject({
      TransformJobStatus: 'Failed',
      FailureReason: expect.stringContaining('See job logs'),
    });
    expect(events).toEqual(['t InProgress', 't Failed']);
    const { logStreams = [] } = await logs.client.send(
      new DescribeLogStreamsCommand({ logGroupName: TRANSFORM_LOGS, logStreamNamePrefix: 't/' }),
    );
    const stream = logStreams
      .map(({ logStreamName }) => logStreamName ?? '')
      .find((n) => n.endsWith('data-log'));
    logs.pageEvents = 2;
    const messages: string[] = [];
    let nextToken: string | undefined;
    for (;;) {
      const page: GetLogEventsCommandOutput = await logs.client.send(
        new GetLogEventsCommand({
          logGroupName: TRANSFORM_LOGS,
          logStreamName: stream as string,
          startFromHead: true,
          ...(nextToken === undefined ? {} : { nextToken }),
        }),
      );
      messages.push(...(page.events ?? []).map(({ message = '' }) => message));
      if (page.nextForwardToken === nextToken) break;
      nextToken = page.nextForwardToken as string;
    }
    expect(parseDataLog(messages.join('\n'))).toEqual([
      {
        batch: 'two',
        kind: 'ClientError',
        status: 400,
        message: expect.stringContaining('record 3 is poison'),
      },
    ]);
  });

  it('joins CSV by its columns', async () => {
    s3.put('b', 'data/one.jsonl', 's.0.0,2,a,"b,c"\n');
    s3.put('b', 'manifest/t.json', '[{"prefix":"s3://b/data/"},"one.jsonl"]');
    sagemaker.model = (row) => `${row.length},x`;
    const { TransformInput, TransformOutput } = requestOf();
    await create({
      TransformInput: { ...TransformInput, ContentType: 'text/csv' } as never,
      TransformOutput: { ...TransformOutput, Accept: 'text/csv' } as never,
      DataProcessing: { InputFilter: '$[2:]', JoinSource: 'Input' },
    });
    sagemaker.step();
    expect([...sagemaker.sent.keys()]).toEqual(['a,"b,c"']);
    expect(s3.read('b', 'result/t/one.jsonl.out')).toBe('s.0.0,2,a,"b,c",7,x\n');
  });

  it('ends when its time has come, or when it is told to', async () => {
    sagemaker.durationMs = 1000;
    await create();
    expect([sagemaker.step(), sagemaker.nextAt()]).toEqual([false, clock.now() + 1000]);
    clock.moveTo(clock.now() + 1000);
    expect([sagemaker.step(), sagemaker.inProgress, sagemaker.nextAt()]).toEqual([true, [], undefined]);
    sagemaker.trouble.holding = true;
    await create({ TransformJobName: 'u' });
    expect([sagemaker.step(), sagemaker.inProgress]).toEqual([false, ['u']]);
    sagemaker.finish('u');
    expect(sagemaker.inProgress).toEqual([]);
  });

  it('stops on request, without output, and only while it runs', async () => {
    await expect(stop()).rejects.toThrow('Could not find');
    await create();
    await stop();
    expect(await describeJob()).toMatchObject({ TransformJobStatus: 'Stopping' });
    sagemaker.step();
    expect(await describeJob()).toMatchObject({ TransformJobStatus: 'Stopped' });
    expect([s3.keys('b', 'result/'), sagemaker.totalSent]).toEqual([[], 0]);
    await expect(stop()).rejects.toThrow('in status Stopped');
  });

  it('fails when what its manifest names is not there', async () => {
    s3.remove('b', 'data/two.jsonl');
    await create();
    sagemaker.step();
    expect(await describeJob()).toMatchObject({ TransformJobStatus: 'Failed' });
  });
});

describe('CreateTransformJob refuses', () => {
  it('a name that was ever used, an unknown model, and more instances than the quota', async () => {
    await create();
    sagemaker.step();
    await expect(create()).rejects.toMatchObject({ name: 'ResourceInUse' });
    await expect(create({ TransformJobName: 'u', ModelName: 'x' })).rejects.toThrow('Could not find model');
    sagemaker.trouble.quota = 2;
    await create({ TransformJobName: 'u' });
    const two = { InstanceType: 'ml.m5.large', InstanceCount: 2 } as const;
    await expect(create({ TransformJobName: 'v', TransformResources: two })).rejects.toMatchObject({
      name: 'ResourceLimitExceeded',
      message: expect.stringContaining('current utilization of 1 Instances'),
    });
    sagemaker.trouble.throttles = 1;
    await expect(create({ TransformJobName: 'v' })).rejects.toMatchObject({ name: 'ThrottlingException' });
    await create({ TransformJobName: 'v' });
    await expect(describeJob('nobody')).rejects.toThrow('Could not find requested job');
  });

  it.each<[string, Partial<CreateTransformJobCommandInput>]>([
    ['a name with a dot', { TransformJobName: 'a.b' }],
    ['more than 100 MB in flight', { MaxConcurrentTransforms: 11, MaxPayloadInMB: 10 }],
    [
      'many records without splitting',
      {
        TransformInput: { ...requestOf().TransformInput, SplitType: 'None' } as never,
      },
    ],
    [
      'joining of unlike types',
      {
        TransformOutput: { ...requestOf().TransformOutput, Accept: 'text/csv' } as never,
      },
    ],
    ['a filter over 63 characters', { DataProcessing: { InputFilter: `$.${'x'.repeat(62)}` } }],
    ['too long a time-out', { ModelClientConfig: { InvocationsTimeoutInSeconds: 3601 } }],
  ])('%s', async (_, more) => {
    await expect(create(more)).rejects.toMatchObject({ name: 'ValidationException' });
    expect(sagemaker.created).toEqual([]);
  });
});
