/** Lambda's event source on an SQS queue: messages that an invocation didn't name as failed are removed. */
import type { SQSBatchResponse } from 'aws-lambda';
import type { FakeSqs, Message } from './fake-sqs.ts';
import type { Outcome } from './invocations.ts';

export interface QueueSourceOptions {
  readonly sqs: FakeSqs;
  readonly url: string;
  readonly batchSize: number;
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
    const { sqs, url, batchSize, twice } = this.#options;
    const work: (() => Promise<void>)[] = [];
    for (;;) {
      const messages = sqs.receive(url, batchSize);
      if (messages.length === 0) return work;
      work.push(() => this.#handle(messages));
      if (twice()) work.push(() => this.#handle(messages));
    }
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
