/**
 * SQS in this process, spoken to with the SDK's command objects. What it does, as SQS does it:
 *
 * - SendMessage and SendMessageBatch (1-10 entries of distinct IDs, 1 MiB together) with DelaySeconds of at most 900;
 *   entries fail in their places when `fails` says so.
 * - A message that was received is hidden for the queue's visibility time and comes back unless it is deleted; one that was
 *   received `maxReceives` times goes to the dead-letter queue instead. Messages come in any order when `shuffle` is set.
 * - Its time is the clock's. Queues exist once `open` was called for their URL.
 *
 * What Lambda's pollers do with ReceiveMessage and DeleteMessage, a test does by `receive` and `remove`.
 */
import { type SQSClient, SQSServiceException } from '@aws-sdk/client-sqs';
import type { Clock } from '../../../backend/ports/clock.ts';
import { type Command, FakeClient } from './fake-client.ts';
import { Meter } from './meter.ts';

const MAX_DELAY_S = 900;
const MAX_BATCH = 10;
const MAX_BYTES = 1024 * 1024;

export interface Message {
  readonly id: string;
  readonly body: string;
  receives: number;
  visibleAt: number;
}

export interface QueueOptions {
  readonly visibilityMs: number;
  /** Receives before a message goes to the dead-letter queue, and that queue's URL. */
  readonly maxReceives: number;
  readonly deadLetters: string | undefined;
}

interface Entry {
  readonly Id?: string;
  readonly MessageBody?: string;
  readonly DelaySeconds?: number;
}

const refusal = (name: string, message: string) =>
  new SQSServiceException({ name, $fault: 'client', message, $metadata: { httpStatusCode: 400 } });

export class FakeSqs extends FakeClient {
  readonly meter = new Meter();
  /** Whether an entry of a batch fails. */
  fails: () => boolean = () => false;
  /** A number from 0 to 1, different each time: messages then come in any order. */
  shuffle: (() => number) | undefined;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #queues = new Map<string, { options: QueueOptions; messages: Message[] }>();
  #next = 0;

  constructor(clock: Pick<Clock, 'now'>) {
    super();
    this.#clock = clock;
  }

  get client(): Pick<SQSClient, 'send'> {
    return this as never;
  }

  open(url: string, options: Partial<QueueOptions> = {}): void {
    const defaults = { visibilityMs: 30_000, maxReceives: Number.POSITIVE_INFINITY, deadLetters: undefined };
    this.#queues.set(url, { options: { ...defaults, ...options }, messages: [] });
  }

  /** Makes another URL mean a queue. */
  alias(url: string, queue: string): void {
    this.#queues.set(url, this.#queue(queue));
  }

  /** Messages in a queue, hidden ones too. */
  messages(url: string): readonly Message[] {
    return this.#queue(url).messages;
  }

  /** When the next message of any queue can be received; undefined when there is none. */
  nextAt(): number | undefined {
    const times = [...this.#queues.values()]
      .filter(({ options }) => options.deadLetters !== undefined)
      .flatMap(({ messages }) => messages.map(({ visibleAt }) => visibleAt));
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  /** Puts a message as another service does. */
  put(url: string, body: string, delayMs = 0): void {
    const id = `m-${this.#next++}`;
    const { messages } = this.#queue(url);
    const at = this.shuffle ? Math.floor(this.shuffle() * (messages.length + 1)) : messages.length;
    messages.splice(at, 0, { id, body, receives: 0, visibleAt: this.#clock.now() + delayMs });
  }

  /** Up to `most` messages, hidden from now on for the visibility time. */
  receive(url: string, most: number): Message[] {
    const { options, messages } = this.#queue(url);
    const now = this.#clock.now();
    const received: Message[] = [];
    for (const message of [...messages]) {
      if (received.length === most) break;
      if (message.visibleAt > now) continue;
      if (message.receives >= options.maxReceives && options.deadLetters !== undefined) {
        this.remove(url, message);
        this.put(options.deadLetters, message.body);
        continue;
      }
      message.receives++;
      message.visibleAt = now + options.visibilityMs;
      received.push(message);
    }
    if (received.length > 0) this.meter.call('ReceiveMessage');
    return received;
  }

  remove(url: string, message: Message): void {
    const { messages } = this.#queue(url);
    const at = messages.indexOf(message);
    if (at >= 0) messages.splice(at, 1);
  }

  #queue(url: string) {
    const queue = this.#queues.get(url);
    if (!queue) throw refusal('QueueDoesNotExist', `The specified queue does not exist: ${url}`);
    return queue;
  }

  protected override carryOut({ name, input }: Command): object {
    this.meter.call(name);
    const url = input['QueueUrl'] as string;
    if (name === 'SendMessage') {
      this.#send(url, input as Entry);
      return { MessageId: `m-${this.#next}` };
    }
    if (name !== 'SendMessageBatch') throw new Error(`the SQS of the tests knows no ${name}`);
    this.#queue(url);
    const entries = (input['Entries'] ?? []) as readonly Entry[];
    if (entries.length === 0)
      throw refusal('EmptyBatchRequest', 'There should be at least one entry in the request.');
    if (entries.length > MAX_BATCH)
      throw refusal('TooManyEntriesInBatchRequest', 'Maximum number of entries per request are 10.');
    if (new Set(entries.map(({ Id }) => Id)).size < entries.length)
      throw refusal('BatchEntryIdsNotDistinct', 'Two or more batch entries have the same Id.');
    const bytes = entries.reduce((sum, { MessageBody = '' }) => sum + Buffer.byteLength(MessageBody), 0);
    if (bytes > MAX_BYTES)
      throw refusal('BatchRequestTooLong', 'Batch requests cannot be longer than 1048576 bytes.');
    const Successful: object[] = [];
    const Failed: object[] = [];
    for (const entry of entries) {
      if (this.fails()) {
        Failed.push({ Id: entry.Id, SenderFault: false, Code: 'InternalError', Message: 'try again' });
        continue;
      }
      this.#send(url, entry);
      Successful.push({ Id: entry.Id, MessageId: `m-${this.#next}` });
    }
    // As the service answers it: no entry, no member.
    return { ...(Successful.length > 0 ? { Successful } : {}), ...(Failed.length > 0 ? { Failed } : {}) };
  }

  #send(url: string, { MessageBody = '', DelaySeconds = 0 }: Entry): void {
    if (!(Number.isInteger(DelaySeconds) && DelaySeconds >= 0 && DelaySeconds <= MAX_DELAY_S))
      throw refusal(
        'InvalidParameterValue',
        `Value ${DelaySeconds} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be an integer between 0 and 900.`,
      );
    if (MessageBody === '' || Buffer.byteLength(MessageBody) > MAX_BYTES)
      throw refusal('InvalidParameterValue', 'One or more parameters are invalid: the message body');
    this.put(url, MessageBody, DelaySeconds * 1000);
  }
}
