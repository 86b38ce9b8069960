/**
 * Lambda's event source on a Kinesis stream. Each shard's records come in order, in batches of at most `batchSize` records or
 * `windowMs`. An invocation that fails is repeated from the first record that it named as failed; one that failed whole is
 * bisected, and given up after `retries`: those records go to the dead letters, and the shard goes on.
 */
import type { KinesisStreamBatchResponse } from 'aws-lambda';
import type { FakeKinesis, StreamRecord } from './fake-kinesis.ts';
import type { Outcome } from './invocations.ts';

export interface StreamSourceOptions {
  readonly kinesis: FakeKinesis;
  readonly now: () => number;
  readonly batchSize: number;
  readonly windowMs: number;
  readonly retries: number;
  readonly invoke: (records: readonly StreamRecord[]) => Promise<Outcome>;
}

/** Lambda's wait before it repeats an invocation. */
const AGAIN_MS = 1000;

interface Shard {
  next: number;
  /** When the first unread record was seen. */
  since: number | undefined;
  /** Ranges that were bisected, first one first. */
  parts: number[];
  tries: number;
  notBefore: number;
}

export class StreamSource {
  readonly deadLetters: StreamRecord[] = [];
  readonly #options: StreamSourceOptions;
  readonly #shards: Shard[];

  constructor(options: StreamSourceOptions) {
    this.#options = options;
    this.#shards = options.kinesis.shards.map(() => ({
      next: 0,
      since: undefined,
      parts: [],
      tries: 0,
      notBefore: 0,
    }));
  }

  /** The stream is deleted: what nobody has read of it is gone. */
  drop(): void {
    for (const [i, shard] of this.#shards.entries())
      Object.assign(shard, {
        next: this.#options.kinesis.shards[i]?.length ?? 0,
        since: undefined,
        parts: [],
        tries: 0,
      });
  }

  /** Work that can be done now, one for each shard that has a batch. */
  ready(): (() => Promise<void>)[] {
    const now = this.#options.now();
    return this.#shards.flatMap((shard, i) => {
      const at = this.#dueAt(shard, i);
      return at !== undefined && at <= now ? [() => this.#poll(shard, i)] : [];
    });
  }

  nextAt(): number | undefined {
    const times = this.#shards.map((shard, i) => this.#dueAt(shard, i)).filter((at) => at !== undefined);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  #dueAt(shard: Shard, i: number): number | undefined {
    const unread = (this.#options.kinesis.shards[i]?.length ?? 0) - shard.next;
    if (unread === 0) return undefined;
    shard.since ??= this.#options.now();
    const full = unread >= this.#options.batchSize || shard.tries > 0;
    return Math.max(full ? 0 : shard.since + this.#options.windowMs, shard.notBefore);
  }

  async #poll(shard: Shard, i: number): Promise<void> {
    const { kinesis, batchSize, retries, invoke, now } = this.#options;
    const size = shard.parts[0] ?? batchSize;
    const records = kinesis.shards[i]?.slice(shard.next, shard.next + size) ?? [];
    const outcome = await invoke(records);
    const done = doneOf(records, outcome);
    if (done === records.length) {
      shard.parts.shift();
    } else if (shard.tries >= retries) {
      this.deadLetters.push(...records.slice(done));
      shard.parts.shift();
    } else {
      shard.tries++;
      shard.notBefore = now() + AGAIN_MS;
      shard.next += done;
      const left = records.length - done;
      if (outcome.kind !== 'answered' && left > 1) {
        shard.parts.shift();
        shard.parts.unshift(Math.ceil(left / 2), Math.floor(left / 2));
      }
      return;
    }
    shard.next += records.length;
    shard.tries = 0;
    shard.since = undefined;
  }
}

/** How many of the records are through. */
function doneOf(records: readonly StreamRecord[], outcome: Outcome): number {
  if (outcome.kind !== 'answered') return 0;
  const failures = (outcome.answer as KinesisStreamBatchResponse | undefined)?.batchItemFailures ?? [];
  const failed = new Set(failures.map(({ itemIdentifier }) => itemIdentifier));
  const first = records.findIndex(({ sequence }) => failed.has(sequence));
  return first < 0 ? records.length : first;
}
