/**
 * A moto server as the far side of a cloud's functions: DynamoDB, S3, Kinesis and SQS answer from there, through the real
 * clients. What goes to the last three also goes to the tests' own, from which the event sources and Batch Transform take it.
 */
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  type KinesisClient,
} from '@aws-sdk/client-kinesis';
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { CreateQueueCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { type Clients, createClients } from '../../../backend/aws/clients.ts';
import { DynamoStore } from '../../../backend/aws/dynamo/store.ts';
import type { Store } from '../../../backend/ports/store.ts';
import type { FakeClient } from './fake-client.ts';
import { clientsOf } from './functions.ts';
import { oneAtATime } from './moto.ts';
import { deadLettersUrl, QUEUES, queueUrl, type Services, STREAM } from './services.ts';
import { createTable } from './tables.ts';

export interface FarSide {
  readonly clients: Clients;
  readonly store: Store;
  /** What the functions' environment must say otherwise. */
  readonly env: Readonly<Record<string, string>>;
  /** Puts an object there that another service wrote. */
  copy(bucket: string, key: string, text: string): Promise<void>;
}

type Sender = { send(command: never): Promise<unknown> };

/** Sends to one and to the other, and answers as the first does. */
function both<T extends Sender>(real: T, fake: FakeClient): T {
  const send = async (command: object) => {
    const answer = await real.send(command as never);
    await fake.send(command);
    return answer;
  };
  return Object.create(real, { send: { value: send } }) as T;
}

/** @param name of the table, the bucket, and what queues' and streams' names begin with; new to the server */
export async function motoSide(endpoint: string, name: string, services: Services): Promise<FarSide> {
  const real = createClients({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  await createTable(real.dynamo, name);
  await real.s3.send(new CreateBucketCommand({ Bucket: name }));
  await services.s3.client.send(new CreateBucketCommand({ Bucket: name }));
  const stream = `${name}-${STREAM}`;
  await startStream(real.kinesis, stream);
  const env: Record<string, string> = {
    BATCHML_TABLE: name,
    BATCHML_BUCKET: name,
    BATCHML_STREAM: stream,
  };
  for (const queue of QUEUES) {
    const url = await makeQueue(real.sqs, `${name}-${queue}`);
    env[`BATCHML_${queue.toUpperCase()}_QUEUE`] = url;
    services.sqs.alias(url, queueUrl(queue));
    services.sqs.alias(await makeQueue(real.sqs, `${name}-${queue}-dead`), deadLettersUrl(queue));
  }
  return {
    env,
    // Its transactions are not apart from what its other threads do.
    store: new DynamoStore({ client: oneAtATime(real.dynamo), name, pause: async () => undefined }),
    clients: {
      ...clientsOf(services),
      s3: both(real.s3, services.s3),
      kinesis: both(real.kinesis, services.kinesis),
      sqs: both(real.sqs, services.sqs),
    },
    async copy(Bucket, Key, text) {
      await real.s3.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from(text) }));
    },
  };
}

async function startStream(client: Pick<KinesisClient, 'send'>, StreamName: string): Promise<void> {
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
  for (let tries = 0; tries < 50; tries++) {
    const { StreamDescriptionSummary } = await client.send(new DescribeStreamSummaryCommand({ StreamName }));
    if (StreamDescriptionSummary?.StreamStatus === 'ACTIVE') return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function makeQueue(client: Pick<SQSClient, 'send'>, QueueName: string): Promise<string> {
  const { QueueUrl = '' } = await client.send(new CreateQueueCommand({ QueueName }));
  return QueueUrl;
}
