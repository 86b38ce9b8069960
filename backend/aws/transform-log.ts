/**
 * The data log of a transform job, from CloudWatch Logs, read within bounds. Its streams are documented as
 * `{transform job}/{instance}-{time}/data-log`, beside the containers' own (SageMaker Developer Guide, Logs); as names are not
 * certain, the job's other streams are looked into when those say nothing.
 */
import {
  type CloudWatchLogsClient,
  DescribeLogStreamsCommand,
  GetLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { type DataLogEntry, parseDataLog } from '../core/data-log.ts';

const GROUP = '/aws/sagemaker/TransformJobs';
const DATA_LOG = 'data-log';

/** What is read of one job's log at most. A page is 1 MB or 10,000 events (GetLogEvents), or 50 streams (DescribeLogStreams). */
export const LOG_BOUNDS = { streamPages: 4, pages: 40, bytes: 8 * 1024 * 1024, ms: 20_000 };

interface Budget {
  pages: number;
  bytes: number;
  readonly end: number;
  readonly now: () => number;
}

/** Prefix of a line of the data log, up to the object's name: each line of a message of several needs it. */
const PREFIX = /^.*\[sagemaker logs\]: \S+: /;

/**
 * Failures by object; empty where there is no log (yet).
 * @param serviceName the job's name at SageMaker
 */
export async function readDataLog(
  client: Pick<CloudWatchLogsClient, 'send'>,
  serviceName: string,
  now: () => number,
): Promise<DataLogEntry[]> {
  const budget = { ...LOG_BOUNDS, end: now() + LOG_BOUNDS.ms, now };
  const streams = await streamsOf(client, `${serviceName}/`);
  const [named, others] = [true, false].map((is) => streams.filter((name) => name.endsWith(DATA_LOG) === is));
  const entries = parseDataLog(await linesOf(client, named ?? [], budget));
  return entries.length > 0 ? entries : parseDataLog(await linesOf(client, others ?? [], budget));
}

async function streamsOf(client: Pick<CloudWatchLogsClient, 'send'>, prefix: string): Promise<string[]> {
  const names: string[] = [];
  let nextToken: string | undefined;
  for (let page = 0; page < LOG_BOUNDS.streamPages; page++) {
    const answer = await unlessMissing(() =>
      client.send(
        new DescribeLogStreamsCommand({ logGroupName: GROUP, logStreamNamePrefix: prefix, nextToken }),
      ),
    );
    for (const { logStreamName } of answer?.logStreams ?? []) if (logStreamName) names.push(logStreamName);
    nextToken = answer?.nextToken;
    if (nextToken === undefined) break;
  }
  return names;
}

async function linesOf(
  client: Pick<CloudWatchLogsClient, 'send'>,
  streams: readonly string[],
  budget: Budget,
): Promise<string> {
  const lines: string[] = [];
  for (const logStreamName of streams) {
    let nextToken: string | undefined;
    while (budget.pages-- > 0 && budget.bytes > 0 && budget.now() < budget.end) {
      const answer = await unlessMissing(() =>
        client.send(
          new GetLogEventsCommand({ logGroupName: GROUP, logStreamName, startFromHead: true, nextToken }),
        ),
      );
      for (const { message = '' } of answer?.events ?? []) {
        budget.bytes -= message.length;
        lines.push(...linesOfEvent(message));
      }
      // At the end the token that was given comes back (GetLogEvents, nextForwardToken).
      if (!answer || answer.nextForwardToken === undefined || answer.nextForwardToken === nextToken) break;
      nextToken = answer.nextForwardToken;
    }
  }
  return lines.join('\n');
}

function linesOfEvent(message: string): string[] {
  const [first = '', ...more] = message.split(/\r?\n/);
  const prefix = PREFIX.exec(first)?.[0] ?? '';
  return [first, ...more.map((line) => (line.includes('[sagemaker logs]') ? line : prefix + line))];
}

async function unlessMissing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if ((error as Error).name === 'ResourceNotFoundException') return undefined;
    throw error;
  }
}
