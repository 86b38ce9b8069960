/** Events as the services give them to Lambda. */
import type {
  APIGatewayProxyEvent,
  APIGatewayProxyResult,
  Context,
  KinesisStreamEvent,
  SQSEvent,
} from 'aws-lambda';
import type { StreamRecord } from './fake-kinesis.ts';
import type { Message } from './fake-sqs.ts';
import type { StateChange } from './sagemaker/trouble.ts';

const REGION = 'us-east-1';
const ACCOUNT = '123456789012';
export const STREAM_ARN = `arn:aws:kinesis:${REGION}:${ACCOUNT}:stream/jobs`;

/** Of an API with binary media types: every body arrives as base64. */
export function apiEvent(
  method: string,
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: Buffer | undefined,
  now: number,
): APIGatewayProxyEvent {
  const query = [...url.searchParams];
  const path = decodeURIComponent(url.pathname);
  return {
    resource: '/{proxy+}',
    path,
    httpMethod: method,
    headers: { ...headers, Host: url.host },
    multiValueHeaders: Object.fromEntries(
      Object.entries({ ...headers, Host: url.host }).map(([name, value]) => [name, [value]]),
    ),
    queryStringParameters: query.length > 0 ? Object.fromEntries(query) : null,
    multiValueQueryStringParameters:
      query.length > 0
        ? Object.fromEntries(query.map(([name]) => [name, url.searchParams.getAll(name)]))
        : null,
    pathParameters: { proxy: path.slice(1) },
    stageVariables: null,
    body: body ? body.toString('base64') : null,
    isBase64Encoded: body !== undefined,
    requestContext: {
      accountId: ACCOUNT,
      apiId: 'api',
      authorizer: null,
      protocol: 'HTTP/1.1',
      httpMethod: method,
      identity: { sourceIp: '127.0.0.1' } as APIGatewayProxyEvent['requestContext']['identity'],
      path: `/v1${path}`,
      stage: 'v1',
      requestId: 'request',
      requestTimeEpoch: now,
      resourceId: 'resource',
      resourcePath: '/{proxy+}',
    },
  };
}

export function responseOf(result: APIGatewayProxyResult): Response {
  const { statusCode, headers = {}, multiValueHeaders = {}, body, isBase64Encoded = false } = result;
  const all = new Headers();
  for (const [name, value] of Object.entries(headers)) all.set(name, String(value));
  for (const [name, values] of Object.entries(multiValueHeaders))
    for (const value of values ?? []) all.set(name, String(value));
  return new Response(isBase64Encoded ? Buffer.from(body, 'base64') : body, {
    status: statusCode,
    headers: all,
  });
}

export function kinesisEvent(records: readonly StreamRecord[], now: number): KinesisStreamEvent {
  return {
    Records: records.map(({ key, data, sequence }) => ({
      awsRegion: REGION,
      eventID: `shardId-000000000000:${sequence}`,
      eventName: 'aws:kinesis:record',
      eventSource: 'aws:kinesis',
      eventSourceARN: STREAM_ARN,
      eventVersion: '1.0',
      invokeIdentityArn: `arn:aws:iam::${ACCOUNT}:role/gather`,
      kinesis: {
        approximateArrivalTimestamp: now / 1000,
        data: data.toString('base64'),
        kinesisSchemaVersion: '1.0',
        partitionKey: key,
        sequenceNumber: sequence,
      },
    })),
  };
}

export function sqsEvent(queue: string, messages: readonly Message[], now: number): SQSEvent {
  return {
    Records: messages.map(({ id, body, receives }) => ({
      messageId: id,
      receiptHandle: `handle-${id}-${receives}`,
      body,
      attributes: {
        ApproximateReceiveCount: String(receives),
        SentTimestamp: String(now),
        SenderId: ACCOUNT,
        ApproximateFirstReceiveTimestamp: String(now),
      },
      messageAttributes: {},
      md5OfBody: '',
      eventSource: 'aws:sqs',
      eventSourceARN: `arn:aws:sqs:${REGION}:${ACCOUNT}:${queue.slice(queue.lastIndexOf('/') + 1)}`,
      awsRegion: REGION,
    })),
  };
}

/** What S3 sends to a queue for an object that was created: its key is URL-encoded, with `+` for spaces. */
export function s3Notice(bucket: string, key: string, size: number, now: number): string {
  const encoded = key
    .split('/')
    .map((part) => encodeURIComponent(part).replaceAll('%20', '+'))
    .join('/');
  return JSON.stringify({
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: REGION,
        eventTime: new Date(now).toISOString(),
        eventName: 'ObjectCreated:Put',
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: 'results',
          bucket: { name: bucket, arn: `arn:aws:s3:::${bucket}` },
          object: { key: encoded, size, eTag: 'fake', sequencer: '0055AED6DCD90281E5' },
        },
      },
    ],
  });
}

/** What S3 sends to a queue when the notification is set up. */
export const S3_TEST = JSON.stringify({
  Service: 'Amazon S3',
  Event: 's3:TestEvent',
  Time: '2026-11-22T10:00:00.000Z',
  Bucket: 'bucket',
});

/** What EventBridge sends to a queue for a change of a transform job. */
export function stateChangeEvent(detail: StateChange, now: number): string {
  return JSON.stringify({
    version: '0',
    id: `event-${detail.TransformJobName}-${detail.TransformJobStatus}`,
    'detail-type': 'SageMaker Transform Job State Change',
    source: 'aws.sagemaker',
    account: ACCOUNT,
    time: new Date(now).toISOString(),
    region: REGION,
    resources: [detail['TransformJobArn']],
    detail,
  });
}

export function scheduledEvent(rule: string, now: number): object {
  return {
    version: '0',
    id: `event-${now}`,
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: ACCOUNT,
    time: new Date(now).toISOString(),
    region: REGION,
    resources: [`arn:aws:events:${REGION}:${ACCOUNT}:rule/${rule}`],
    detail: {},
  };
}

export function contextOf(name: string, id: string): Context {
  const unused = () => undefined;
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: name,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`,
    memoryLimitInMB: '1024',
    awsRequestId: id,
    logGroupName: `/batchml/${name}`,
    logStreamName: 'stream',
    getRemainingTimeInMillis: () => 30_000,
    done: unused,
    fail: unused,
    succeed: unused,
  };
}
