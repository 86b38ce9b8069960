/** The bucket: chunks as they came, batches' objects, manifests, and what the model wrote. */
import { Aws, type Stack } from 'aws-cdk-lib';
import { CfnBucket, CfnBucketPolicy } from 'aws-cdk-lib/aws-s3';
import type { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import type { Choices } from './conditions.ts';
import { BUCKET_NAME } from './names.ts';
import type { Parameters } from './parameters.ts';
import { allow, denyPlainHttp, policy, when } from './policy.ts';
import { keep } from './storage.ts';

/** All that is written goes below one of these. */
const PREFIXES = ['chunks/', 'data/', 'manifest/', 'result/'] as const;
/** The ledger puts results that stand nowhere else below the last. */
export type Prefix = (typeof PREFIXES)[number] | 'result/large/';

/** For what must exist before the bucket and so can't refer to it. */
export const BUCKET_ARN = `arn:${Aws.PARTITION}:s3:::${BUCKET_NAME}`;

/** The objects below a prefix. */
export const objectsArn = (bucket: CfnBucket, prefix: Prefix) => `${bucket.attrArn}/${prefix}*`;

/**
 * @param results hears of every output object. Its policy must let the bucket send, or S3 refuses the notification: the
 *   caller makes the bucket depend on it.
 */
export function addBucket(stack: Stack, { objectDays }: Choices, results: CfnQueue): CfnBucket {
  const days = objectDays as unknown as number;
  const bucket = new CfnBucket(stack, 'Bucket', {
    bucketName: BUCKET_NAME,
    // S3's own keys: the model's role needs no permission for them, as it would for a KMS key.
    bucketEncryption: {
      serverSideEncryptionConfiguration: [{ serverSideEncryptionByDefault: { sseAlgorithm: 'AES256' } }],
    },
    ownershipControls: { rules: [{ objectOwnership: 'BucketOwnerEnforced' }] },
    publicAccessBlockConfiguration: {
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
    lifecycleConfiguration: {
      rules: [
        // A transform job that dies leaves its uploads unfinished.
        {
          id: 'unfinished',
          status: 'Enabled',
          abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
        },
        ...PREFIXES.map((prefix) => ({
          id: prefix.replace('/', ''),
          status: 'Enabled',
          prefix,
          expirationInDays: days,
        })),
      ],
    },
    notificationConfiguration: {
      queueConfigurations: [
        {
          event: 's3:ObjectCreated:*',
          queue: results.attrArn,
          filter: {
            s3Key: {
              rules: [
                { name: 'prefix', value: 'result/' },
                { name: 'suffix', value: '.out' },
              ],
            },
          },
        },
      ],
    },
  });
  keep(bucket);
  return bucket;
}

/** TLS only; and what a transform job does under the model's role, where that is given. */
export function addBucketPolicy(
  stack: Stack,
  bucket: CfnBucket,
  parameters: Parameters,
  { modelRole }: Choices,
): void {
  const AWS = parameters.ModelRoleArn.valueAsString;
  const below = (...prefixes: Prefix[]) => prefixes.map((prefix) => objectsArn(bucket, prefix));
  const grants = [
    allow('ModelLists', ['s3:GetBucketLocation', 's3:ListBucket'], [bucket.attrArn]),
    allow('ModelReads', ['s3:GetObject'], below('data/', 'manifest/')),
    allow(
      'ModelWrites',
      ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts', 's3:PutObject'],
      below('result/'),
    ),
  ].map((statement) => when(modelRole, { ...statement, Principal: { AWS } }));
  const made = new CfnBucketPolicy(stack, 'BucketPolicy', {
    bucket: bucket.ref,
    policyDocument: policy([denyPlainHttp('s3:*', [bucket.attrArn, `${bucket.attrArn}/*`]), ...grants]),
  });
  keep(made);
}
