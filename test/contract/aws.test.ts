/** The contracts over DynamoDB, S3, SQS and SageMaker: over the tests' own always, over a moto server where there is one. */
import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { AwsBells } from '../../backend/aws/bells.ts';
import { s3Blobs } from '../../backend/aws/blobs.ts';
import { DynamoStore } from '../../backend/aws/dynamo/store.ts';
import { s3Objects } from '../../backend/aws/s3-objects.ts';
import { SageMakerTransforms } from '../../backend/aws/sagemaker-transforms.ts';
import { equal } from '../../backend/core/items.ts';
import type { Ledger } from '../../backend/ports/ledger.ts';
import { awsPorts } from '../support/aws/backend.ts';
import { FakeKinesis } from '../support/aws/fake-kinesis.ts';
import { FakeLogs } from '../support/aws/fake-logs.ts';
import { FakeS3 } from '../support/aws/fake-s3.ts';
import { FakeSageMaker } from '../support/aws/fake-sagemaker.ts';
import { FakeSqs } from '../support/aws/fake-sqs.ts';
import { MemoryStore } from '../support/aws/memory-store.ts';
import { describeMoto, motoConfig, oneAtATime } from '../support/aws/moto.ts';
import { createTable } from '../support/aws/tables.ts';
import { ManualClock } from '../support/bell-queue.ts';
import { bellsContract } from './bells.contract.ts';
import { ledgerContract } from './ledger.contract.ts';
import { startContract } from './ledger-start.ts';
import { T0 } from './ledger-steps.ts';
import { objectsContract } from './objects.contract.ts';
import { storeContract } from './store.contract.ts';
import { REFUSAL, REFUSED, transformsContract } from './transforms.contract.ts';

const clock = { now: () => T0 };

async function openFakes(more: Partial<MemoryStore> = {}) {
  const [store, s3] = [Object.assign(new MemoryStore(), more), new FakeS3()];
  await s3.client.send(new CreateBucketCommand({ Bucket: 'bucket' }));
  return { ...awsPorts(store, s3.client, clock), close: async () => undefined };
}

storeContract('in memory', async () => ({ store: new MemoryStore(), close: async () => undefined }));
storeContract('in memory, in pages of three', async () => ({
  store: Object.assign(new MemoryStore(), { pageItems: 3 }),
  close: async () => undefined,
}));
ledgerContract('a store in memory, by the rules of DynamoDB, in pages of three', () =>
  openFakes({ pageItems: 3 }),
);
objectsContract('S3 (the tests own)', openFakes);

bellsContract('SQS (the tests own)', async () => {
  const manual = new ManualClock(T0);
  const [sqs, kinesis] = [new FakeSqs(manual), new FakeKinesis(1)];
  const url = (queue: string) => `https://sqs/${queue}`;
  const queues = {
    gather: url('gather'),
    start: url('start'),
    results: url('results'),
    settle: url('settle'),
  };
  for (const queue of Object.values(queues)) sqs.open(queue);
  const now = () => manual.now();
  const bells = new AwsBells({
    sqs: sqs.client,
    kinesis: kinesis.client,
    queues,
    stream: 'stream',
    now,
    patience: { now, pause: async () => undefined, jitter: () => 1 },
    onLost: (lost) => expect(lost).toEqual([]),
  });
  return {
    bells,
    now,
    async answered(afterMs) {
      // As at the end of the invocation that rang them.
      await bells.flush();
      manual.moveTo(now() + afterMs);
      const messages = sqs.receive(queues.settle, 100);
      for (const message of messages) sqs.remove(queues.settle, message);
      return messages.map(({ body }) => (JSON.parse(body) as { id: string }).id);
    },
    close: async () => undefined,
  };
});

// Not over moto: its transform jobs are completed at once and read nothing.
transformsContract('SageMaker (the tests own)', async () => {
  const [s3, logs] = [new FakeS3(), new FakeLogs(clock)];
  await s3.client.send(new CreateBucketCommand({ Bucket: 'bucket' }));
  const sagemaker = new FakeSageMaker({
    s3,
    logs,
    clock,
    model: (record) => (record === `{"n":${REFUSED}}` ? REFUSAL : `{"echo":${record}}`),
    models: ['classifier'],
  });
  const transforms = new SageMakerTransforms({
    sagemaker: sagemaker.client,
    logs: logs.client,
    blobs: s3Blobs(s3.client, 'bucket'),
    bucket: 'bucket',
    stack: 'mine',
    namePrefix: 'batchml-0a1b2c3d',
    now: clock.now,
  });
  return {
    transforms,
    model: 'classifier',
    put: async (batch, text) => s3.put('bucket', `data/${batch}.jsonl`, text),
    ended: async () => void sagemaker.step(),
    close: async () => undefined,
  };
});

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

  // Its `false` equals 0, as Python's does.
  const differs = (condition: object) => JSON.stringify(condition) === JSON.stringify(equal('no', 0));
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
