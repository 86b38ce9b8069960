/** The ledger over a store and objects on S3 with the limits of the cloud, as tests open them. */
import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { s3Blobs } from '../../../backend/aws/blobs.ts';
import { AWS_LIMITS } from '../../../backend/aws/limits.ts';
import { s3Objects } from '../../../backend/aws/s3-objects.ts';
import { createLedger, type StoreLedger } from '../../../backend/ledger/index.ts';
import type { Clock } from '../../../backend/ports/clock.ts';
import type { Objects } from '../../../backend/ports/objects.ts';
import type { Store } from '../../../backend/ports/store.ts';
import type { OpenBackend } from '../backends.ts';
import { FakeS3 } from './fake-s3.ts';
import { MemoryStore } from './memory-store.ts';

/** Over a bucket that exists. */
export function awsPorts(
  store: Store,
  s3: Pick<S3Client, 'send'>,
  clock: Pick<Clock, 'now'>,
  bucket = 'bucket',
): { ledger: StoreLedger; objects: Objects } {
  const blobs = s3Blobs(s3, bucket);
  return {
    ledger: createLedger({ store, blobs, ...AWS_LIMITS, clock, retentionDays: 30 }),
    objects: s3Objects(blobs),
  };
}

/** Over a store in memory and an S3 of its own. */
export const awsBackend: OpenBackend = async (clock) => {
  const s3 = new FakeS3();
  await s3.client.send(new CreateBucketCommand({ Bucket: 'bucket' }));
  return { ...awsPorts(new MemoryStore(), s3.client, clock), close: () => undefined };
};
