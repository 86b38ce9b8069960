/**
 * The contracts of the ledger and the objects over DynamoDB and S3: over the tests' own always, over a moto server where
 * there is one.
 */
import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { awsPorts } from '../support/aws/backend.ts';
import { FakeDynamo } from '../support/aws/fake-dynamo.ts';
import { FakeS3 } from '../support/aws/fake-s3.ts';
import { describeMoto, motoConfig, oneAtATime } from '../support/aws/moto.ts';
import { createTable } from '../support/aws/tables.ts';
import { ledgerContract } from './ledger.contract.ts';
import { T0 } from './ledger-steps.ts';
import { objectsContract } from './objects.contract.ts';

const clock = { now: () => T0 };

async function openFakes(more: Partial<FakeDynamo> = {}) {
  const [dynamo, s3] = [Object.assign(new FakeDynamo(), more), new FakeS3()];
  await createTable(dynamo.client, 'jobs');
  await s3.client.send(new CreateBucketCommand({ Bucket: 'bucket' }));
  return { ...awsPorts({ dynamo: dynamo.client, s3: s3.client }, clock), close: async () => undefined };
}

ledgerContract('DynamoDB (the tests own)', openFakes);
ledgerContract('DynamoDB (the tests own) with pages of three, stale reads and batches left undone', () => {
  let turn = 0;
  return openFakes({ pageItems: 3, staleReads: () => true, unprocessed: () => turn++ % 3 === 0 });
});
objectsContract('S3 (the tests own)', openFakes);

describeMoto('moto', (endpoint) => {
  const openMoto = async () => {
    const name = `t-${randomUUID()}`;
    // Its transactions are not apart from what its other threads do.
    const client = new DynamoDBClient(motoConfig(endpoint()));
    const dynamo = oneAtATime(client);
    const s3 = new S3Client({
      ...motoConfig(endpoint()),
      forcePathStyle: true,
      // Its server drops connections when an object is read while it is written.
      maxAttempts: 5,
    });
    await createTable(dynamo, name);
    await s3.send(new CreateBucketCommand({ Bucket: name }));
    return {
      ...awsPorts({ dynamo, s3 }, clock, { table: name, bucket: name }),
      close: async () => {
        client.destroy();
        s3.destroy();
      },
    };
  };
  ledgerContract('DynamoDB', openMoto);
  objectsContract('S3', openMoto);
});
