import { describe, expect, it } from 'vitest';
import { OPEN_INDEX_ATTRIBUTES } from '../../backend/core/open-index.ts';
import { instantiate } from './instantiate.ts';
import { type Any, ofType, TEMPLATE } from './template.ts';

const { Table, Bucket, Stream } = TEMPLATE.Resources;
const bucketStatements = (given: Record<string, string> = {}) =>
  instantiate(given).of('BucketPolicy').PolicyDocument.Statement as Any[];

describe('the table', () => {
  it('is on demand, encrypted, recoverable, expires rows, and has the index of open work', () => {
    expect(Table?.Properties).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      SSESpecification: { SSEEnabled: true },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'open',
          KeySchema: [
            { AttributeName: 'openKey', KeyType: 'HASH' },
            { AttributeName: 'openAt', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'INCLUDE' },
        },
      ],
    });
    // DynamoDB takes at most 100 of them for all indexes of a table.
    expect(Table?.Properties.GlobalSecondaryIndexes[0].Projection.NonKeyAttributes).toEqual([
      ...OPEN_INDEX_ATTRIBUTES,
    ]);
  });
});

describe('what is kept', () => {
  it('stays when the stack goes, but not when its creation fails', () => {
    const kept = Object.entries(TEMPLATE.Resources).filter(([, { DeletionPolicy }]) => DeletionPolicy);
    expect(kept.map(([id]) => id)).toEqual(['Bucket', 'BucketPolicy', 'Table']);
    for (const [, resource] of kept)
      expect(resource).toMatchObject({
        DeletionPolicy: 'RetainExceptOnCreate',
        UpdateReplacePolicy: 'Retain',
      });
  });
});

describe('the stream', () => {
  const stream = (JobStreamShardCount: string) => instantiate({ JobStreamShardCount }).of('Stream');

  it('is not there unless it is asked for, nor is anything that hears it or is let near it', () => {
    expect(() => stream('0')).toThrow('there is no Stream');
    for (const text of [
      JSON.stringify(instantiate()),
      JSON.stringify(instantiate({ JobStreamShardCount: '0' })),
    ])
      expect(text).not.toMatch(/kinesis:|<Stream[>.]|IteratorAge/);
  });

  it('has as many shards as asked, and is on demand for -1', () => {
    expect(stream('3')).toMatchObject({ ShardCount: '3', StreamModeDetails: { StreamMode: 'PROVISIONED' } });
    expect(stream('-1').StreamModeDetails).toEqual({ StreamMode: 'ON_DEMAND' });
    expect(stream('-1')).not.toHaveProperty('ShardCount');
    expect(Stream?.Properties.StreamEncryption).toEqual({
      EncryptionType: 'KMS',
      KeyId: 'alias/aws/kinesis',
    });
  });
});

describe('the bucket', () => {
  it('has a name that S3 takes, and that roles with AmazonSageMakerFullAccess may use', () => {
    const { BucketName } = instantiate().of('Bucket');
    expect(BucketName).toBe('batchml-sagemaker-5f0c3a1e-123456789012-eu-west-1');
    // S3 takes 63 characters: the longest name of a Region may have 23.
    expect(BucketName.length - 'eu-west-1'.length).toBeLessThanOrEqual(63 - 23);
  });

  it('is private and encrypted, and takes nothing without TLS', () => {
    expect(Bucket?.Properties).toMatchObject({
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
    });
    expect(bucketStatements()).toEqual([
      {
        Sid: 'TlsOnly',
        Effect: 'Deny',
        Principal: '*',
        Action: ['s3:*'],
        Resource: ['<Bucket.Arn>', '<Bucket.Arn>/*'],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ]);
  });

  it("lets the model's role in where it is given, and only to its places", () => {
    const ModelRoleArn = 'arn:aws:iam::123456789012:role/model';
    const statements = bucketStatements({ ModelRoleArn }).slice(1);
    expect(statements.map(({ Action, Resource }) => [Action, Resource])).toEqual([
      [['s3:GetBucketLocation', 's3:ListBucket'], ['<Bucket.Arn>']],
      [['s3:GetObject'], ['<Bucket.Arn>/data/*', '<Bucket.Arn>/manifest/*']],
      [['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts', 's3:PutObject'], ['<Bucket.Arn>/result/*']],
    ]);
    for (const { Principal } of statements) expect(Principal).toEqual({ AWS: ModelRoleArn });
  });

  it('forgets objects after the rows that speak of them, and unfinished uploads after a day', () => {
    const { Rules } = instantiate({ RetentionDays: '30' }).of('Bucket').LifecycleConfiguration as Any;
    expect(Rules[0]).toMatchObject({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } });
    const expiring = Rules.slice(1).map(({ Prefix, ExpirationInDays }: Any) => [Prefix, ExpirationInDays]);
    expect(expiring).toEqual([
      ['chunks/', 44],
      ['data/', 44],
      ['manifest/', 44],
      ['result/', 44],
    ]);
  });

  it('tells the results queue of outputs and nothing else, once it may', () => {
    expect(Bucket?.Properties.NotificationConfiguration).toEqual({
      QueueConfigurations: [
        {
          Event: 's3:ObjectCreated:*',
          Queue: { 'Fn::GetAtt': ['ResultsQueue', 'Arn'] },
          Filter: {
            S3Key: {
              Rules: [
                { Name: 'prefix', Value: 'result/' },
                { Name: 'suffix', Value: '.out' },
              ],
            },
          },
        },
      ],
    });
    expect(Bucket?.DependsOn).toEqual(['ResultsQueuePolicy']);
  });
});

describe('logs', () => {
  it('are kept as long as jobs are', () => {
    const groups = ofType('AWS::Logs::LogGroup');
    expect(groups).toHaveLength(7);
    for (const [, { Properties }] of groups)
      expect(Properties.RetentionInDays).toEqual({ Ref: 'RetentionDays' });
  });
});
