import { describe, expect, it } from 'vitest';
import { type Config, readConfig } from '../../backend/aws/config.ts';
import { DEFAULT_SETTINGS } from '../../backend/core/settings.ts';
import { HANDLERS, type Handler, SHAPES } from '../../backend/stack/functions.ts';
import { instantiate } from './instantiate.ts';
import { type Any, ofType, propertiesOf } from './template.ts';

const functions = (given: Record<string, string> = {}) =>
  HANDLERS.map((handler) => {
    const found = instantiate(given).of(`${SHAPES[handler].id}Function`) as Any;
    return [handler, found] as const;
  });
/** What the functions read from their environments; queues are known by their URLs. */
function configsOf(given: Record<string, string> = {}): Record<Handler, Config> {
  const configs = functions(given).map(([handler, { Environment }]) => {
    const variables = Object.entries(Environment.Variables as Record<string, string>).map(([name, value]) => [
      name,
      /QUEUE|DEAD_LETTERS/.test(name) ? value.replace(/^<(.*)>$/, 'https://sqs.example/$1') : value,
    ]);
    return [handler, readConfig(Object.fromEntries(variables), handler === 'api')];
  });
  return Object.fromEntries(configs);
}

describe('the functions', () => {
  it('run Node.js 24 on arm64, each with a log group and a role of its own', () => {
    expect(ofType('AWS::Lambda::Function')).toHaveLength(6);
    for (const [handler, properties] of functions({ AssetsPrefix: 'p/' })) {
      const { id } = SHAPES[handler];
      expect(properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
        Code: { S3Bucket: 'assets', S3Key: `p/${handler}-0123456789abcdef.zip` },
        LoggingConfig: { LogGroup: `<${id}Logs>` },
        Role: `<${id}Role.Arn>`,
        TracingConfig: { Mode: 'PassThrough' },
      });
    }
  });

  it('know where things are, in words that they understand', () => {
    const schedule = { TriggerType: 'schedule', ScheduleRate: 'day' };
    const configs = configsOf(schedule);
    const url = (queue: string) => `https://sqs.example/${queue}`;
    for (const { deadLetters, pin, ...common } of Object.values(configs))
      expect(common).toEqual({
        stack: 'mine',
        table: '<Table>',
        bucket: '<Bucket>',
        stream: undefined,
        queues: {
          gather: url('GatherQueue'),
          start: url('StartQueue'),
          results: url('ResultsQueue'),
          settle: url('SettleQueue'),
        },
        namePrefix: 'batchml-5f0c3a1e',
        trigger: { schedule: 'day' },
        retentionDays: 30,
        logLevel: 'INFO',
      });
    for (const { stream } of Object.values(configsOf({ ...schedule, JobStreamShardCount: '1' })))
      expect(stream).toBe('<Stream>');
    expect(Object.values(configs).map(({ deadLetters }) => deadLetters)).toEqual([
      undefined,
      url('GatherDeadLetters'),
      url('StartDeadLetters'),
      url('ResultsDeadLetters'),
      url('SettleDeadLetters'),
      undefined,
    ]);
  });

  it('pin work where it is accepted, to the defaults unless told otherwise', () => {
    const pins = Object.entries(configsOf()).filter(([, { pin }]) => pin);
    expect(pins.map(([handler]) => handler)).toEqual(['api']);
    expect(configsOf().api.pin).toEqual({
      model: 'my-model',
      settings: {
        ...DEFAULT_SETTINGS,
        contentType: 'application/jsonlines',
        batchStrategy: 'MultiRecord',
        batchWindowSeconds: 60,
      },
    });
    const given = {
      ContentType: 'text/csv',
      BatchStrategy: 'SingleRecord',
      MaxPayloadMB: '10',
      MaxConcurrentTransforms: '5',
      InvocationsTimeoutSeconds: '60',
      InvocationsMaxRetries: '1',
      KinesisBatchSize: '100',
      KinesisMaximumBatchingWindowInSeconds: '10',
      InstanceType: 'ml.g5.xlarge',
      InstanceCount: '3',
      MaxTransformJobs: '4',
      MaxWaitHours: '12',
      MaxTransformHours: '6',
    };
    expect(configsOf(given).api.pin?.settings).toEqual({
      ...DEFAULT_SETTINGS,
      contentType: 'text/csv',
      batchStrategy: 'SingleRecord',
      maxPayloadMb: 10,
      maxConcurrentTransforms: 5,
      invocationsTimeoutSeconds: 60,
      invocationsMaxRetries: 1,
      batchSize: 100,
      batchWindowSeconds: 10,
      instanceType: 'ml.g5.xlarge',
      instanceCount: 3,
      maxTransformJobs: 4,
      maxWaitHours: 12,
      maxTransformHours: 6,
    });
  });

  it('are traced, and may be, only when asked', () => {
    const actions = (given: Record<string, string>) =>
      instantiate(given)
        .of('ApiRole')
        .Policies[0].PolicyDocument.Statement.flatMap(({ Action }: Any) => Action);
    expect(functions({ TracingMode: 'Active' })[0]?.[1].TracingConfig).toEqual({ Mode: 'Active' });
    expect(actions({ TracingMode: 'Active' })).toContain('xray:PutTraceSegments');
    expect(actions({})).not.toContain('xray:PutTraceSegments');
  });
});

describe('queues', () => {
  const queues = ofType('AWS::SQS::Queue');

  it('are encrypted, and those that are heard have dead letters, kept for 14 days', () => {
    for (const [id, { Properties }] of queues) {
      expect(Properties.SqsManagedSseEnabled, id).toBe(true);
      const dead = id.endsWith('DeadLetters');
      if (dead) expect(Properties, id).toMatchObject({ MessageRetentionPeriod: 1_209_600 });
      else
        expect(Properties.RedrivePolicy, id).toEqual({
          deadLetterTargetArn: { 'Fn::GetAtt': [id.replace('Queue', 'DeadLetters'), 'Arn'] },
          maxReceiveCount: 5,
        });
    }
  });

  it('hide a message for six times as long as its function may take, and while it is gathered', () => {
    const { of } = instantiate();
    for (const [id, { Properties }] of queues.filter(([id]) => id.endsWith('Queue'))) {
      const mapping = of(`${id}Source`);
      expect(mapping.EventSourceArn).toBe(`<${id}.Arn>`);
      const { Timeout } = of(mapping.FunctionName.replace(/[<>]/g, ''));
      expect(Properties.VisibilityTimeout, id).toBe(6 * Timeout + mapping.MaximumBatchingWindowInSeconds);
      expect(mapping).toMatchObject({ FunctionResponseTypes: ['ReportBatchItemFailures'] });
      expect(mapping.ScalingConfig.MaximumConcurrency, id).toBeGreaterThanOrEqual(2);
    }
  });

  it('each ring the function that answers their bells', () => {
    const rings = ofType('AWS::Lambda::EventSourceMapping').map(([, { Properties }]) => [
      Properties.EventSourceArn['Fn::GetAtt'][0],
      Properties.FunctionName.Ref,
    ]);
    expect(rings).toEqual([
      ['Stream', 'GatherFunction'],
      ['GatherQueue', 'GatherFunction'],
      ['StartQueue', 'StartFunction'],
      ['ResultsQueue', 'FileResultsFunction'],
      ['SettleQueue', 'SettleFunction'],
    ]);
  });

  it('gather bells of new chunks where no stream does: thousands an invocation, not ten', () => {
    const heard = (JobStreamShardCount: string) => {
      const { BatchSize, MaximumBatchingWindowInSeconds } = instantiate({ JobStreamShardCount }).of(
        'GatherQueueSource',
      );
      return [BatchSize, MaximumBatchingWindowInSeconds];
    };
    // Over 10 needs a window; 10,000 is the most (Lambda, CreateEventSourceMapping).
    expect(heard('0')).toEqual([10_000, 1]);
    expect(heard('1')).toEqual([10, 0]);
    expect(heard('-1')).toEqual([10, 0]);
    for (const name of ['StartQueueSource', 'ResultsQueueSource', 'SettleQueueSource']) {
      const { BatchSize, MaximumBatchingWindowInSeconds } = instantiate().of(name);
      expect([BatchSize <= 10, MaximumBatchingWindowInSeconds]).toEqual([true, 0]);
    }
  });

  it('takes the stream from its beginning, and gives up a record that gather can not take', () => {
    expect(propertiesOf('StreamToGather')).toMatchObject({
      StartingPosition: 'TRIM_HORIZON',
      MaximumRetryAttempts: 5,
      MaximumRecordAgeInSeconds: 3600,
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['StreamDeadLetters', 'Arn'] } } },
    });
  });
});
