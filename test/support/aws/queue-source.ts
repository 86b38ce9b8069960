/**
 * Lambda's event source on an SQS queue: messages that an invocation didn't name as failed are removed. With a window, a
 * batch that isn't full is given when its first message has waited that long.
 */
import type { SQSBatchResponse } from 'aws-lambda';
import type { FakeSqs, Message } from './fake-sqs.ts';
import type { Outcome } from './invocations.ts';

export interface QueueSourceOptions {
  readonly sqs: FakeSqs;
  readonly url: string;
  readonly now: () => number;
  readonly shape: () => { readonly batchSize: number; readonly windowMs: number };
  readonly invoke: (messages: readonly Message[]) => Promise<Outcome>;
  /** Whether a message is given to another invocation too, and stays although it was handled. */
  readonly twice: () => boolean;
}

export class QueueSource {
  readonly #options: QueueSourceOptions;

  constructor(options: QueueSourceOptions) {
    this.#options = options;
  }

  /** Work that can be done now: one invocation for each batch of messages. */
  ready(): (() => Promise<void>)[] {
    const { sqs, url, now, shape, twice } = this.#options;
    const { batchSize } = shape();
    const work: (() => Promise<void>)[] = [];
    if ((this.nextAt() ?? Number.POSITIVE_INFINITY) > now()) return work;
    for (;;) {
      const messages = sqs.receive(url, batchSize);
      if (messages.length === 0) return work;
      work.push(() => this.#handle(messages));
      if (twice()) work.push(() => this.#handle(messages));
    }
  }

  /** When there is work; undefined: there are no messages. */
  nextAt(): number | undefined {
    const { sqs, url, now, shape } = this.#options;
    const { batchSize, windowMs } = shape();
    const times = sqs.messages(url).map(({ visibleAt }) => visibleAt);
    if (times.length === 0) return undefined;
    const full = times.filter((at) => at <= now()).length >= batchSize;
    return Math.min(...times) + (full ? 0 : windowMs);
  }

  async #handle(messages: readonly Message[]): Promise<void> {
    const { sqs, url, invoke } = this.#options;
    const outcome = await invoke(messages);
    if (outcome.kind !== 'answered') return;
    const failures = (outcome.answer as SQSBatchResponse | undefined)?.batchItemFailures ?? [];
    const failed = new Set(failures.map(({ itemIdentifier }) => itemIdentifier));
    for (const message of messages) if (!failed.has(message.id)) sqs.remove(url, message);
  }
}
