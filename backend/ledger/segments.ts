/** Segments in the store. */
import { type Head, moveSegments, segmentsOf } from '../core/chunk-head.ts';
import { inParallel } from '../core/in-parallel.ts';
import type { Item } from '../core/items.ts';
import { type Kept, type KeptJob, packSegments, type Segment, unpackSegment } from '../core/segment.ts';
import type { Context } from './context.ts';
import { type FoundHead, IN_HEAD, loadHeads } from './heads.ts';
import { segmentKey } from './keys.ts';

/** More segments than this are merged, the small ones of them. */
const SEGMENTS_MOST = 32;
/** So many of a chunk whose jobs have all ended. */
const ENDED_SEGMENTS_MOST = 4;
const SMALL_BYTES = 32 * 1024;
/** Results of more characters have an object of their own, where they stand in none as they are. */
const OWN_OBJECT_FROM = 64 * 1024;
/** Objects written at once. */
const AT_ONCE = 8;

/** What is kept of jobs as segments; what is too large for one and stands nowhere is put into an object of its own. */
export async function segmentsFor(
  context: Context,
  { submission, n }: Pick<FoundHead, 'submission' | 'n'>,
  jobs: readonly KeptJob[],
): Promise<readonly Segment[]> {
  const limited = context.segments.bytes < Number.POSITIVE_INFINITY;
  const own = limited
    ? await inParallel(jobs, AT_ONCE, async (job): Promise<KeptJob> => {
        const { index, kept } = job;
        if (!('result' in kept) || kept.place || kept.result.length < OWN_OBJECT_FROM) return job;
        const object = `result/large/${submission}/${n}/${index}`;
        await context.blobs.put(object, kept.result);
        return { index, kept: { place: { object, from: 0, to: Buffer.byteLength(kept.result) } } };
      })
    : jobs;
  return packSegments(own, context.segments);
}

export function segmentItem({ submission, n, row }: FoundHead, { id, body }: Segment): Item {
  return { ...segmentKey(submission, n, id), body, birth: row.birth, ttl: row.ttl };
}

export interface Merged {
  readonly head: Head;
  readonly segments: readonly Segment[];
}

/**
 * Merges a head's small segments where they are too many.
 * @param fresh segments that the head names and that may not be in the store yet
 */
export async function mergeSegments(
  context: Context,
  found: FoundHead,
  head: Head,
  fresh: readonly Segment[],
): Promise<Merged | undefined> {
  const ids = segmentsOf(head).filter((id) => id !== IN_HEAD);
  const most = head.ends.every((end) => end !== undefined) ? ENDED_SEGMENTS_MOST : SEGMENTS_MOST;
  if (ids.length <= most) return undefined;
  const known = new Map(fresh.map(({ id, body }) => [id, body]));
  const stored = ids.filter((id) => !known.has(id));
  const items = await context.store.getAll(stored.map((id) => segmentKey(found.submission, found.n, id)));
  // One that is missing is looked for by readers, not here.
  for (const [i, item] of items.entries()) if (item) known.set(stored[i] as string, item['body']);
  const small = new Map([...known].filter(([, body]) => body.length <= SMALL_BYTES));
  const texts = new Map([...small].map(([id, body]) => [id, unpackSegment(body)]));
  const jobs = head.ends.flatMap((end, index): KeptJob[] => {
    const kept = end?.segment === undefined ? undefined : texts.get(end.segment)?.get(index);
    return kept ? [{ index, kept }] : [];
  });
  const segments = packSegments(jobs, context.segments);
  const to = new Map(segments.flatMap(({ id, indexes }) => indexes.map((index) => [index, id] as const)));
  return { head: moveSegments(head, to), segments };
}

export interface Asked {
  readonly found: FoundHead;
  readonly ids: readonly string[];
}

/** Segments of several chunks, with as few reads as possible; by chunk and segment. */
export async function loadSegments(
  context: Context,
  asked: readonly Asked[],
): Promise<Map<string, Map<number, Kept>>[]> {
  const flat = asked.flatMap(({ found, ids }, i) =>
    ids
      .filter((id) => id !== IN_HEAD)
      .map((id) => ({ i, id, key: segmentKey(found.submission, found.n, id) })),
  );
  const items = await context.store.getAll(flat.map(({ key }) => key));
  const loaded = asked.map(({ found, ids }) => {
    const texts = new Map<string, Map<number, Kept>>();
    if (ids.includes(IN_HEAD) && found.row.seg) texts.set(IN_HEAD, unpackSegment(found.row.seg));
    return texts;
  });
  for (const [at, { i, id }] of flat.entries()) {
    const body = items[at]?.['body'] as Uint8Array | undefined;
    if (body) loaded[i]?.set(id, unpackSegment(body));
  }
  return loaded;
}

/** A head that names other segments by now; undefined when it still names the one that is missing. */
export async function movedOn(
  context: Context,
  { submission, n }: FoundHead,
  missing: string,
): Promise<FoundHead | undefined> {
  const [again] = await loadHeads(context, [{ submission, n }]);
  return again && segmentsOf(again.head).includes(missing) ? undefined : again;
}
