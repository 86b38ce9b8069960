/** What every part of the ledger works with. */

import type { Condition } from '../core/items.ts';
import { absent, atMost, either } from '../core/items.ts';
import type { Submission } from '../core/submission.ts';
import type { Blobs } from '../ports/blobs.ts';
import type { Clock } from '../ports/clock.ts';
import type { Store } from '../ports/store.ts';

const DAY_MS = 86_400_000;
/** How long after its end a row stays in the store: TTL takes about two days (DynamoDB, Time to Live). */
const TTL_SLACK_MS = 4 * DAY_MS;

export interface Context {
  /** Texts of more bytes than this are blobs. */
  readonly inline: number;
  readonly store: Store;
  readonly blobs: Blobs;
  readonly clock: Pick<Clock, 'now'>;
  readonly retentionDays: number;
}

/** Whether what was accepted then is kept no more. It may still be in the store: it is told apart on reading. */
export function isOver({ clock, retentionDays }: Context, acceptedAt: number): boolean {
  return acceptedAt + retentionDays * DAY_MS <= clock.now();
}

/** `ttl` (epoch s) of rows that say what was accepted: they go after the rows of its jobs. */
export function ttlAfter({ retentionDays }: Context, at: number): number {
  return Math.ceil((at + retentionDays * DAY_MS + 2 * TTL_SLACK_MS) / 1000);
}

/** `ttl` of a job's row: it is read as long as its submission is, and goes before it. */
export function jobTtl({ clock, retentionDays }: Context): number {
  return Math.ceil((clock.now() + retentionDays * DAY_MS + TTL_SLACK_MS) / 1000);
}

/** Nothing is there, or only what is kept no more. */
export function absentOrOver(context: Context): Condition {
  const { clock, retentionDays } = context;
  return either(absent('pk'), atMost('acceptedAt', clock.now() - retentionDays * DAY_MS));
}

export type Counter = 'total' | 'started' | 'processed' | 'failed' | 'cancelled' | 'retried';
export type Tally = Partial<Record<Counter, number>>;

/** How many jobs of each submission, by counter. */
export class Tallies {
  readonly #bySubmission = new Map<string, Tally>();

  add(submission: string, counter: Counter, by: number): void {
    if (by === 0) return;
    const tally = this.#bySubmission.get(submission) ?? {};
    tally[counter] = (tally[counter] ?? 0) + by;
    this.#bySubmission.set(submission, tally);
  }

  entries(): [string, Tally][] {
    return [...this.#bySubmission];
  }
}

export type Kind = Submission['kind'];
