/** The AWS clients, each made once for a process: connections are kept, calls are bounded in time and tried again. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SQSClient } from '@aws-sdk/client-sqs';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** What of the clients the adapters use: a test may give anything that answers commands. */
export interface Clients {
  readonly dynamo: Pick<DynamoDBClient, 'send'>;
  readonly s3: Pick<S3Client, 'send' | 'config' | 'middlewareStack'>;
  readonly sagemaker: Pick<SageMakerClient, 'send'>;
  readonly kinesis: Pick<KinesisClient, 'send'>;
  readonly sqs: Pick<SQSClient, 'send'>;
  readonly logs: Pick<CloudWatchLogsClient, 'send'>;
  readonly events: Pick<EventBridgeClient, 'send'>;
}

/** Where the far side is; by default what the Lambda runtime's environment says. */
export interface ClientOptions {
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Tries of a call, the first among them. @default 4 */
  readonly maxAttempts?: number;
}

const CONNECT_MS = 2_000;
/** A call's answer must begin within this, in ms; the longest are transactions on a busy table. */
const REQUEST_MS = 10_000;
/** A body (an object of 16 MiB and more) that stands still this long is given up, in ms. */
const SOCKET_MS = 10_000;
const SOCKETS = 64;

export function createClients({ maxAttempts = 4, ...where }: ClientOptions = {}): Clients {
  const agents = { keepAlive: true, maxSockets: SOCKETS };
  const config = {
    ...where,
    maxAttempts,
    retryMode: 'adaptive',
    // One for all: also for Kinesis, whose own would speak HTTP/2.
    requestHandler: new NodeHttpHandler({
      connectionTimeout: CONNECT_MS,
      requestTimeout: REQUEST_MS,
      throwOnRequestTimeout: true,
      socketTimeout: SOCKET_MS,
      httpAgent: new HttpAgent(agents),
      httpsAgent: new HttpsAgent(agents),
    }),
  };
  return {
    dynamo: new DynamoDBClient(config),
    // An endpoint of one's own has no names for its buckets.
    s3: new S3Client({ ...config, forcePathStyle: where.endpoint !== undefined }),
    sagemaker: new SageMakerClient(config),
    kinesis: new KinesisClient(config),
    sqs: new SQSClient(config),
    logs: new CloudWatchLogsClient(config),
    events: new EventBridgeClient(config),
  };
}
