/**
 * A deployed pipeline in this process: the real handlers, around which this plays API Gateway (with its key), the Kinesis and
 * SQS event sources, S3's and SageMaker's events on their way to queues, the rules of EventBridge, and Batch Transform. The test
 * moves the clock: `settle` lets time go by until nothing is left to do.
 */
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import type { SubmissionInfo } from '../../../backend/api/wire.ts';
import type { DynamoLedger } from '../../../backend/aws/ledger/index.ts';
import { formatWireLine } from '../../../backend/core/chunk.ts';
import { nextSchedule, type ScheduleRate } from '../../../backend/core/schedule.ts';
import {
  isFinished,
  type StatusCounts,
  type Submission,
  statusCounts,
} from '../../../backend/core/submission.ts';
import type { JobView } from '../../../backend/ports/ledger.ts';
import type { Model } from '../fake-transforms.ts';
import { clientsOf, type Functions, functionsOf, ledgerOf, type Told } from './functions.ts';
import { Invocations, type Outcome } from './invocations.ts';
import {
  apiEvent,
  contextOf,
  kinesisEvent,
  responseOf,
  S3_TEST,
  s3Notice,
  scheduledEvent,
  sqsEvent,
  stateChangeEvent,
} from './lambda-events.ts';
import { QueueSource } from './queue-source.ts';
import {
  BUCKET,
  environment,
  makeServices,
  NAME_PREFIX,
  QUEUES,
  queueUrl,
  type Services,
  TABLE,
} from './services.ts';
import { StreamSource } from './stream-source.ts';
import { createTable } from './tables.ts';

export const MINUTE = 60_000;
export const KEY = 'the-key';
const CLIENT_TRIES = 20;
/** Rounds without a moment of rest: more of them, and something rings for itself for ever. */
const MAX_ROUNDS = 1000;
const ENDED = ['Completed', 'Failed', 'Stopped'];

export interface CloudOptions {
  /** More of the functions' environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly schedule?: ScheduleRate;
}

/** What happens to events on their way; by default nothing. */
export interface EventTrouble {
  /** A number from 0 to 1, different each time. */
  readonly random: () => number;
  /** Share of events that get lost. */
  readonly lose: number;
  readonly twice: boolean;
  readonly shuffle: boolean;
}

export class Cloud implements Services {
  readonly clock;
  readonly dynamo;
  readonly s3;
  readonly kinesis;
  readonly sqs;
  readonly sagemaker;
  readonly logs;
  readonly events;
  readonly invocations = new Invocations();
  /** What the functions logged and measured. */
  readonly told: Told = { warnings: [], errors: [], measured: {} };
  /** The ledger as the test looks at it. */
  readonly ledger: DynamoLedger;
  readonly ports: { readonly ledger: DynamoLedger };
  /** Functions that run at once. */
  together = 1;
  trouble: EventTrouble | undefined;
  /** Answers of the API that were not 2xx, as `call` saw them. */
  readonly refusals: string[] = [];
  readonly #functions: Functions;
  readonly #stream: StreamSource;
  readonly #queues: readonly QueueSource[];
  readonly #schedule: ScheduleRate | undefined;
  #minute: number;
  #period: number;
  #invoked = 0;

  static async open(model: Model, options: CloudOptions = {}): Promise<Cloud> {
    const services = makeServices(model);
    await createTable(services.dynamo.client, TABLE);
    await services.s3.client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    return new Cloud(services, options);
  }

  private constructor(services: Services, { env = {}, schedule }: CloudOptions) {
    ({
      clock: this.clock,
      dynamo: this.dynamo,
      s3: this.s3,
      kinesis: this.kinesis,
      sqs: this.sqs,
      sagemaker: this.sagemaker,
      logs: this.logs,
      events: this.events,
    } = services);
    const { dynamo, s3, kinesis, sqs, sagemaker, logs, events } = services;
    for (const [name, client] of Object.entries({ dynamo, s3, kinesis, sqs, sagemaker, logs, events }))
      this.invocations.watch(name, client);
    const trigger = schedule ? { BATCHML_TRIGGER: 'schedule', BATCHML_SCHEDULE_RATE: schedule } : {};
    this.#functions = functionsOf(
      services,
      clientsOf(services),
      environment({ ...trigger, ...env }),
      this.told,
    );
    this.ledger = ledgerOf(services);
    this.ports = { ledger: this.ledger };
    this.#schedule = schedule;
    this.#minute = this.clock.now() + MINUTE;
    this.#period = schedule ? nextSchedule(schedule, this.clock.now()) : Number.POSITIVE_INFINITY;
    this.#stream = new StreamSource({
      kinesis,
      now: () => this.clock.now(),
      batchSize: 1000,
      windowMs: 1000,
      retries: 5,
      invoke: (records) => this.#invoke('gather', kinesisEvent(this.#again(records), this.clock.now())),
    });
    this.#queues = QUEUES.map((queue) => {
      const url = queueUrl(queue);
      return new QueueSource({
        sqs,
        url,
        batchSize: queue === 'gather' || queue === 'start' ? 10 : 1,
        invoke: (messages) => this.#invoke(queue, sqsEvent(url, messages, this.clock.now())),
        twice: () => this.trouble?.twice ?? false,
      });
    });
    sqs.put(queueUrl('results'), S3_TEST);
    s3.onCreated = (bucket, key, size) => {
      if (key.startsWith('result/')) this.#deliver('results', s3Notice(bucket, key, size, this.clock.now()));
    };
    sagemaker.onEvent = (detail) => {
      if (detail.TransformJobName.startsWith(`${NAME_PREFIX}-`) && ENDED.includes(detail.TransformJobStatus))
        this.#deliver('settle', stateChangeEvent(detail, this.clock.now()));
    };
  }

  /** An event on its way to a queue. */
  #deliver(queue: string, body: string): void {
    const { trouble } = this;
    if (trouble && trouble.random() < trouble.lose) return;
    this.sqs.shuffle = trouble?.shuffle ? trouble.random : undefined;
    for (let i = 0; i < (trouble?.twice ? 2 : 1); i++) this.sqs.put(queueUrl(queue), body);
  }

  /** Records of the stream as they come where every event comes twice. */
  #again<T>(records: readonly T[]): readonly T[] {
    return this.trouble?.twice ? [...records, ...records] : records;
  }

  async #invoke(name: keyof Functions, event: object): Promise<Outcome> {
    const context = contextOf(name, `request-${this.#invoked++}`);
    return this.invocations.invoke(name, () => this.#functions[name](event as never, context));
  }

  /** One request through API Gateway. A function that fails is a 502, one that hangs a 504. */
  async fetch(method: string, path: string, init: { body?: unknown; headers?: Record<string, string> } = {}) {
    const { body, headers = { 'x-api-key': KEY } } = init;
    if (headers['x-api-key'] !== KEY) return Response.json({ message: 'Forbidden' }, { status: 403 });
    const bytes =
      body === undefined
        ? undefined
        : Buffer.from(
            typeof body === 'string' || Buffer.isBuffer(body) ? (body as string) : JSON.stringify(body),
          );
    const url = new URL(path, 'https://api.execute-api.us-east-1.amazonaws.com');
    const outcome = await this.#invoke('api', apiEvent(method, url, headers, bytes, this.clock.now()));
    if (outcome.kind === 'answered') return responseOf(outcome.answer as never);
    return Response.json(
      { message: 'Internal server error' },
      { status: outcome.kind === 'gone' ? 504 : 502 },
    );
  }

  /** A request as clients make it: sent again after a 5xx or a lost answer. Gives the answer's JSON. */
  async call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> {
    for (let tries = 0; tries < CLIENT_TRIES; tries++) {
      const answer = await this.fetch(method, path, { body, headers: { 'x-api-key': KEY, ...headers } });
      const text = await answer.text();
      if (answer.ok) return JSON.parse(text) as T;
      this.refusals.push(`${method} ${path}: ${answer.status} ${text}`);
      if (answer.status < 500 && answer.status !== 429) throw new Error(this.refusals.at(-1));
    }
    throw new Error(`${method} ${path} was sent ${CLIENT_TRIES} times: ${this.refusals.at(-1)}`);
  }

  /** Sends records (JSON text each) by chunks, and closes the submission. */
  async submit(
    id: string,
    records: readonly string[],
    { chunkSize = 500, open = false } = {},
  ): Promise<void> {
    await this.call('PUT', `/submissions/${id}`, {});
    for (let n = 0; n * chunkSize < records.length; n++) {
      const lines = records
        .slice(n * chunkSize, (n + 1) * chunkSize)
        .map((record, i) => formatWireLine(n * chunkSize + i + 1, undefined, record));
      await this.call('POST', `/submissions/${id}/chunks/${n}`, Buffer.from(`${lines.join('\n')}\n`), {
        'content-type': 'application/x-ndjson',
      });
    }
    if (!open) await this.call('POST', `/submissions/${id}/close`, { jobs: records.length });
  }

  info(id: string): Promise<SubmissionInfo> {
    return this.call<SubmissionInfo>('GET', `/submissions/${id}`);
  }

  /** Lets this time go by: gives events to functions and runs transform jobs until nothing is left to do. */
  async settle(withinMs = 15 * MINUTE): Promise<void> {
    const end = this.clock.now() + withinMs;
    for (;;) {
      for (let rounds = 0; await this.#round(); rounds++)
        if (rounds > MAX_ROUNDS) throw new Error(`it never comes to rest: ${this.#lately()}`);
      const times = [
        this.#stream.nextAt(),
        this.sqs.nextAt(),
        this.sagemaker.nextAt(),
        this.#minute,
        this.#period,
      ];
      const next = Math.min(...times.filter((at) => at !== undefined));
      this.clock.moveTo(Math.min(next, end));
      if (next > end) return;
    }
  }

  /** The last calls, and what functions told. */
  #lately(): string {
    const calls = this.invocations.calls.slice(-40).map(({ by, command }) => `${by} ${command}`);
    return JSON.stringify({
      calls,
      errors: this.told.errors.slice(-3),
      warnings: this.told.warnings.slice(-3),
    });
  }

  /** What can be done now; whether there was anything. */
  async #round(): Promise<boolean> {
    const now = this.clock.now();
    const work = [...this.#stream.ready(), ...this.#queues.flatMap((queue) => queue.ready())];
    if (this.#minute <= now) {
      this.#minute += MINUTE;
      work.push(async () => void (await this.#invoke('reconcile', scheduledEvent('reconcile', now))));
    }
    if (this.#period <= now) {
      this.#period = nextSchedule(this.#schedule as ScheduleRate, now);
      work.push(async () => this.#deliver('start', '{"kind":"schedule"}'));
    }
    const { trouble } = this;
    if (trouble?.shuffle) work.sort(() => trouble.random() - 0.5);
    for (let i = 0; i < work.length; i += this.together)
      await Promise.all(work.slice(i, i + this.together).map((each) => each()));
    return this.sagemaker.step() || work.length > 0;
  }

  /** Settles until every job of these submissions is final. */
  async finish(ids: readonly string[], minutes = 60): Promise<void> {
    for (let minute = 0; minute < minutes; minute++) {
      await this.settle(MINUTE);
      const all = await Promise.all(ids.map((id) => this.ledger.submission(id)));
      if (all.every((submission) => submission && isFinished(submission))) return;
    }
    throw new Error(
      `not finished after ${minutes} minutes; last failure: ${this.invocations.failures.at(-1)?.stack}`,
    );
  }

  /** Nothing is open any more, and no message went to dead letters. */
  async expectQuiet(): Promise<void> {
    this.dynamo.catchUp();
    expect(await this.ledger.openWork({}, this.clock.now())).toEqual({
      chunks: false,
      forming: [],
      held: [],
      overdue: [],
      waiting: false,
      transforms: [],
      submissions: [],
      filing: [],
    });
  }

  async submission(id: string): Promise<Submission> {
    const submission = await this.ledger.submission(id);
    if (!submission) throw new Error(`no submission ${id}`);
    return submission;
  }

  async counts(id: string): Promise<StatusCounts> {
    return statusCounts((await this.submission(id)).counters);
  }

  async jobs(id: string): Promise<JobView[]> {
    return (await this.ledger.chunks(id, 0, 10_000)).flatMap(({ jobs }) => jobs);
  }

  /** Objects in the bucket, by the first part of their keys. */
  stored(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const key of this.s3.keys(BUCKET)) {
      const [folder = ''] = key.split('/');
      counts[folder] = (counts[folder] ?? 0) + 1;
    }
    return counts;
  }
}
