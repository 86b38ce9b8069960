import { describe, expect, it } from 'vitest';
import { SCHEMA_VERSION } from '../../backend/core/schema-version.ts';
import { templateOf } from '../../backend/stack/synth.ts';
import { instantiate } from './instantiate.ts';
import { ofType, TEMPLATE, TEXT, ZIPS } from './template.ts';

describe('the template', () => {
  it('is the same each time, fits an upload, and needs no bootstrapped account', () => {
    expect(templateOf({ handlers: ZIPS })).toBe(TEXT);
    expect(Buffer.byteLength(TEXT)).toBeLessThan(200_000);
    expect(Object.keys(TEMPLATE.Parameters).filter((name) => /bootstrap|assetparam/i.test(name))).toEqual([]);
    expect(Object.keys(TEMPLATE.Rules)).toEqual(['RetentionOutlivesMonth', 'RetentionOutlivesYear']);
    expect(TEXT).not.toMatch(/cdk|aws:asset|Custom::|AWS::CloudFormation::CustomResource/i);
    expect(Object.values(TEMPLATE.Resources).filter(({ Metadata }) => Metadata !== undefined)).toEqual([]);
  });

  it('changes the names of code only when the code has changed', () => {
    const changed = templateOf({ handlers: { ...ZIPS, api: 'api-fedcba9876543210.zip' } });
    expect(changed.replace('api-fedcba9876543210.zip', ZIPS.api)).toBe(TEXT);
  });

  it('keeps the logical IDs of what may not be replaced unasked', () => {
    const stateful = [
      'AWS::ApiGateway::ApiKey',
      'AWS::ApiGateway::RestApi',
      'AWS::ApiGateway::Stage',
      'AWS::ApiGateway::UsagePlan',
      'AWS::DynamoDB::Table',
      'AWS::Kinesis::Stream',
      'AWS::Logs::LogGroup',
      'AWS::S3::Bucket',
      'AWS::SNS::Topic',
      'AWS::SQS::Queue',
    ];
    expect(stateful.flatMap((type) => ofType(type).map(([id]) => id))).toEqual([
      'ApiKey',
      'RestApi',
      'Stage',
      'UsagePlan',
      'Table',
      'Stream',
      'ApiLogs',
      'GatherLogs',
      'StartLogs',
      'FileResultsLogs',
      'SettleLogs',
      'ReconcileLogs',
      'ApiAccessLogs',
      'Bucket',
      'NoticeTopic',
      'GatherDeadLetters',
      'GatherQueue',
      'StartDeadLetters',
      'StartQueue',
      'ResultsDeadLetters',
      'ResultsQueue',
      'SettleDeadLetters',
      'SettleQueue',
      'StreamDeadLetters',
    ]);
  });

  it('gives logical IDs that do not depend on the CDK, but for the deployment, which is a snapshot', () => {
    const hashed = Object.keys(TEMPLATE.Resources).filter((id) => /[0-9A-Fa-f]{8}$/.test(id));
    expect(hashed).toEqual([expect.stringMatching(/^Deployment[0-9a-f]{8}$/)]);
  });

  it('never refers to a resource that is not there', () => {
    const conditional = Object.entries(TEMPLATE.Resources).filter(([, { Condition }]) => Condition);
    expect(conditional.map(([id, { Condition }]) => [id, Condition])).toEqual([
      ['Stream', 'HasStream'],
      ['StreamToGather', 'HasStream'],
      ['NoticeSubscription', 'HasNoticeEmail'],
      ['StreamDeadLettersAlarm', 'HasStream'],
      ['IteratorAgeAlarm', 'HasStream'],
    ]);
    for (const JobStreamShardCount of ['0', '1', '-1'])
      for (const NoticeEmail of ['', 'me@example.org']) instantiate({ JobStreamShardCount, NoticeEmail });
  });

  it('has the five outputs of the AWS sample and the schema version; without a stream its name is empty', () => {
    const outputs = (given: Record<string, string> = {}) =>
      Object.entries(instantiate(given).Outputs).map(([name, { Value }]) => [name, Value]);
    const sample = ['ApiEndpoint', 'ApiKeyId', 'JobTableName', 'JobStreamName', 'S3BucketName'];
    expect(outputs().map(([name]) => name)).toEqual([...sample, 'SchemaVersion']);
    expect(outputs()).toContainEqual(['SchemaVersion', String(SCHEMA_VERSION)]);
    expect(outputs()).toContainEqual(['JobStreamName', '']);
    expect(outputs({ JobStreamShardCount: '1' })).toContainEqual(['JobStreamName', '<Stream>']);
    expect(Object.values(TEMPLATE.Outputs).filter(({ Export }) => Export)).toEqual([]);
  });
});
