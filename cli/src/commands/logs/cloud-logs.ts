/** The logs of a stack's functions in CloudWatch Logs. Loads the SDK: only by `import()`. */
import {
  CloudWatchLogsClient,
  type CloudWatchLogsClientConfig,
  FilterLogEventsCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-cloudwatch-logs';
import { byTime, isTelling, type LogEvent } from './entry.ts';

/** By the names of the stack's functions; a function's log group is `/batchml/{stack}/{function}`. */
export const FUNCTIONS = ['api', 'gather', 'start', 'file-results', 'settle', 'reconcile'] as const;

/** Pages of one log group in one look. FilterLogEvents gives up to 10,000 events or 1 MB in one, and often fewer. */
const MOST_PAGES = 100;

export interface Look {
  /** Epoch in ms. */
  readonly since: number;
  /** CloudWatch's filter pattern. */
  readonly pattern: string | undefined;
  /** The newest so many are given. */
  readonly most: number;
}

export interface Found {
  /** Oldest first. */
  readonly events: readonly LogEvent[];
  /** There are earlier ones in the time asked for. */
  readonly more: boolean;
  /** No function has a log: the stack isn't there. */
  readonly none: boolean;
}

export class CloudLogs {
  private readonly client: Pick<CloudWatchLogsClient, 'send' | 'destroy'>;
  private readonly stack: string;

  constructor(client: Pick<CloudWatchLogsClient, 'send' | 'destroy'>, stack: string) {
    this.client = client;
    this.stack = stack;
  }

  static open(config: CloudWatchLogsClientConfig, stack: string): CloudLogs {
    return new CloudLogs(new CloudWatchLogsClient(config), stack);
  }

  close(): void {
    this.client.destroy();
  }

  async look(look: Look, signal: AbortSignal): Promise<Found> {
    const groups = await Promise.all(FUNCTIONS.map((name) => this.group(name, look, signal)));
    const found = groups.filter((group) => group !== undefined);
    const events = found.flatMap(({ events }) => events).sort(byTime);
    return {
      events: events.slice(-look.most),
      more: events.length > look.most || found.some(({ more }) => more),
      none: found.length === 0,
    };
  }

  /** Undefined where there is no such log group. Memory is bounded by `most`, not by the log. */
  private async group(
    name: string,
    { since, pattern, most }: Look,
    signal: AbortSignal,
  ): Promise<{ events: LogEvent[]; more: boolean } | undefined> {
    let events: LogEvent[] = [];
    let more = false;
    let nextToken: string | undefined;
    for (let page = 0; page < MOST_PAGES; page++) {
      const command = new FilterLogEventsCommand({
        logGroupName: `/batchml/${this.stack}/${name}`,
        startTime: since,
        ...(pattern === undefined ? {} : { filterPattern: pattern }),
        ...(nextToken === undefined ? {} : { nextToken }),
      });
      try {
        // One of its own for each request: the SDK's listeners add up on one for all.
        const abortSignal = AbortSignal.any([signal]);
        const answer = await this.client.send(command, { abortSignal });
        for (const { eventId = '', timestamp, message = '' } of answer.events ?? []) {
          const event: LogEvent = { id: `${name}/${eventId}`, at: timestamp, source: name, text: message };
          if (isTelling(event)) events.push(event);
        }
        nextToken = answer.nextToken;
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return undefined;
        throw error;
      }
      if (events.length > 2 * most) {
        events = events.sort(byTime).slice(-most);
        more = true;
      }
      if (nextToken === undefined) return { events, more };
    }
    return { events, more: true };
  }
}

/** Lines that name a job, a submission or a batch. The ID has neither quotes nor backslashes. */
export function patternFor(ids: readonly (readonly [field: string, id: string])[]): string {
  return `{ ${ids.map(([field, id]) => `($.${field} = "${id}")`).join(' || ')} }`;
}
