import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { AwsBells } from '../../backend/aws/bells.ts';
import { s3Blobs } from '../../backend/aws/blobs.ts';
import { SageMakerTransforms } from '../../backend/aws/sagemaker-transforms.ts';
import { awsPorts } from '../support/aws/backend.ts';
import { FakeKinesis } from '../support/aws/fake-kinesis.ts';
import { FakeLogs } from '../support/aws/fake-logs.ts';
import { FakeS3 } from '../support/aws/fake-s3.ts';
import { FakeSageMaker } from '../support/aws/fake-sagemaker.ts';
import { FakeSqs } from '../support/aws/fake-sqs.ts';
import { MemoryStore } from '../support/aws/memory-store.ts';
import { ManualClock } from '../support/bell-queue.ts';
import { bellsContract } from './bells.contract.ts';
import { ledgerContract } from './ledger.contract.ts';
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
