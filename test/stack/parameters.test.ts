import { describe, expect, it } from 'vitest';
import { SCHEDULE_RATES } from '../../backend/core/schedule.ts';
import { instantiate } from './instantiate.ts';
import { type Any, TEMPLATE } from './template.ts';

const { Parameters } = TEMPLATE;

/** What CloudFormation would take for a parameter. */
function takes(name: string, value: string): boolean {
  const { AllowedPattern, AllowedValues, MinValue, MaxValue } = Parameters[name];
  if (AllowedValues) return (AllowedValues as Any[]).map(String).includes(value);
  if (AllowedPattern) return new RegExp(`^(?:${AllowedPattern})$`).test(value);
  return Number(value) >= (MinValue ?? -Infinity) && Number(value) <= (MaxValue ?? Infinity);
}

describe('parameters', () => {
  it("are the AWS sample's six and batchml's own", () => {
    expect(Object.keys(Parameters)).toEqual([
      'ModelName',
      'ModelRoleArn',
      'ContentType',
      'BatchStrategy',
      'MaxPayloadMB',
      'MaxConcurrentTransforms',
      'InvocationsTimeoutSeconds',
      'InvocationsMaxRetries',
      'TriggerType',
      'ScheduleRate',
      'KinesisBatchSize',
      'KinesisMaximumBatchingWindowInSeconds',
      'JobStreamShardCount',
      'InstanceType',
      'InstanceCount',
      'MaxTransformJobs',
      'MaxWaitHours',
      'MaxTransformHours',
      'ApiThrottleRate',
      'ApiThrottleBurst',
      'ApiDailyQuota',
      'ApiLogging',
      'RetentionDays',
      'LogLevel',
      'TracingMode',
      'NoticeEmail',
      'AssetsBucket',
      'AssetsPrefix',
    ]);
    const needed = Object.entries(Parameters).filter(([, { Default }]) => Default === undefined);
    expect(needed.map(([name]) => name)).toEqual(['ModelName', 'AssetsBucket']);
  });

  it('are described, bounded, and shown in groups, each once', () => {
    const grouped = TEMPLATE.Metadata['AWS::CloudFormation::Interface'].ParameterGroups.flatMap(
      (group: Any) => group.Parameters,
    );
    expect([...grouped].sort()).toEqual(Object.keys(Parameters).sort());
    for (const [name, { Type, Description, Default, MinValue, MaxValue, AllowedValues }] of Object.entries(
      Parameters,
    )) {
      expect(Description, name).toMatch(/\w/);
      if (Type === 'Number') expect(AllowedValues ?? [MinValue, MaxValue], name).not.toContain(undefined);
      if (Default !== undefined) expect(takes(name, String(Default)), name).toBe(true);
    }
  });

  it.each([
    ['ModelName', ['m', 'my-model-2'], ['', '-m', 'arn:aws:sagemaker:eu-west-1:123456789012:model/m', 'a b']],
    ['InstanceType', ['ml.m5.large', 'ml.p4d.24xlarge', 'ml.inf2.xlarge'], ['m5.large', 'ml.m5', '']],
    ['JobStreamShardCount', ['-1', '0', '1', '500'], ['-2', '501']],
    ['TriggerType', ['s3', 'schedule'], ['S3', '']],
    ['ScheduleRate', SCHEDULE_RATES, ['week']],
    ['KinesisBatchSize', ['1', '10000'], ['0', '10001']],
    ['KinesisMaximumBatchingWindowInSeconds', ['0', '300'], ['301']],
    ['ContentType', ['application/jsonlines', 'application/json', 'text/csv'], ['auto']],
    ['BatchStrategy', ['MultiRecord', 'SingleRecord'], ['auto']],
    ['RetentionDays', ['7', '30', '731'], ['1', '31']],
    ['NoticeEmail', ['', 'a@b.example'], ['a', 'a@b', 'a b@c.example']],
    ['ModelRoleArn', ['', 'arn:aws:iam::123456789012:role/service-role/r'], ['r', 'arn:aws:iam::1:role/r']],
  ])('%s is checked', (name, good, bad) => {
    for (const value of good) expect(takes(name, value), value).toBe(true);
    for (const value of bad) expect(takes(name, value), value).toBe(false);
  });

  it('refuses to keep what waits for less than its period', () => {
    const refusals = (ScheduleRate: string, RetentionDays: string, TriggerType = 'schedule') =>
      instantiate({ TriggerType, ScheduleRate, RetentionDays }).refusals;
    expect(refusals('month', '30')).toEqual(['With ScheduleRate month RetentionDays must be 60 or more']);
    expect(refusals('year', '365')).toEqual(['With ScheduleRate year RetentionDays must be 400 or more']);
    expect(refusals('year', '365', 's3')).toEqual([]);
    expect(refusals('month', '60')).toEqual([]);
    expect(refusals('year', '400')).toEqual([]);
    expect(refusals('day', '7')).toEqual([]);
  });
});
