/**
 * A deployed pipeline in this process: the real handlers, around which this plays API Gateway (with its key), the Kinesis and
 * SQS event sources, S3's and SageMaker's events on their way to queues, the rules of EventBridge, and Batch Transform. The test
 * moves the clock: `settle` lets time go by until nothing is left to do.
 */
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { rungText } from '../../../backend/aws/events.ts';
import { nextSchedule, type ScheduleRate } from '../../../backend/core/schedule.ts';
import { isFinished } from '../../../backend/core/submission.ts';
import type { StoreLedger } from '../../../backend/ledger/index.ts';
import type { Store } from '../../../backend/ports/store.ts';
import type { Model } from '../fake-transforms.ts';
import { awsPorts } from './backend.ts';
import { CloudView } from './cloud-view.ts';
import type { FarSide } from './far-side.ts';
import { clientsOf, type Functions, functionsOf, type Told } from './functions.ts';
import { Invocations, type Outcome } from './invocations.ts';
import {
  contextOf,
  kinesisEvent,
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
} from './services.ts';
import { StreamSource } from './stream-source.ts';

export { KEY } from './cloud-view.ts';
export const MINUTE = 60_000;
/** Rounds without a moment of rest: more of them, and something rings for itself for ever. */
const MAX_ROUNDS = 1000;
/** As the stack has it where no stream rings; the longest that Lambda waits when little comes. */
const CHUNK_BELLS = { batchSize: 10_000, windowMs: 20_000 };
const ENDED = ['Completed', 'Failed', 'Stopped'];

export interface CloudOptions {
  /** More of the functions' environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly schedule?: ScheduleRate;
  /** Where state is kept instead of in memory. */
  readonly store?: Store;
  /** Where the functions' calls go instead of to the services of the tests. */
  readonly far?: (services: Services) => Promise<FarSide>;
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

export class Cloud extends CloudView implements Services {
  readonly clock;
  readonly store;
  readonly table;
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
  readonly ledger: StoreLedger;
  readonly ports: { readonly ledger: StoreLedger };
  /** Functions that run at once. */
  together = 1;
  trouble: EventTrouble | undefined;
  #functions: Functions;
  readonly #remake: (env: Readonly<Record<string, string>>) => Functions;
  #hasStream: boolean;
  readonly #stream: StreamSource;
  readonly #queues: readonly QueueSource[];
  readonly #schedule: ScheduleRate | undefined;
  #minute: number;
  #period: number;
  /** Invocations by function. */
  readonly invoked = new Map<string, number>();
  /** Outputs on their way to the far side. */
  readonly #copies: Promise<void>[] = [];
  #requests = 0;

  static async open(model: Model, options: CloudOptions = {}): Promise<Cloud> {
    const services = makeServices(model, options.store);
    await services.s3.client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    return new Cloud(services, options, await options.far?.(services));
  }

  private constructor(services: Services, { env = {}, schedule }: CloudOptions, far: FarSide | undefined) {
    super();
    ({
      clock: this.clock,
      store: this.store,
      table: this.table,
      s3: this.s3,
      kinesis: this.kinesis,
      sqs: this.sqs,
      sagemaker: this.sagemaker,
      logs: this.logs,
      events: this.events,
    } = services);
    const { store, s3, kinesis, sqs, sagemaker, logs, events } = services;
    for (const [name, client] of Object.entries({ store, s3, kinesis, sqs, sagemaker, logs, events }))
      this.invocations.watch(name, client);
    const trigger = schedule ? { BATCHML_TRIGGER: 'schedule', BATCHML_SCHEDULE_RATE: schedule } : {};
    const clients = far?.clients ?? clientsOf(services);
    const variables = environment({ ...trigger, ...env, ...far?.env });
    const kept = far?.store ?? store;
    const made = { clock: this.clock, store: kept };
    let deployments = 0;
    this.#remake = (more) =>
      functionsOf(made, clients, Object.assign(variables, more), this.told, 10_000 * deployments++);
    this.#functions = this.#remake({});
    this.#hasStream = Boolean(variables['BATCHML_STREAM']);
    this.ledger = awsPorts(kept, clients.s3, this.clock, variables['BATCHML_BUCKET']).ledger;
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
        now: () => this.clock.now(),
        shape: () => {
          if (queue === 'gather' && !this.#hasStream) return CHUNK_BELLS;
          return { batchSize: queue === 'gather' || queue === 'start' ? 10 : 1, windowMs: 0 };
        },
        invoke: (messages) => this.#invoke(queue, sqsEvent(url, messages, this.clock.now())),
        twice: () => this.trouble?.twice ?? false,
      });
    });
    sqs.put(queueUrl('results'), S3_TEST);
    s3.onCreated = (bucket, key, size) => {
      if (!key.startsWith('result/')) return;
      if (far) this.#copies.push(far.copy(bucket, key, s3.read(bucket, key) ?? ''));
      this.#deliver('results', s3Notice(bucket, key, size, this.clock.now()));
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

  protected override request(event: APIGatewayProxyEvent): Promise<Outcome> {
    return this.#invoke('api', event);
  }

  async #invoke(name: keyof Functions, event: object): Promise<Outcome> {
    const context = contextOf(name, `request-${this.#requests++}`);
    this.invoked.set(name, (this.invoked.get(name) ?? 0) + 1);
    return this.invocations.invoke(name, () => this.#functions[name](event as never, context));
  }

  /** A deployment between invocations, with other variables. Without BATCHML_STREAM the stream goes, unread records too. */
  deploy(env: Readonly<Record<string, string>>): void {
    this.#functions = this.#remake(env);
    if ('BATCHML_STREAM' in env) this.#hasStream = env['BATCHML_STREAM'] !== '';
    if (!this.#hasStream) this.#stream.drop();
  }

  /** Lets this time go by: gives events to functions and runs transform jobs until nothing is left to do. */
  async settle(withinMs = 15 * MINUTE): Promise<void> {
    const end = this.clock.now() + withinMs;
    for (;;) {
      for (let rounds = 0; await this.#round(); rounds++)
        if (rounds > MAX_ROUNDS) throw new Error(`it never comes to rest: ${this.#lately()}`);
      const times = [
        this.#stream.nextAt(),
        ...this.#queues.map((queue) => queue.nextAt()),
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
    await Promise.all(this.#copies.splice(0));
    const work = [...this.#stream.ready(), ...this.#queues.flatMap((queue) => queue.ready())];
    if (this.#minute <= now) {
      this.#minute += MINUTE;
      work.push(async () => void (await this.#invoke('reconcile', scheduledEvent('reconcile', now))));
    }
    if (this.#period <= now) {
      this.#period = nextSchedule(this.#schedule as ScheduleRate, now);
      work.push(async () => this.#deliver('start', rungText({ kind: 'schedule' })));
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
    const states = await Promise.all(
      ids.map(async (id) => ({ id, counts: await this.counts(id), submission: await this.submission(id) })),
    );
    const open = await this.ledger.openWork(this.clock.now());
    throw new Error(
      `not finished after ${minutes} minutes: ${JSON.stringify({ states, open })}; it never comes to more: ${this.#lately()}`,
    );
  }

  /** Counts from nothing again. */
  forget(): void {
    for (const { meter } of [this.table, this.s3, this.kinesis, this.sqs, this.sagemaker]) meter.reset();
    this.invoked.clear();
    this.invocations.calls.length = 0;
    Object.assign(this.kinesis, { records: 0, bytes: 0, units: 0 });
    this.sagemaker.created.length = 0;
  }
}
