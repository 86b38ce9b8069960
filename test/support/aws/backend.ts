/** The ledger on DynamoDB and objects on S3, as tests open them: over fakes, or over other clients. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { s3Blobs } from '../../../backend/aws/blobs.ts';
import { DynamoStore } from '../../../backend/aws/dynamo/store.ts';
import { AWS_LIMITS } from '../../../backend/aws/limits.ts';
import { s3Objects } from '../../../backend/aws/s3-objects.ts';
import { createLedger, type StoreLedger } from '../../../backend/ledger/index.ts';
import type { Clock } from '../../../backend/ports/clock.ts';
import type { Objects } from '../../../backend/ports/objects.ts';
import type { OpenBackend } from '../backends.ts';
import { FakeDynamo } from './fake-dynamo.ts';
import { FakeS3 } from './fake-s3.ts';
import { createTable } from './tables.ts';

export interface AwsClients {
  readonly dynamo: Pick<DynamoDBClient, 'send'>;
  readonly s3: Pick<S3Client, 'send'>;
}

/** Over a table and a bucket that exist. It waits for nothing between its tries. */
export function awsPorts(
  { dynamo: client, s3 }: AwsClients,
  clock: Pick<Clock, 'now'>,
  { table = 'jobs', bucket = 'bucket' } = {},
): { ledger: StoreLedger; objects: Objects } {
  const blobs = s3Blobs(s3, bucket);
  const pause = async () => undefined;
  return {
    ledger: createLedger({
      store: new DynamoStore({ client, name: table, pause }),
      blobs,
      ...AWS_LIMITS,
      clock,
      retentionDays: 30,
    }),
    objects: s3Objects(blobs),
  };
}

/** Over fakes of its own. */
export const awsBackend: OpenBackend = async (clock) => {
  const [dynamo, s3] = [new FakeDynamo(), new FakeS3()];
  await createTable(dynamo.client, 'jobs');
  await s3.client.send(new CreateBucketCommand({ Bucket: 'bucket' }));
  return { ...awsPorts({ dynamo: dynamo.client, s3: s3.client }, clock), close: () => undefined };
};
