/** Counters of submissions: numbers on 16 items each, every one changed in the transaction that changes what it counts. */

import type { Item } from '../core/items.ts';
import type { JobStatus } from '../core/job.ts';
import { type Counters, NO_COUNTS, statusCounts } from '../core/submission.ts';
import type { Write } from '../ports/store.ts';
import { type Context, type Counter, type Tallies, ttlAfter } from './context.ts';
import { COUNTER_SHARDS, counterKey, shardOf } from './keys.ts';

const COUNTERS: readonly Counter[] = ['total', 'started', 'processed', 'failed', 'cancelled', 'retried'];

/**
 * Writes that add to the counters. All that a batch and its parts ever count is on one shard, so that a reader sees no job
 * processed that it doesn't see started.
 */
export function countWrites(context: Context, tallies: Tallies, root: string): Write[] {
  const shard = shardOf(root, COUNTER_SHARDS);
  return tallies.entries().map(([submission, tally]) => countWrite(context, submission, shard, tally));
}

export function countWrite(
  context: Context,
  submission: string,
  shard: number,
  tally: Partial<Record<Counter, number>>,
): Write {
  return {
    key: counterKey(submission, shard),
    changes: { add: { ...tally }, set: { ttl: ttlAfter(context, context.clock.now()) } },
  };
}

/** Sums of a submission's counter items. */
export function sumCounters(items: readonly Item[]): Counters {
  const sums: Record<Counter, number> = { ...NO_COUNTS };
  for (const item of items) for (const counter of COUNTERS) sums[counter] += (item[counter] as number) ?? 0;
  return sums;
}

/** Whether items read one after the other, while others were being changed, contradict each other. */
export function isTorn(counters: Counters): boolean {
  return Object.values(statusCounts(counters)).some((count) => count < 0);
}

/** Counters of a submission of one job, which has no items for them: they follow from how the job stands. */
export function singleCounters(status: JobStatus | undefined, generation: number): Counters {
  if (status === undefined) return NO_COUNTS;
  return {
    total: 1,
    started: generation + (status === 'Queued' ? 0 : 1),
    processed: status === 'Processed' ? 1 : 0,
    failed: generation + (status === 'Failed' ? 1 : 0),
    cancelled: status === 'Cancelled' ? 1 : 0,
    retried: generation,
  };
}
