/** Reading submissions: one query of one item collection, whatever the number of their jobs. */

import type { Item } from '../core/items.ts';
import type { JobStatus } from '../core/job.ts';
import type { Pin } from '../core/settings.ts';
import type { Counters, Submission } from '../core/submission.ts';
import { allOf } from '../ports/store.ts';
import { type Context, isOver, type Kind } from './context.ts';
import { isTorn, singleCounters, sumCounters } from './counters.ts';
import { metaKey } from './keys.ts';

/** Reads of counters that contradict each other before they are taken as they are; each is a few ms apart. */
const TORN_READS = 5;

/** A submission's `meta` item. */
export interface Meta {
  readonly id: string;
  readonly kind: Kind;
  readonly pin: string;
  readonly content?: string;
  readonly name?: string;
  /** When it was made (epoch ms); its chunks say `acceptedAt` too. */
  readonly acceptedAt: number;
  readonly closed: boolean;
  readonly cancelling?: boolean;
  readonly generation: number;
  /** JSON: `"all"` or job IDs. */
  readonly retrying?: string;
  readonly isolated: number;
  /** Its end was announced. */
  readonly announced?: boolean;
}

/** How the one job of a single submission stands; undefined while its chunk isn't there. */
export type SingleStatus = (submission: string) => Promise<JobStatus | undefined>;

export async function metaOf(context: Context, id: string): Promise<Meta | undefined> {
  const meta = (await context.store.get(metaKey(id))) as Meta | undefined;
  return meta && !isOver(context, meta.acceptedAt) ? meta : undefined;
}

/** A submission with its counters, read again while they contradict each other. */
export async function readSubmission(
  context: Context,
  id: string,
  single: SingleStatus,
): Promise<Submission | undefined> {
  for (let tries = 1; ; tries++) {
    const items = await allOf(context.store, { pk: metaKey(id).pk });
    const meta = items.find(({ sk }) => sk === 'meta') as Meta | undefined;
    if (!meta || isOver(context, meta.acceptedAt)) return undefined;
    if (meta.kind === 'single') return toSubmission(meta, singleCounters(await single(id), meta.generation));
    const counters = sumCounters(items.filter(({ sk }) => sk !== 'meta'));
    if (!isTorn(counters) || tries === TORN_READS) return toSubmission(meta, counters);
  }
}

export function toSubmission(meta: Meta, counters: Counters): Submission {
  const { id, kind, pin, content, name, acceptedAt, closed, cancelling = false, generation, retrying } = meta;
  return {
    id,
    kind,
    pin: JSON.parse(pin) as Pin,
    content,
    name,
    createdAt: acceptedAt,
    closed,
    cancelling,
    generation,
    retrying: retrying === undefined ? undefined : (JSON.parse(retrying) as 'all' | string[]),
    counters,
  };
}

/** Total of a submission's counter items, and each item's own, by its sort key. */
export function totalsOf(items: readonly Item[]): { total: number; byShard: Map<string, number> } {
  const byShard = new Map<string, number>();
  for (const item of items)
    if (item['sk'] !== 'meta') byShard.set(item['sk'] as string, (item['total'] as number) ?? 0);
  return { total: [...byShard.values()].reduce((sum, n) => sum + n, 0), byShard };
}
