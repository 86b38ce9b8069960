import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { s3Blobs } from '../../../backend/aws/blobs.ts';
import { createClients } from '../../../backend/aws/clients.ts';
import { s3Objects } from '../../../backend/aws/s3-objects.ts';
import { objectsContract } from '../../contract/objects.contract.ts';
import { FakeS3 } from '../../support/aws/fake-s3.ts';
import { describeMoto, motoConfig } from '../../support/aws/moto.ts';

describeMoto('S3 on a moto server', (endpoint) => {
  let buckets = 0;
  objectsContract('S3', async () => {
    // Its S3 answers 500 to a read that meets a write, now and then.
    const { s3 } = createClients({ ...motoConfig(endpoint()), maxAttempts: 8 });
    const bucket = `objects-${buckets++}`;
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    return { objects: s3Objects(s3Blobs(s3, bucket)), close: async () => undefined };
  });
});

objectsContract('S3 in this process', async () => {
  const s3 = new FakeS3();
  await s3.client.send(new CreateBucketCommand({ Bucket: 'bucket' }));
  return { objects: s3Objects(s3Blobs(s3.client, 'bucket')), close: async () => undefined };
});

it('removes objects by the thousand', async () => {
  const s3 = new FakeS3();
  const objects = s3Objects(s3Blobs(s3.client, 'bucket'));
  const batches = Array.from({ length: 1001 }, (_, i) => `b-${i}`);
  for (const batch of batches) s3.put('bucket', `data/${batch}.jsonl`, '');
  await objects.removeBatches(batches);
  expect(s3.keys('bucket')).toEqual([]);
  expect(s3.meter.calls['DeleteObjects']).toBe(2);
});

it('says so when objects were not removed', async () => {
  const send = async () => ({ Errors: [{ Key: 'data/b.jsonl', Message: 'Access Denied' }] });
  const objects = s3Objects(s3Blobs({ send } as never, 'bucket'));
  await expect(objects.removeBatches(['b'])).rejects.toThrow('data/b.jsonl: Access Denied');
});
