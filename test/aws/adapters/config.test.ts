import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../../../backend/aws/config.ts';
import { DEFAULT_SETTINGS } from '../../../backend/core/settings.ts';

const queue = (name: string) => `https://sqs.eu-west-1.amazonaws.com/123456789012/${name}`;
const COMMON = {
  BATCHML_STACK: 'mine',
  BATCHML_TABLE: 'jobs',
  BATCHML_BUCKET: 'bucket',
  BATCHML_STREAM: 'stream',
  BATCHML_GATHER_QUEUE: queue('gather'),
  BATCHML_START_QUEUE: queue('start'),
  BATCHML_RESULTS_QUEUE: queue('results'),
  BATCHML_SETTLE_QUEUE: queue('settle'),
  BATCHML_NAME_PREFIX: 'batchml-0a1b2c3d',
};
const API = { ...COMMON, BATCHML_MODEL: 'classifier' };

/** The message of what an environment is refused for. */
function refusal(environment: Record<string, string>, accepts = true): string {
  try {
    readConfig(environment, accepts);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error('it was taken');
}

describe('the environment', () => {
  it('is complete with what every function needs, and no pin', () => {
    expect(readConfig(COMMON)).toEqual({
      stack: 'mine',
      table: 'jobs',
      bucket: 'bucket',
      stream: 'stream',
      queues: {
        gather: queue('gather'),
        start: queue('start'),
        results: queue('results'),
        settle: queue('settle'),
      },
      namePrefix: 'batchml-0a1b2c3d',
      trigger: 's3',
      retentionDays: 30,
      logLevel: 'INFO',
      deadLetters: undefined,
      pin: undefined,
    });
  });

  it('pins to the defaults of a pipeline in the cloud, which has no `auto`', () => {
    expect(readConfig(API, true).pin).toEqual({
      model: 'classifier',
      settings: {
        ...DEFAULT_SETTINGS,
        contentType: 'application/jsonlines',
        batchStrategy: 'MultiRecord',
      },
    });
  });

  it('pins to what is set', () => {
    const { pin } = readConfig(
      {
        ...API,
        BATCHML_CONTENT_TYPE: 'text/csv',
        BATCHML_BATCH_STRATEGY: 'SingleRecord',
        BATCHML_MAX_PAYLOAD_MB: '10',
        BATCHML_MAX_CONCURRENT_TRANSFORMS: '8',
        BATCHML_INSTANCE_TYPE: 'ml.g5.xlarge',
        BATCHML_INSTANCE_COUNT: '3',
        BATCHML_MAX_TRANSFORM_JOBS: '5',
        BATCHML_BATCH_SIZE: '100',
        BATCHML_BATCH_WINDOW_SECONDS: '60',
        BATCHML_MAX_WAIT_HOURS: '48',
        BATCHML_MAX_TRANSFORM_HOURS: '2.5',
        BATCHML_INVOCATIONS_TIMEOUT_SECONDS: '30',
        BATCHML_INVOCATIONS_MAX_RETRIES: '1',
        BATCHML_ISOLATION_BUDGET: '0',
      },
      true,
    );
    expect(pin?.settings).toEqual({
      contentType: 'text/csv',
      batchStrategy: 'SingleRecord',
      maxPayloadMb: 10,
      maxConcurrentTransforms: 8,
      instanceType: 'ml.g5.xlarge',
      instanceCount: 3,
      maxTransformJobs: 5,
      batchSize: 100,
      batchWindowSeconds: 60,
      maxWaitHours: 48,
      maxTransformHours: 2.5,
      invocationsTimeoutSeconds: 30,
      invocationsMaxRetries: 1,
      isolationBudget: 0,
    });
  });

  it('sends one record a request where a request is one JSON text', () => {
    const env = { ...API, BATCHML_CONTENT_TYPE: 'application/json', BATCHML_BATCH_STRATEGY: 'MultiRecord' };
    expect(readConfig(env, true).pin?.settings.batchStrategy).toBe('SingleRecord');
  });

  it('lets jobs wait for the schedule before their waiting counts', () => {
    const env = { ...API, BATCHML_TRIGGER: 'schedule', BATCHML_SCHEDULE_RATE: 'day' };
    const config = readConfig(env, true);
    expect(config.trigger).toEqual({ schedule: 'day' });
    expect(config.pin?.settings.maxWaitHours).toBe(48);
    const unscheduled = readConfig({ ...env, BATCHML_TRIGGER: 's3' }, true);
    expect(unscheduled.trigger).toBe('s3');
    expect(unscheduled.pin?.settings.maxWaitHours).toBe(24);
  });

  it('names a stream, or none', () => {
    const { BATCHML_STREAM, ...without } = COMMON;
    expect(readConfig(COMMON).stream).toBe(BATCHML_STREAM);
    expect(readConfig(without).stream).toBeUndefined();
    expect(readConfig({ ...COMMON, BATCHML_STREAM: '' }).stream).toBeUndefined();
  });

  it('takes empty variables for absent ones', () => {
    const config = readConfig({ ...API, BATCHML_INSTANCE_TYPE: '', BATCHML_LOG_LEVEL: '' }, true);
    expect(config.pin?.settings.instanceType).toBe(DEFAULT_SETTINGS.instanceType);
    expect(config.logLevel).toBe('INFO');
    expect(readConfig({ ...COMMON, BATCHML_LOG_LEVEL: 'debug' }).logLevel).toBe('DEBUG');
  });

  it('says all that is wrong at once', () => {
    const message = refusal({
      BATCHML_STACK: 'mine',
      BATCHML_BUCKET: 'bucket',
      BATCHML_STREAM: 'stream',
      BATCHML_GATHER_QUEUE: 'gather',
      BATCHML_START_QUEUE: queue('start'),
      BATCHML_RESULTS_QUEUE: queue('results'),
      BATCHML_SETTLE_QUEUE: queue('settle'),
      BATCHML_NAME_PREFIX: 'batchml_1',
      BATCHML_RETENTION_DAYS: '0',
      BATCHML_TRIGGER: 'never',
      BATCHML_BATCH_SIZE: 'many',
      BATCHML_CONTENT_TYPE: 'auto',
    });
    for (const part of [
      'BATCHML_TABLE must be set',
      'BATCHML_GATHER_QUEUE must be the URL of a queue',
      'BATCHML_NAME_PREFIX must be at most 30 letters, digits and inner hyphens',
      'BATCHML_RETENTION_DAYS must be 1 or more',
      'BATCHML_TRIGGER must be one of s3, schedule',
      'BATCHML_MODEL must be set',
      'BATCHML_BATCH_SIZE must be a number',
      'BATCHML_CONTENT_TYPE must be one of application/jsonlines, application/json, text/csv',
    ])
      expect(message).toContain(part);
  });

  it.each([
    [{ BATCHML_TRIGGER: 'schedule' }, 'BATCHML_SCHEDULE_RATE must be set with the trigger schedule'],
    [
      { BATCHML_MAX_PAYLOAD_MB: '26', BATCHML_MAX_CONCURRENT_TRANSFORMS: '4' },
      'BATCHML_MAX_CONCURRENT_TRANSFORMS times BATCHML_MAX_PAYLOAD_MB (6 when 0) must be 100 or less',
    ],
    [{ BATCHML_MAX_CONCURRENT_TRANSFORMS: '17' }, 'must be 100 or less'],
    [{ BATCHML_BATCH_WINDOW_SECONDS: '301' }, 'BATCHML_BATCH_WINDOW_SECONDS must be 300 or less'],
    [{ BATCHML_INSTANCE_COUNT: '1.5' }, 'BATCHML_INSTANCE_COUNT must be a whole number'],
    [{ BATCHML_LOG_LEVEL: 'loud' }, 'BATCHML_LOG_LEVEL must be one of DEBUG, INFO, WARN, ERROR'],
  ])('refuses %o', (more, message) => {
    expect(refusal({ ...API, ...more })).toContain(message);
  });

  it('is frozen, all through', () => {
    const config = readConfig(API, true);
    for (const part of [config, config.queues, config.pin, config.pin?.settings])
      expect(Object.isFrozen(part)).toBe(true);
  });
});
