/**
 * What a stack costs while nothing comes, counted from the template and from ten idle minutes of its functions over the
 * services of the tests, at AWS's published on-demand prices without any free tier.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { Cloud, MINUTE } from '../support/aws/cloud.ts';
import { doubling } from '../support/memory-pipeline.ts';
import { instantiate } from './instantiate.ts';
import type { Any } from './template.ts';

/**
 * Dollars, us-east-1, as published in November 2026 (Amazon CloudWatch, Amazon SQS, AWS Lambda, Amazon DynamoDB and Amazon
 * Kinesis Data Streams, pricing pages). Each metric that an alarm looks at is charged as an alarm, also within metric math; a
 * composite alarm more than that: neither is a way to save.
 */
const PRICES = {
  alarmMetric: 0.1,
  compositeAlarm: 0.5,
  dashboard: 3,
  customMetric: 0.3,
  logGB: 0.5,
  sqsRequestMillion: 0.4,
  lambdaRequestMillion: 0.2,
  lambdaGBSecond: 0.0000133334,
  dynamoReadMillion: 0.125,
  shardHour: 0.015,
  onDemandStreamHour: 0.04,
} as const;

const MONTH_HOURS = 730;
const MONTH_MINUTES = MONTH_HOURS * 60;
/** Lambda polls a standard queue by five connections that wait up to 20 s each (Lambda guide, Amazon SQS event sources). */
const POLLS_A_MINUTE = 5 * 3;
/** Assumed of an invocation: its own work and each call, one after the other, in ms; what it logs, with Lambda's own lines. */
const INVOCATION_MS = 20;
const CALL_MS = 5;
const LOG_BYTES = 2048;

/** What of the stack is free while it is not used. Another type must be looked at before it is listed here or counted below. */
const FREE_WHEN_IDLE = [
  /^AWS::ApiGateway::/,
  /^AWS::DynamoDB::Table$/,
  /^AWS::Events::Rule$/,
  /^AWS::IAM::Role$/,
  /^AWS::Lambda::(EventInvokeConfig|Function|Permission)$/,
  /^AWS::Logs::LogGroup$/,
  /^AWS::S3::Bucket(Policy)?$/,
  /^AWS::SNS::/,
  /^AWS::SQS::Queue(Policy)?$/,
];
const COUNTED = [
  'AWS::CloudWatch::Alarm',
  'AWS::CloudWatch::CompositeAlarm',
  'AWS::CloudWatch::Dashboard',
  'AWS::Kinesis::Stream',
  'AWS::Lambda::EventSourceMapping',
];

const MINUTES = 10;
/** Of one minute. */
let idle: { calls: number; reads: number; metrics: readonly string[] };
beforeAll(async () => {
  const cloud = await Cloud.open(doubling(), { env: { BATCHML_STREAM: '' } });
  await cloud.settle(MINUTE - 1);
  cloud.forget();
  await cloud.settle(MINUTES * MINUTE);
  // Nobody else has work while nothing comes.
  expect([...cloud.invoked]).toEqual([['reconcile', MINUTES]]);
  const reads = Object.values(cloud.table.meter.reads).reduce((sum, n) => sum + n, 0);
  expect(cloud.table.meter.writes).toEqual({});
  idle = {
    calls: cloud.invocations.calls.length / MINUTES,
    reads: reads / MINUTES,
    metrics: Object.keys(cloud.told.measured),
  };
});

/** Dollars a month. */
function monthly(JobStreamShardCount: string): Record<string, number> {
  const { Resources, of } = instantiate({ JobStreamShardCount });
  const all = Object.values(Resources);
  const properties = (type: string): Any[] =>
    all.filter(({ Type }) => Type === type).map(({ Properties }) => Properties);
  const metricsOf = ({ Metrics }: Any) => Metrics?.filter(({ MetricStat }: Any) => MetricStat).length ?? 1;
  const alarmed = properties('AWS::CloudWatch::Alarm').reduce((sum, alarm) => sum + metricsOf(alarm), 0);
  const minutely = properties('AWS::Events::Rule').filter(
    ({ State, ScheduleExpression }) => State === 'ENABLED' && ScheduleExpression !== undefined,
  );
  expect(minutely.map(({ ScheduleExpression }) => ScheduleExpression)).toEqual(['rate(1 minute)']);
  const seconds = (INVOCATION_MS + idle.calls * CALL_MS) / 1000;
  const gb = of('ReconcileFunction').MemorySize / 1024;
  const polled = properties('AWS::Lambda::EventSourceMapping').filter(({ EventSourceArn }) =>
    EventSourceArn.includes('Queue'),
  );
  const shards = properties('AWS::Kinesis::Stream').map(({ ShardCount, StreamModeDetails }) =>
    StreamModeDetails.StreamMode === 'ON_DEMAND' ? PRICES.onDemandStreamHour : ShardCount * PRICES.shardHour,
  );
  const millions = (n: number) => (n * MONTH_MINUTES) / 1e6;
  return {
    alarms:
      alarmed * PRICES.alarmMetric +
      properties('AWS::CloudWatch::CompositeAlarm').length * PRICES.compositeAlarm,
    dashboard: properties('AWS::CloudWatch::Dashboard').length * PRICES.dashboard,
    metrics: idle.metrics.length * PRICES.customMetric,
    polls: millions(polled.length * POLLS_A_MINUTE) * PRICES.sqsRequestMillion,
    reconcile:
      millions(1) * PRICES.lambdaRequestMillion +
      MONTH_MINUTES * seconds * gb * PRICES.lambdaGBSecond +
      millions(idle.reads) * PRICES.dynamoReadMillion,
    logs: ((MONTH_MINUTES * LOG_BYTES) / 1e9) * PRICES.logGB,
    stream: MONTH_HOURS * shards.reduce((sum, price) => sum + price, 0),
  };
}

const total = (parts: Record<string, number>) => Object.values(parts).reduce((sum, n) => sum + n, 0);

describe('an idle stack', () => {
  it('has nothing in it whose price nobody has looked at', () => {
    const types = [
      ...new Set(Object.values(instantiate({ JobStreamShardCount: '1' }).Resources).map(({ Type }) => Type)),
    ];
    const known = (type: string) =>
      COUNTED.includes(type) || FREE_WHEN_IDLE.some((pattern) => pattern.test(type));
    expect(types.filter((type) => !known(type))).toEqual([]);
  });

  it('publishes the one metric that says that nothing waits', () => {
    expect(idle.metrics).toEqual(['OldestWaitingJobSeconds']);
  });

  it('costs less than 6 dollars a month, alarms and dashboard included', () => {
    const parts = monthly('0');
    const shown = Object.entries({ ...parts, total: total(parts) }).map(([name, n]) => [name, n.toFixed(2)]);
    process.stdout.write(`idle, dollars a month: ${JSON.stringify(Object.fromEntries(shown))}\n`);
    expect(parts['stream']).toBe(0);
    expect(total(parts)).toBeLessThan(6);
  });

  it.each([
    ['1', 11],
    ['-1', 29],
  ])('with JobStreamShardCount %s costs %i dollars more, and two alarms', (shards, dollars) => {
    const more = total(monthly(shards)) - total(monthly('0'));
    expect(Math.round(more - 2 * PRICES.alarmMetric)).toBe(dollars);
  });
});
