/** Reading submissions: one query of one item collection, whatever the number of their jobs. */

import { generationOf } from '../core/chunk-head.ts';
import type { Item } from '../core/items.ts';
import type { Pin } from '../core/settings.ts';
import { type Counters, NO_COUNTS, type Submission } from '../core/submission.ts';
import { allOf } from '../ports/store.ts';
import { type Context, isOver } from './context.ts';
import { isTorn, singleCounters, sumCounters } from './counters.ts';
import { type FoundHead, foundHead, loadHeads } from './heads.ts';
import { headKey, metaKey } from './keys.ts';
import { statusesOf } from './statuses.ts';

/** Reads of counters that contradict each other before they are taken as they are; each is a few ms apart. */
const TORN_READS = 5;

/** A submission's `meta` item. */
export interface Meta {
  readonly id: string;
  readonly kind: Submission['kind'];
  /** Hash of the pin. */
  readonly pin: string;
  readonly content?: string;
  readonly name?: string;
  /** When it was made (epoch ms). */
  readonly at: number;
  readonly closed: boolean;
  readonly cancelling?: boolean;
  /** The generation in which it was last cancelled. */
  readonly cancelled?: number;
  readonly generation: number;
  /** A retry is under way: of all failed jobs, or of those that an item of its own names. */
  readonly retrying?: 'all' | 'named';
  /** Single-job batches that its bad records cost so far. */
  readonly isolated: number;
  /** Its end was announced. */
  readonly announced?: boolean;
}

export async function metaOf(context: Context, id: string): Promise<Meta | undefined> {
  const meta = (await context.store.get(metaKey(id))) as Meta | undefined;
  return meta && !isOver(context, meta.at) ? meta : undefined;
}

/** A submission with its counters, read again while they contradict each other. */
export async function readSubmission(context: Context, id: string): Promise<Submission | undefined> {
  for (let tries = 1; ; tries++) {
    const items = await allOf(context.store, { pk: metaKey(id).pk });
    const meta = items.find(({ sk }) => sk === 'meta') as Meta | undefined;
    if (!meta || meta.kind === 'single') return readSingle(context, id, meta);
    if (isOver(context, meta.at)) return undefined;
    const counters = sumCounters(items, meta.at);
    if (!isTorn(counters) || tries === TORN_READS)
      return toSubmission(meta, await context.pins.of(meta.pin), counters);
  }
}

/** A submission of one job: its head says what a meta item would. */
async function readSingle(
  context: Context,
  id: string,
  meta: Meta | undefined,
): Promise<Submission | undefined> {
  const [found] = await loadHeads(context, [{ submission: id, n: 0 }]);
  if (found?.row.pin === undefined) return undefined;
  const { pin, at } = found.row;
  const known = meta ?? singleMeta(id, pin, at, generationOf(found.head, 0));
  const [status] = await statusesOf(context, [found]);
  const counters = singleCounters(status?.[0] ?? 'Queued', generationOf(found.head, 0));
  return toSubmission(known, await context.pins.of(pin), counters);
}

/** The meta item that a submission of one job would have. */
export function singleMeta(id: string, pin: string, at: number, generation: number): Meta {
  return { id, kind: 'single', pin, at, closed: true, generation, isolated: 0 };
}

/** Meta of a submission, of one job too. */
export async function anyMetaOf(context: Context, id: string): Promise<Meta | undefined> {
  const meta = await metaOf(context, id);
  if (meta) return meta;
  const item = await context.store.get(headKey(id, 0));
  const found: FoundHead | undefined = item && foundHead(item);
  if (found?.row.pin === undefined || isOver(context, found.row.birth)) return undefined;
  return singleMeta(id, found.row.pin, found.row.at, generationOf(found.head, 0));
}

export function toSubmission(meta: Meta, pin: Pin, counters: Counters): Submission {
  const { id, kind, content, name, at, closed, cancelling = false, generation, retrying } = meta;
  return {
    id,
    kind,
    pin,
    content,
    name,
    createdAt: at,
    closed,
    cancelling,
    generation,
    retrying: retrying !== undefined,
    counters,
  };
}

export const newSubmission = (meta: Meta, pin: Pin): Submission => toSubmission(meta, pin, NO_COUNTS);

/** What each counter item of a submission says of chunks and jobs accepted, by its sort key. */
export function totalsOf(
  items: readonly Item[],
  birth: number,
): { total: number; chunks: number; byShard: Map<string, number> } {
  const byShard = new Map<string, number>();
  for (const item of items)
    if (item['sk'] !== 'meta' && item['birth'] === birth)
      byShard.set(item['sk'] as string, (item['total'] as number) ?? 0);
  const { total, chunks } = sumCounters(items, birth);
  return { total, chunks, byShard };
}
