import { type Directory, lineNumbers } from '../core/chunk.ts';
import type { JobRef } from '../core/ids.ts';
import { inParallel } from '../core/in-parallel.ts';
import { equal } from '../core/items.ts';
import type { JobStatus } from '../core/job.ts';
import type { ChunkView, JobView, ReadLedger } from '../ports/ledger.ts';
import { allOf } from '../ports/store.ts';
import type { BatchRow } from './batch-rows.ts';
import { batchRows, loadBatch } from './batches.ts';
import { type Context, isOver } from './context.ts';
import { jobRows, placeOf } from './job-rows.ts';
import { chunkKey, failureKey, jobKey, listKey } from './keys.ts';
import type { Ranges } from './members.ts';
import { readSubmission, type SingleStatus } from './submissions.ts';
import { toTransformJob, transformRow } from './transform-rows.ts';

/** Largest result that is fetched to be part of an answer (Lambda answers at most 6 MB: Lambda, Quotas). */
const ANSWER_MOST = 4 * 1024 * 1024;
/** Results fetched for one call, in bytes: what is more is told by its place. */
const FETCH_MOST = 8 * 1024 * 1024;
/** Submissions, or jobs, read at once. */
const AT_ONCE = 16;

export interface ChunkRow {
  readonly sk: string;
  readonly jobs: number;
  readonly bytes: number;
  readonly acceptedAt: number;
  readonly kind: 'batch' | 'single';
  readonly owner: string;
  readonly sha256: string;
  readonly ranges?: string;
  readonly lines?: string;
  readonly directory?: string;
  readonly gone: number;
}

export const chunkNumber = ({ sk }: Pick<ChunkRow, 'sk'>): number => Number(sk.slice(2));

/** How the one job of a single submission stands. */
export function singleStatus(context: Context): SingleStatus {
  return async (submission) => {
    const [view] = await viewJobs(context, [{ submission, chunk: 0, index: 0 }]);
    return view?.status;
  };
}

export function readLedger(context: Context): ReadLedger {
  const { store } = context;
  const single = singleStatus(context);
  const submission = (id: string) => readSubmission(context, id, single);
  return {
    submission,

    async submissions(cursor, limit) {
      const before = cursor === undefined ? undefined : Buffer.from(cursor, 'base64url').toString();
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

    async chunks(id, from, limit) {
      const { pk, sk } = chunkKey(id, from);
      const rows = (await allOf(store, { pk, from: sk, to: 'c#~', limit })) as ChunkRow[];
      const views: ChunkView[] = [];
      for (const row of rows)
        if (!isOver(context, row.acceptedAt)) views.push(await viewChunk(context, id, row));
      return views;
    },

    async chunksWithFailures(id, from, limit) {
      const { pk, sk } = failureKey(id, from);
      const found: number[] = [];
      for await (const item of store.query({ pk, from: sk, to: 'f#~' })) {
        const n = chunkNumber(item as ChunkRow);
        // It says that something failed there; a retry may have put it back since.
        for await (const _ of store.query({ pk: jobKey(id, n, 0).pk, where: equal('st', 'Failed') })) {
          found.push(n);
          break;
        }
        if (found.length === limit) break;
      }
      return found;
    },

    async jobs(refs) {
      const views = await viewJobs(context, refs);
      let left = FETCH_MOST;
      for (const [i, view] of views.entries()) {
        const size = view?.place ? view.place.to - view.place.from : 0;
        if (!view?.place || size > ANSWER_MOST || size > left) continue;
        left -= size;
        const { place } = view;
        views[i] = { ...view, result: await context.blobs.getRange(place.object, place.from, place.to) };
      }
      return views;
    },

    batch: (id) => loadBatch(context, id),

    async transformJob(name) {
      const row = await transformRow(context, name);
      return row && toTransformJob(row);
    },
  };
}

async function viewJobs(context: Context, refs: readonly JobRef[]): Promise<(JobView | undefined)[]> {
  const chunkKeys = refs.map(({ submission, chunk }) => chunkKey(submission, chunk));
  const chunks = (await context.store.getAll(chunkKeys)) as (ChunkRow | undefined)[];
  const directories = new Map<string, Promise<Directory>>();
  return inParallel(refs, AT_ONCE, async (ref, i) => {
    const chunk = chunks[i];
    if (!chunk || ref.index >= chunk.jobs || isOver(context, chunk.acceptedAt)) return undefined;
    const key = `${ref.submission}.${ref.chunk}`;
    const directory = directories.get(key) ?? directoryOf(context, ref.submission, chunk);
    directories.set(key, directory);
    const view = await viewRange(context, ref.submission, chunk, await directory, ref.index, ref.index + 1);
    return view[0];
  });
}

async function viewChunk(context: Context, submission: string, chunk: ChunkRow): Promise<ChunkView> {
  const directory = await directoryOf(context, submission, chunk);
  return {
    n: chunkNumber(chunk),
    jobs: await viewRange(context, submission, chunk, directory, 0, chunk.jobs),
  };
}

/** A chunk's jobs `from` to `to` as they stand: their rows say so, else their chunk and batch. */
async function viewRange(
  context: Context,
  submission: string,
  chunk: ChunkRow,
  directory: Directory,
  from: number,
  to: number,
): Promise<JobView[]> {
  const n = chunkNumber(chunk);
  let rows = await jobRows(context, submission, n, from, to);
  const ranges = JSON.parse(chunk.ranges ?? '[]') as Ranges;
  const batchOf = (index: number) => {
    const row = rows.get(index);
    if (row) return row.st === 'Queued' ? row.by : undefined;
    return ranges.find(([start, end]) => start <= index && index < end)?.[2];
  };
  const indexes = Array.from({ length: to - from }, (_, i) => from + i);
  const ids = [...new Set(indexes.map(batchOf).filter((id) => id !== undefined))];
  const batches = new Map<string, BatchRow | undefined>();
  for (const [i, row] of (await batchRows(context, ids)).entries()) batches.set(ids[i] as string, row);
  // A batch that has ended since the rows were read wrote them all before.
  if ([...batches.values()].some((row) => row?.state === 'Done' || row?.state === 'Failed'))
    rows = await jobRows(context, submission, n, from, to);
  const lines = lineNumbers(directory);
  return indexes.map((index): JobView => {
    const row = rows.get(index);
    const batch = batchOf(index);
    const started = batch !== undefined && (batches.get(batch)?.attempts ?? 0) > 0;
    const status: JobStatus = row && row.st !== 'Queued' ? row.st : started ? 'Processing' : 'Queued';
    const view: JobView = {
      ref: { submission, chunk: n, index },
      line: lines[index] as number,
      customId: directory.customIds?.[index] ?? undefined,
      status,
      generation: row?.g ?? 0,
      acceptedAt: chunk.acceptedAt,
      endedAt: row?.at,
      result: row?.r,
      error: row?.ec === undefined ? undefined : { code: row.ec, message: row.em ?? '' },
    };
    const place = row && placeOf(row);
    return place ? { ...view, place } : view;
  });
}

async function directoryOf({ blobs }: Context, submission: string, chunk: ChunkRow): Promise<Directory> {
  const n = chunkNumber(chunk);
  const text = chunk.directory ?? (await blobs.get(`chunks/${submission}/${n}/${chunk.sha256}.directory`));
  if (text === undefined)
    throw new Error(`the directory of chunk ${n} of ${submission} is missing in the bucket`);
  return JSON.parse(text) as Directory;
}
