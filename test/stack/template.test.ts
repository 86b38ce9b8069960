import { describe, expect, it } from 'vitest';
import { templateOf } from '../../backend/stack/synth.ts';
import { nodes, ofType, TEMPLATE, TEXT, ZIPS } from './template.ts';

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

  it('has no unconditional reference to a conditional resource', () => {
    const conditional = Object.entries(TEMPLATE.Resources).filter(([, { Condition }]) => Condition);
    expect(conditional.map(([id]) => id)).toEqual(['NoticeSubscription']);
    const ids = new Set(conditional.map(([id]) => id));
    for (const node of nodes({ resources: TEMPLATE.Resources, outputs: TEMPLATE.Outputs })) {
      const referred = node.Ref ?? node['Fn::GetAtt']?.[0];
      if (typeof referred === 'string') expect(ids).not.toContain(referred);
      for (const other of node.DependsOn ?? []) expect(ids).not.toContain(other);
    }
  });

  it('has the five outputs of the AWS sample', () => {
    expect(Object.keys(TEMPLATE.Outputs)).toEqual([
      'ApiEndpoint',
      'ApiKeyId',
      'JobTableName',
      'JobStreamName',
      'S3BucketName',
    ]);
  });
});
