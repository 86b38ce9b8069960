/**
 * CloudWatch Logs in this process, as far as transform jobs' logs are read, spoken to with the SDK's command objects:
 * DescribeLogStreams (by prefix, in the order of the names), GetLogEvents (from the head, in pages of `pageEvents`; at the
 * end the token that was given comes back) and FilterLogEvents, of one group. ResourceNotFoundException for what isn't there.
 */
import { type CloudWatchLogsClient, ResourceNotFoundException } from '@aws-sdk/client-cloudwatch-logs';
import type { Clock } from '../../../backend/ports/clock.ts';
import { type Command, FakeClient } from './fake-client.ts';
import { Meter } from './meter.ts';

export const TRANSFORM_LOGS = '/aws/sagemaker/TransformJobs';
/** DescribeLogStreams gives so many at most. */
const STREAMS_PAGE = 50;

interface Event {
  readonly timestamp: number;
  readonly message: string;
}

interface Input {
  readonly logGroupName?: string;
  readonly logStreamName?: string;
  readonly logStreamNamePrefix?: string;
  readonly logStreamNames?: readonly string[];
  readonly nextToken?: string;
  readonly startFromHead?: boolean;
  readonly limit?: number;
}

export class FakeLogs extends FakeClient {
  readonly meter = new Meter();
  pageEvents = 10_000;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #streams = new Map<string, Event[]>();

  constructor(clock: Pick<Clock, 'now'>) {
    super();
    this.#clock = clock;
  }

  get client(): Pick<CloudWatchLogsClient, 'send'> {
    return this as never;
  }

  /** Writes lines to a stream of the group of transform jobs. */
  write(stream: string, lines: readonly string[]): void {
    if (lines.length === 0) return;
    const events = this.#streams.get(stream) ?? [];
    this.#streams.set(stream, events);
    for (const message of lines) events.push({ timestamp: this.#clock.now(), message });
  }

  protected override carryOut({ name, input: given }: Command): object {
    this.meter.call(name);
    const input = given as Input;
    if (input.logGroupName !== TRANSFORM_LOGS || this.#streams.size === 0)
      throw missing('The specified log group does not exist.');
    switch (name) {
      case 'DescribeLogStreams': {
        const names = this.#names(input.logStreamNamePrefix);
        const from = Number(input.nextToken ?? 0);
        const to = from + Math.min(input.limit ?? STREAMS_PAGE, STREAMS_PAGE);
        return {
          logStreams: names.slice(from, to).map((logStreamName) => ({ logStreamName })),
          ...(to < names.length ? { nextToken: String(to) } : {}),
        };
      }
      case 'GetLogEvents': {
        const events = this.#streams.get(input.logStreamName ?? '');
        if (!events) throw missing('The specified log stream does not exist.');
        const from = Number(input.nextToken?.slice(2) ?? 0);
        const page = events.slice(from, from + Math.min(input.limit ?? this.pageEvents, this.pageEvents));
        return {
          events: page,
          nextForwardToken: `f/${from + page.length}`,
          nextBackwardToken: `b/${from}`,
        };
      }
      case 'FilterLogEvents': {
        const names = input.logStreamNames ?? this.#names(input.logStreamNamePrefix);
        const events = names.flatMap((each) =>
          (this.#streams.get(each) ?? []).map((event) => ({ ...event, logStreamName: each })),
        );
        const from = Number(input.nextToken ?? 0);
        const to = from + Math.min(input.limit ?? this.pageEvents, this.pageEvents);
        return { events: events.slice(from, to), ...(to < events.length ? { nextToken: String(to) } : {}) };
      }
      default:
        throw new Error(`the CloudWatch Logs of the tests knows no ${name}`);
    }
  }

  #names(prefix = ''): string[] {
    return [...this.#streams.keys()].filter((stream) => stream.startsWith(prefix)).sort();
  }
}

const missing = (message: string) =>
  new ResourceNotFoundException({ message, $metadata: { httpStatusCode: 400 } });
