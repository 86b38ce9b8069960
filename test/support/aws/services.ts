/** The services that a deployed pipeline talks to, in this process; and what its functions' environment says of them. */

import type { Store } from '../../../backend/ports/store.ts';
import { ManualClock } from '../bell-queue.ts';
import type { Model } from '../fake-transforms.ts';
import { FakeEvents } from './fake-events.ts';
import { FakeKinesis } from './fake-kinesis.ts';
import { FakeLogs } from './fake-logs.ts';
import { FakeS3 } from './fake-s3.ts';
import { FakeSageMaker } from './fake-sagemaker.ts';
import { FakeSqs } from './fake-sqs.ts';
import { MemoryStore } from './memory-store.ts';
import { WatchedStore } from './watched-store.ts';

export const TABLE = 'jobs';
export const BUCKET = 'bucket';
export const STREAM = 'stream';
export const NAME_PREFIX = 'batchml-0a1b2c3d';
export const MODEL = 'classifier';
export const QUEUES = ['gather', 'start', 'results', 'settle'] as const;
export const queueUrl = (queue: string) => `https://sqs.us-east-1.amazonaws.com/123456789012/${queue}`;
export const deadLettersUrl = (queue: string) => queueUrl(`${queue}-dead`);

const MAX_RECEIVES = 5;
/** Six times the time-out of the functions behind them. */
const VISIBILITY_MS = 360_000;

export interface Services {
  readonly clock: ManualClock;
  /** The store as the functions reach it. */
  readonly store: WatchedStore;
  /** What is in it, unless it was made over another. */
  readonly table: MemoryStore;
  readonly s3: FakeS3;
  readonly kinesis: FakeKinesis;
  readonly sqs: FakeSqs;
  readonly sagemaker: FakeSageMaker;
  readonly logs: FakeLogs;
  readonly events: FakeEvents;
}

/** @param base where state is kept instead of in memory */
export function makeServices(model: Model, base?: Store): Services {
  const clock = new ManualClock(Date.UTC(2026, 10, 22, 10));
  const s3 = new FakeS3();
  const logs = new FakeLogs(clock);
  const sqs = new FakeSqs(clock);
  for (const queue of QUEUES) {
    sqs.open(deadLettersUrl(queue));
    const deadLetters = deadLettersUrl(queue);
    sqs.open(queueUrl(queue), { visibilityMs: VISIBILITY_MS, maxReceives: MAX_RECEIVES, deadLetters });
  }
  const table = new MemoryStore();
  return {
    clock,
    store: new WatchedStore(base ?? table),
    table,
    s3,
    kinesis: new FakeKinesis(2),
    sqs,
    sagemaker: new FakeSageMaker({ s3, logs, clock, model, models: [MODEL] }),
    logs,
    events: new FakeEvents(),
  };
}

/** The environment of the functions, as the stack sets it. */
export function environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    AWS_REGION: 'us-east-1',
    BATCHML_TABLE: TABLE,
    BATCHML_BUCKET: BUCKET,
    BATCHML_STREAM: STREAM,
    ...Object.fromEntries(QUEUES.map((queue) => [`BATCHML_${queue.toUpperCase()}_QUEUE`, queueUrl(queue)])),
    BATCHML_NAME_PREFIX: NAME_PREFIX,
    BATCHML_TRIGGER: 's3',
    BATCHML_STACK: 'batchml',
    BATCHML_MODEL: MODEL,
    BATCHML_BATCH_SIZE: '5000',
    BATCHML_BATCH_WINDOW_SECONDS: '5',
    ...more,
  };
}
