/**
 * Bells as messages. They are collected while an invocation works, each once, and sent at its end by `flush`.
 *
 * - A gather bell that names a chunk goes to the stream where there is one, by its submission as partition key; the others
 *   to the queues of the functions that answer them.
 * - A timed bell waits in its queue: SQS delays a message by at most 15 minutes (SendMessage, DelaySeconds). Later ones are
 *   not sent: reconcile rings for all that is open every minute.
 * - A bell that can't be sent is told of and dropped, for the same reason. It never fails the work that rang it.
 */
import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { inParallel } from '../core/in-parallel.ts';
import type { Bell, Bells } from '../ports/bells.ts';
import type { QueueUrls } from './config.ts';
import { chunkOf, rungText } from './events.ts';
import { inGroups, type Patience, sendAll } from './retry.ts';

/** Messages of SendMessageBatch; a bell is far from the 1 MiB that they may have together (Amazon SQS API). */
const MESSAGES_MOST = 10;
/** Records of PutRecords (Amazon Kinesis API). */
const RECORDS_MOST = 500;
const DELAY_MOST_MS = 900_000;
/** Calls under way at a time. */
const AT_A_TIME = 4;
/** No call takes longer than this in all, in ms: whoever rang is waiting for an answer. */
const CALL_MS = 5_000;

export interface BellOptions {
  readonly sqs: Pick<SQSClient, 'send'>;
  readonly kinesis: Pick<KinesisClient, 'send'>;
  readonly queues: QueueUrls;
  /** The stream's name; undefined: there is none. */
  readonly stream: string | undefined;
  readonly now: () => number;
  readonly patience: Patience;
  /** Told of bells that could not be sent. */
  readonly onLost: (bells: readonly Bell[], reason: string) => void;
}

interface Rung {
  readonly bell: Bell;
  /** Epoch ms; undefined: soon. */
  readonly at: number | undefined;
}

const QUEUE_OF: Record<Bell['kind'], keyof QueueUrls> = {
  gather: 'gather',
  start: 'start',
  schedule: 'start',
  output: 'results',
  transform: 'settle',
  batch: 'settle',
  submission: 'settle',
};

export class AwsBells implements Bells {
  readonly #options: BellOptions;
  #rung = new Map<string, Rung>();

  constructor(options: BellOptions) {
    this.#options = options;
  }

  ring(bell: Bell): void {
    this.#rung.set(JSON.stringify(bell), { bell, at: undefined });
  }

  ringAt(at: number, bell: Bell): void {
    const key = JSON.stringify(bell);
    const known = this.#rung.get(key);
    if (known && (known.at === undefined || known.at <= at)) return;
    this.#rung.set(key, { bell, at });
  }

  /** Sends what was rung since the last time. Never throws. */
  async flush(): Promise<void> {
    const rung = [...this.#rung.values()];
    this.#rung = new Map();
    const { stream, queues } = this.#options;
    // A timed one waits in its queue, which a stream can't do.
    const isStreamed = ({ bell, at }: Rung) =>
      stream !== undefined && at === undefined && chunkOf(bell) !== undefined;
    const streamed = rung.filter(isStreamed);
    const due = rung.filter((each) => !isStreamed(each) && this.#delayMs(each) <= DELAY_MOST_MS);
    const queued = Object.entries(queues).map(([name, url]) => ({
      url: url as string,
      rung: due.filter(({ bell }) => QUEUE_OF[bell.kind] === name),
    }));
    const sends = [
      ...(stream === undefined
        ? []
        : inGroups(streamed, RECORDS_MOST).map(
            (some) => () => this.#deliver(some, (left) => this.#stream(stream, left)),
          )),
      ...queued.flatMap(({ url, rung }) =>
        inGroups(rung, MESSAGES_MOST).map(
          (some) => () => this.#deliver(some, (left) => this.#queue(url, left)),
        ),
      ),
    ];
    await inParallel(sends, AT_A_TIME, (send) => send());
  }

  async #deliver(rung: readonly Rung[], send: (left: readonly Rung[]) => Promise<Rung[]>): Promise<void> {
    const lost = (left: readonly Rung[], reason: string) =>
      this.#options.onLost(
        left.map(({ bell }) => bell),
        reason,
      );
    try {
      const left = await sendAll(rung, send, this.#options.patience);
      if (left.length > 0) lost(left, 'it was refused again and again');
    } catch (error) {
      lost(rung, (error as Error).message);
    }
  }

  /** Puts records; gives those that were refused. Records are answered for in place (PutRecords). */
  async #stream(stream: string, rung: readonly Rung[]): Promise<Rung[]> {
    const answer = await this.#options.kinesis.send(
      new PutRecordsCommand({
        StreamName: stream,
        Records: rung.flatMap(({ bell }) => {
          const chunk = chunkOf(bell);
          return chunk ? [{ Data: Buffer.from(rungText(chunk)), PartitionKey: chunk.submission }] : [];
        }),
      }),
      { abortSignal: AbortSignal.timeout(CALL_MS) },
    );
    return rung.filter((_, i) => answer.Records?.[i]?.ErrorCode !== undefined);
  }

  /** Sends messages; gives those that failed and weren't at fault themselves (SendMessageBatch, Failed). */
  async #queue(url: string, rung: readonly Rung[]): Promise<Rung[]> {
    const { Failed = [] } = await this.#options.sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: url,
        Entries: rung.map((each, i) => ({
          Id: String(i),
          MessageBody: rungText(each.bell),
          DelaySeconds: Math.min(Math.ceil(this.#delayMs(each) / 1000), DELAY_MOST_MS / 1000),
        })),
      }),
      { abortSignal: AbortSignal.timeout(CALL_MS) },
    );
    const bells = (atFault: boolean) =>
      Failed.filter(({ SenderFault = false }) => SenderFault === atFault).map(
        ({ Id }) => rung[Number(Id)] as Rung,
      );
    const refused = bells(true).map(({ bell }) => bell);
    if (refused.length > 0)
      this.#options.onLost(refused, Failed.find(({ SenderFault }) => SenderFault)?.Message ?? 'refused');
    return bells(false);
  }

  #delayMs({ at }: Rung): number {
    return at === undefined ? 0 : Math.max(at - this.#options.now(), 0);
  }
}
