/** Counters of submissions: numbers on 16 items each, every one changed in the transaction that changes what it counts. */
import type { Item } from '../core/items.ts';
import { absent, either, equal } from '../core/items.ts';
import type { JobStatus } from '../core/job.ts';
import { type Counters, NO_COUNTS, statusCounts } from '../core/submission.ts';
import type { Write } from '../ports/store.ts';
import { type Context, ttlOf } from './context.ts';
import { counterKey } from './keys.ts';

export type Counter = keyof Counters;
export type Tally = Partial<Record<Counter, number>>;

const COUNTERS = Object.keys(NO_COUNTS) as Counter[];

/** Adds one tally to another. */
export function addTally(sum: Tally, more: Tally): Tally {
  const added = { ...sum };
  for (const counter of COUNTERS) {
    const by = more[counter];
    if (by !== undefined && by !== 0) added[counter] = (added[counter] ?? 0) + by;
  }
  return added;
}

export const isEmpty = (tally: Tally): boolean => COUNTERS.every((counter) => !tally[counter]);

/**
 * A write that adds to a submission's counters, unless the item is of an earlier one of that name.
 * @param more partitions that its heads are in
 */
export function countWrite(
  context: Context,
  submission: string,
  birth: number,
  shard: number,
  tally: Tally,
  more: { readonly parts?: ReadonlySet<string> } = {},
): Write {
  return {
    key: counterKey(submission, shard),
    changes: { add: { ...tally, ...more }, set: { birth, ttl: ttlOf(context, birth) } },
    condition: either(absent('birth'), equal('birth', birth)),
  };
}

/** Sums of a submission's counter items; those of an earlier one of that name count for nothing. */
export function sumCounters(items: readonly Item[], birth: number): Counters {
  const sums: Record<Counter, number> = { ...NO_COUNTS };
  for (const item of items)
    if (item['birth'] === birth)
      for (const counter of COUNTERS) sums[counter] += (item[counter] as number) ?? 0;
  return sums;
}

/** Numbers of the partitions that a submission's heads are in, in order. */
export function partsOf(items: readonly Item[], birth: number): number[] {
  const parts = new Set<string>();
  for (const item of items)
    if (item['birth'] === birth) for (const part of (item['parts'] as Set<string>) ?? []) parts.add(part);
  return [...parts].map(Number).sort((a, b) => a - b);
}

/** Whether items read one after the other, while others were being changed, contradict each other. */
export function isTorn(counters: Counters): boolean {
  return Object.values(statusCounts(counters)).some((count) => count < 0);
}

/** Counters of a submission of one job, which has no items for them: they follow from how the job stands. */
export function singleCounters(status: JobStatus, generation: number): Counters {
  return {
    chunks: 1,
    total: 1,
    started: generation + (status === 'Queued' ? 0 : 1),
    processed: status === 'Processed' ? 1 : 0,
    failed: generation + (status === 'Failed' ? 1 : 0),
    cancelled: status === 'Cancelled' ? 1 : 0,
    retried: generation,
  };
}
