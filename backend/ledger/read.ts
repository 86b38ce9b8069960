import type { Directory } from '../core/chunk.ts';
import { lineNumbers } from '../core/chunk.ts';
import { generationOf, segmentsOf } from '../core/chunk-head.ts';
import type { JobRef } from '../core/ids.ts';
import { inParallel } from '../core/in-parallel.ts';
import type { JobStatus } from '../core/job.ts';
import type { Kept } from '../core/segment.ts';
import type { ChunkView, JobView, ReadLedger, ReadLimits } from '../ports/ledger.ts';
import { loadBatch } from './batches.ts';
import type { Context } from './context.ts';
import { allHeads, type FoundHead, IN_HEAD, loadHeads } from './heads.ts';
import { listKey } from './keys.ts';
import { directoryOf } from './lines.ts';
import { chunkName } from './open-jobs.ts';
import { fetchPlaces } from './places.ts';
import { loadSegments, movedOn } from './segments.ts';
import { statusesOf } from './statuses.ts';
import { readSubmission } from './submissions.ts';
import { toTransformJob, transformRow } from './transform-rows.ts';

/** Submissions, or directories, read at once. */
const AT_ONCE = 16;
/** So often a chunk whose segments move away while it is read is read again. */
const MOVED_TRIES = 5;
const LIST_KEY = /^\d{15}#/;

export function readLedger(context: Context): ReadLedger {
  const { store } = context;
  const submission = (id: string) => readSubmission(context, id);
  return {
    submission,

    async submissions(cursor, limit) {
      const before = cursor === undefined ? undefined : Buffer.from(cursor, 'base64url').toString();
      // A cursor of another pipeline.
      if (before !== undefined && !LIST_KEY.test(before)) return { items: [], next: undefined };
      const { pk } = listKey(0, '');
      const keys: string[] = [];
      const ids: string[] = [];
      for await (const item of store.query({ pk, ...(before ? { to: before } : {}), newestFirst: true })) {
        if (item['sk'] === before) continue;
        if (ids.push(item['id'] as string) > limit) break;
        keys.push(item['sk'] as string);
      }
      const found = await inParallel(ids.slice(0, limit), AT_ONCE, submission);
      const items = found.filter((known) => known !== undefined);
      const last = keys.at(-1);
      return {
        items,
        next: ids.length > limit && last ? Buffer.from(last).toString('base64url') : undefined,
      };
    },

    async chunks(id, from, limit, read = {}) {
      const views: ChunkView[] = [];
      let chars = read.chars ?? Number.POSITIVE_INFINITY;
      for await (const found of allHeads(context, id, from, limit)) {
        const index = views.length === 0 ? (read.index ?? 0) : 0;
        const { view, read: taken } = await viewChunk(context, found, { ...read, index, chars });
        chars -= taken;
        views.push(view);
      }
      return views;
    },

    async chunksWithFailures(id, from, limit) {
      const numbers: number[] = [];
      for await (const { n, head } of allHeads(context, id, from)) {
        if (numbers.length === limit) break;
        if (head.ends.some((end) => end?.status === 'Failed')) numbers.push(n);
      }
      return numbers;
    },

    jobs: (refs) => viewJobs(context, refs),

    statuses: (refs) => viewJobs(context, refs, false),

    batch: (id) => loadBatch(context, id),

    async transformJob(name) {
      const row = await transformRow(context, name);
      return row && toTransformJob(row);
    },
  };
}

/** A chunk's jobs as they stand, with results from an index on until so many characters were read. */
async function viewChunk(
  context: Context,
  first: FoundHead,
  { index = 0, chars = Number.POSITIVE_INFINITY, status }: ReadLimits,
): Promise<{ view: ChunkView; read: number }> {
  const directory = await directoryOf(context, first);
  let found = first;
  for (let tries = 0; ; tries++) {
    const [statuses] = (await statusesOf(context, [found])) as [JobStatus[]];
    const views = viewsOf(found, statuses, directory);
    const kept = new Map<string, Map<number, Kept>>();
    let read = 0;
    let missing: string | undefined;
    // Segment by segment, as jobs come: what is not to be answered is not read.
    for (let i = index; i < views.length && read <= chars && missing === undefined; i++) {
      const end = found.head.ends[i];
      const segment = end?.segment;
      if (segment === undefined || (status !== undefined && end?.status !== status)) continue;
      if (!kept.has(segment)) {
        const wanted = chars === Number.POSITIVE_INFINITY ? segmentsOf(found.head) : [segment];
        const [texts] = await loadSegments(context, [{ found, ids: wanted }]);
        for (const [id, text] of texts ?? []) kept.set(id, text);
      }
      const text = kept.get(segment);
      if (!text) missing = segment;
      else read += fill(views[i] as Writable, text.get(i));
    }
    if (missing === undefined) return { view: { n: found.n, jobs: views }, read };
    found = await again(context, found, missing, tries);
  }
}

type Writable = { -readonly [K in keyof JobView]: JobView[K] };

/** The head as it is now; a segment that it still names and that isn't there is an error, never an empty result. */
async function again(context: Context, found: FoundHead, missing: string, tries: number): Promise<FoundHead> {
  const moved = await movedOn(context, found, missing);
  if (!moved || tries === MOVED_TRIES)
    throw new Error(`segment ${missing} of chunk ${found.n} of ${found.submission} is missing in the store`);
  return moved;
}

/** Jobs of a chunk, without what is kept of them. */
function viewsOf(
  { submission, n, row, head }: FoundHead,
  statuses: JobStatus[],
  directory: Directory,
): Writable[] {
  const lines = lineNumbers(directory);
  return statuses.map((status, index) => ({
    ref: { submission, chunk: n, index },
    line: lines[index] as number,
    customId: directory.customIds?.[index] ?? undefined,
    status,
    generation: generationOf(head, index),
    acceptedAt: row.at,
    endedAt: head.ends[index]?.at,
    result: undefined,
    error: undefined,
  }));
}

/** Puts what is kept of a job into its view; gives how many characters that were. */
function fill(view: Writable, kept: Kept | undefined): number {
  if (!kept) throw new Error(`what is kept of job ${view.ref.index} is not in its segment`);
  if ('result' in kept) view.result = kept.result;
  else if ('place' in kept) view.place = kept.place;
  else view.error = kept.error;
  return view.result?.length ?? 0;
}

/** @param results without them only what is kept of failed jobs is read */
async function viewJobs(
  context: Context,
  refs: readonly JobRef[],
  results = true,
): Promise<(JobView | undefined)[]> {
  const chunks = new Map(
    refs.map(({ submission, chunk }) => [chunkName(submission, chunk), { submission, n: chunk }]),
  );
  const heads = new Map<string, FoundHead>();
  for (const found of await loadHeads(context, [...chunks.values()]))
    if (found) heads.set(chunkName(found.submission, found.n), found);
  const all = [...heads.values()];
  const statuses = await statusesOf(context, all);
  const directories = await inParallel(all, AT_ONCE, (found) => directoryOf(context, found));
  const views = new Map(
    all.map((found, i) => [
      chunkName(found.submission, found.n),
      viewsOf(found, statuses[i] as JobStatus[], directories[i] as Directory),
    ]),
  );
  const viewOf = ({ submission, chunk, index }: JobRef) => views.get(chunkName(submission, chunk))?.[index];
  const read = results ? refs : refs.filter((ref) => viewOf(ref)?.status === 'Failed');
  await fillNamed(context, read, heads, views);
  const found = refs.map(viewOf);
  if (results) await fetchPlaces(context, found);
  return found;
}

/** Reads what is kept of the named jobs, all segments at once. */
async function fillNamed(
  context: Context,
  refs: readonly JobRef[],
  heads: ReadonlyMap<string, FoundHead>,
  views: ReadonlyMap<string, Writable[]>,
): Promise<void> {
  const wanted = new Map<string, Map<number, string>>();
  for (const { submission, chunk, index } of refs) {
    const name = chunkName(submission, chunk);
    const segment = heads.get(name)?.head.ends[index]?.segment;
    if (segment === undefined) continue;
    wanted.set(name, (wanted.get(name) ?? new Map()).set(index, segment));
  }
  const names = [...wanted.keys()];
  const loaded = await loadSegments(
    context,
    names.map((name) => ({
      found: heads.get(name) as FoundHead,
      ids: [...new Set(wanted.get(name)?.values())],
    })),
  );
  for (const [i, name] of names.entries()) {
    let texts = loaded[i] as Map<string, Map<number, Kept>>;
    let found = heads.get(name) as FoundHead;
    for (const index of wanted.get(name)?.keys() ?? []) {
      let segment = found.head.ends[index]?.segment as string;
      for (let tries = 0; !texts.has(segment) && segment !== IN_HEAD; tries++) {
        found = await again(context, found, segment, tries);
        segment = found.head.ends[index]?.segment as string;
        [texts] = (await loadSegments(context, [{ found, ids: segmentsOf(found.head) }])) as [typeof texts];
      }
      fill(views.get(name)?.[index] as Writable, texts.get(segment)?.get(index));
    }
  }
}
