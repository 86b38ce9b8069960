/**
 * Rows of jobs: `g` generation, `st` status (`Queued`: put back by a retry), `at` when it ended, `by` the batch that wrote
 * it, `r` the result or `ro`, `rf`, `rt` where it stands, `ec` and `em` the error. A row that says Processed, Failed or
 * Cancelled is never written over but by a retry.
 */
import type { Batch } from '../core/batch.ts';
import type { JobRef } from '../core/ids.ts';
import { inParallel } from '../core/in-parallel.ts';
import { absent, both, either, equal, type Item } from '../core/items.ts';
import type { JobError, JobErrorCode, JobStatus } from '../core/job.ts';
import type { FiledResult, ResultPlace } from '../ports/ledger.ts';
import { type Context, jobTtl, Tallies } from './context.ts';
import { jobKey } from './keys.ts';
import { WRITES_AT_ONCE } from './members.ts';

/** Results of so many times what is inline are left in their object: an item holds 400 KB (DynamoDB, Quotas). */
const RESULT_TIMES = 64;

export interface JobRow {
  readonly g: number;
  readonly st: JobStatus;
  readonly at?: number;
  readonly by: string;
  readonly r?: string;
  readonly ro?: string;
  readonly rf?: number;
  readonly rt?: number;
  readonly ec?: JobErrorCode;
  readonly em?: string;
}

/** How a job ended. */
export type End = { readonly ref: JobRef } & ({ readonly filed: FiledResult } | { readonly error: JobError });

/**
 * Writes how jobs of a batch ended, where they haven't yet; each by a write of its own, so a job costs one.
 * @returns how many rows there are now that this batch wrote, whoever did it: the same for all who write them
 */
export async function endJobs(
  context: Context,
  { id, generation }: Pick<Batch, 'id' | 'generation'>,
  ends: readonly End[],
  at: number,
): Promise<Tallies> {
  const tallies = new Tallies();
  const ttl = jobTtl(context);
  await inParallel(ends, WRITES_AT_ONCE, async (end) => {
    const { submission, chunk, index } = end.ref;
    const key = jobKey(submission, chunk, index);
    const item = { ...key, g: generation, at, by: id, ttl, ...(await columnsOf(context, end)) };
    const outcome = await context.store.write({ key, item, condition: isOpenIn(generation) });
    const row = outcome.done ? (item as unknown as JobRow) : (outcome.failed.get(0) as JobRow | undefined);
    if (row?.by !== id || row.g !== generation) return;
    if (row.st === 'Processed') tallies.add(submission, 'processed', 1);
    if (row.st === 'Failed') tallies.add(submission, 'failed', 1);
  });
  return tallies;
}

/** No row says that the job has ended in this generation. */
export const isOpenIn = (generation: number) =>
  either(absent('pk'), both(equal('st', 'Queued'), equal('g', generation)));

async function columnsOf({ blobs, inline }: Context, end: End): Promise<Item> {
  if ('error' in end) return { st: 'Failed', ec: end.error.code, em: end.error.message };
  const { ref, result, place } = end.filed;
  if (Buffer.byteLength(result) <= RESULT_TIMES * inline) return { st: 'Processed', r: result };
  if (place) return { st: 'Processed', ro: place.object, rf: place.from, rt: place.to };
  // It stands nowhere as it is (a CSV row): it gets an object of its own.
  const object = `result/large/${ref.submission}/${ref.chunk}/${ref.index}`;
  await blobs.put(object, result);
  return { st: 'Processed', ro: object, rf: 0, rt: Buffer.byteLength(result) };
}

export function placeOf({ ro, rf, rt }: JobRow): ResultPlace | undefined {
  return ro === undefined ? undefined : { object: ro, from: rf ?? 0, to: rt ?? 0 };
}

/** Rows of jobs `from` to `to` (exclusive) of a chunk, by index. */
export async function jobRows(
  { store }: Context,
  submission: string,
  chunk: number,
  from: number,
  to: number,
): Promise<Map<number, JobRow>> {
  const { pk, sk } = jobKey(submission, chunk, from);
  const rows = new Map<number, JobRow>();
  if (to <= from) return rows;
  for await (const item of store.query({ pk, from: sk, to: jobKey(submission, chunk, to - 1).sk }))
    rows.set(Number(item['sk']), item as JobRow);
  return rows;
}
