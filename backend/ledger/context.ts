/** What every part of the ledger works with. */
import type { SegmentLimits } from '../core/segment.ts';
import type { Blobs } from '../ports/blobs.ts';
import type { Clock } from '../ports/clock.ts';
import type { Store } from '../ports/store.ts';
import type { Pins } from './pins.ts';

const DAY_MS = 86_400_000;
/** How long after its end an item stays in the store: TTL takes about two days (DynamoDB, Time to Live). */
const TTL_SLACK_MS = 4 * DAY_MS;

/** What the ledger counts: of what was answered, so a step whose answer was lost may count twice or not at all. */
export const COUNTS = [
  'JobsAccepted',
  'JobsProcessed',
  'JobsFailed',
  'TransformJobsStarted',
  'SplitRounds',
] as const;
export type CountName = (typeof COUNTS)[number];

export interface Context {
  readonly store: Store;
  readonly blobs: Blobs;
  /** Chunks' lines of more bytes than this are blobs. */
  readonly inline: number;
  readonly segments: SegmentLimits;
  readonly clock: Pick<Clock, 'now'>;
  readonly pins: Pins;
  readonly retentionDays: number;
  /** Open work is listed of this submission alone: a pipeline that works for it and no other. */
  readonly only?: string;
  /** @default nobody counts */
  readonly count?: (name: CountName, by: number) => void;
}

/** Whether what was accepted then is kept no more. It may still be in the store: it is told apart on reading. */
export function isOver(
  { clock, retentionDays }: Pick<Context, 'clock' | 'retentionDays'>,
  birth: number,
): boolean {
  return birth + retentionDays * DAY_MS <= clock.now();
}

/** `ttl` (epoch s) of all items of a submission but the one that says that it exists, by when it was made. */
export function ttlOf({ retentionDays }: Pick<Context, 'retentionDays'>, birth: number): number {
  return Math.ceil((birth + retentionDays * DAY_MS + TTL_SLACK_MS) / 1000);
}

/** `ttl` of what must still be there when everything else of a submission is gone. */
export function lastTtlOf({ retentionDays }: Pick<Context, 'retentionDays'>, birth: number): number {
  return Math.ceil((birth + retentionDays * DAY_MS + 2 * TTL_SLACK_MS) / 1000);
}
