/** The contracts of the store and of the objects over DynamoDB and S3, as a moto server has them; and a ledger over both. */
import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe } from 'vitest';
import { s3Blobs } from '../../backend/aws/blobs.ts';
import { DynamoStore } from '../../backend/aws/dynamo/store.ts';
import { s3Objects } from '../../backend/aws/s3-objects.ts';
import { below, type Condition, equal } from '../../backend/core/items.ts';
import type { Ledger } from '../../backend/ports/ledger.ts';
import { awsPorts } from '../support/aws/backend.ts';
import { describeMoto, motoConfig, oneAtATime } from '../support/aws/moto.ts';
import { createTable } from '../support/aws/tables.ts';
import { startContract } from './ledger-start.ts';
import { T0 } from './ledger-steps.ts';
import { objectsContract } from './objects.contract.ts';
import { storeContract } from './store.contract.ts';

const clock = { now: () => T0 };

describeMoto('moto', (endpoint) => {
  const config = () => motoConfig(endpoint());
  /** Its transactions are not apart from what its other threads do. */
  const openStore = async () => {
    const name = `t-${randomUUID()}`;
    const client = new DynamoDBClient(config());
    await createTable(client, name);
    const store = new DynamoStore({ client: oneAtATime(client), name, pause: async () => undefined });
    return { store, close: async () => client.destroy() };
  };
  const openBucket = async () => {
    // Its server drops connections when an object is read while it is written.
    const s3 = new S3Client({ ...config(), forcePathStyle: true, maxAttempts: 5 });
    const Bucket = `t-${randomUUID()}`;
    await s3.send(new CreateBucketCommand({ Bucket }));
    return { s3, objects: s3Objects(s3Blobs(s3, Bucket)), Bucket, close: async () => s3.destroy() };
  };

  // Its `false` equals 0, as Python's does; it fails where Python compares a number with a text, and where it asks for the size of
  // what is not there.
  const wrong = [equal('no', 0), below('count', '6')].map((condition) => JSON.stringify(condition));
  const differs = (condition: Condition) =>
    condition.is === 'fewerThan' || wrong.includes(JSON.stringify(condition));
  storeContract('DynamoDB', openStore, differs);
  objectsContract('S3', openBucket);

  describe('a ledger over both', () => {
    let open: { readonly ledger: Ledger; close(): Promise<unknown> };
    beforeEach(async () => {
      const [{ store, close }, bucket] = [await openStore(), await openBucket()];
      const { ledger } = awsPorts(store, bucket.s3, clock, bucket.Bucket);
      open = { ledger, close: () => Promise.all([close(), bucket.close()]) };
    });
    afterEach(() => open.close());
    startContract(() => open.ledger);
  });
});
