import { membersOf } from '../core/batch.ts';
import { formatJobId, type JobRef, parseJobId } from '../core/ids.ts';
import { absent, below, both, equal } from '../core/items.ts';
import type { ChangeLedger } from '../ports/ledger.ts';
import { newBatch } from './batch-rows.ts';
import { loadBatch } from './batches.ts';
import { cancelInChunk } from './cancel.ts';
import type { Context } from './context.ts';
import type { JobRow } from './job-rows.ts';
import { chunkKey, failureKey, jobKey, metaKey, openIn } from './keys.ts';
import { type ChunkRow, chunkNumber } from './read.ts';
import { type Meta, metaOf } from './submissions.ts';

type RetryLedger = Pick<ChangeLedger, 'beginRetry' | 'jobsToRetry' | 'formRetryBatch' | 'endRetry'>;

export function retryLedger(context: Context): RetryLedger {
  const { store } = context;
  return {
    async beginRetry(id, generation, jobs) {
      const meta = await metaOf(context, id);
      if (!meta || meta.generation !== generation || meta.retrying !== undefined) return false;
      const any = await failedJobs(context, id, generation + 1, jobs, 1);
      if (any.length === 0) return false;
      const retrying = JSON.stringify(jobs === 'all' ? 'all' : jobs.map(formatJobId));
      const outcome = await store.write({
        key: metaKey(id),
        changes: {
          set: { generation: generation + 1, retrying, ...openIn('submission', meta.acceptedAt, id) },
          remove: ['announced'],
        },
        condition: both(equal('generation', generation), absent('retrying')),
      });
      return outcome.done;
    },

    async jobsToRetry(id, limit, bytes) {
      const meta = await metaOf(context, id);
      const chosen = chosenJobs(meta);
      if (!meta || chosen === undefined) return [];
      return withinBytes(context, await failedJobs(context, id, meta.generation, chosen, limit), bytes);
    },

    async formRetryBatch(draft) {
      const known = await loadBatch(context, draft.id);
      if (known) return known;
      const submission = draft.members[0]?.submission ?? '';
      const meta = await metaOf(context, submission);
      const goesOn = (now: Meta | undefined) =>
        now?.retrying !== undefined && now.generation === draft.generation;
      const single = meta?.kind === 'single';
      if (!goesOn(meta)) {
        const none = { ...draft, members: [], jobs: 0 };
        await store.transact(newBatch(context, none, { state: 'Done', single }));
        return none;
      }
      await store.transact(newBatch(context, draft, { state: 'Forming', single, unsettled: 'retry' }));
      const batch = await loadBatch(context, draft.id);
      if (!batch) throw new Error(`batch ${draft.id} was recorded and is not in the table`);
      // A cancel that came meanwhile may have passed these jobs by before they were put back.
      if (!goesOn(await metaOf(context, submission)))
        for (const { chunk, from, to } of batch.members) {
          const indexes = new Set(Array.from({ length: to - from }, (_, i) => from + i));
          await cancelInChunk(context, submission, chunk, indexes, context.clock.now());
        }
      return batch;
    },

    async endRetry(id, generation) {
      const condition = equal('generation', generation);
      await store.write({ key: metaKey(id), changes: { remove: ['retrying'] }, condition });
    },
  };
}

function chosenJobs(meta: Meta | undefined): 'all' | JobRef[] | undefined {
  if (meta?.retrying === undefined) return undefined;
  const chosen = JSON.parse(meta.retrying) as 'all' | string[];
  return chosen === 'all' ? chosen : chosen.flatMap((id) => parseJobId(id) ?? []);
}

/** Up to `limit` jobs, all or of those named, that failed in a generation before `generation`, in order. */
async function failedJobs(
  { store }: Context,
  submission: string,
  generation: number,
  jobs: 'all' | readonly JobRef[],
  limit: number,
): Promise<JobRef[]> {
  if (jobs !== 'all') {
    const distinct = [...new Map(jobs.map((ref) => [formatJobId(ref), ref])).values()];
    const rows = await store.getAll(distinct.map((ref) => jobKey(ref.submission, ref.chunk, ref.index)));
    return distinct
      .filter((_, i) => {
        const row = rows[i] as JobRow | undefined;
        return row?.st === 'Failed' && row.g < generation;
      })
      .sort((a, b) => a.chunk - b.chunk || a.index - b.index)
      .slice(0, limit);
  }
  const found: JobRef[] = [];
  const { pk, sk } = failureKey(submission, 0);
  for await (const item of store.query({ pk, from: sk, to: 'f#~' })) {
    const chunk = chunkNumber(item as ChunkRow);
    const where = both(equal('st', 'Failed'), below('g', generation));
    for await (const row of store.query({ pk: jobKey(submission, chunk, 0).pk, where })) {
      found.push({ submission, chunk, index: Number(row['sk']) });
      if (found.length === limit) return found;
    }
  }
  return found;
}

/** The first jobs that together have about `bytes`, by the average of their chunks; at least one. */
async function withinBytes(
  { store }: Context,
  jobs: readonly JobRef[],
  bytes: number,
): Promise<readonly JobRef[]> {
  const members = membersOf(jobs);
  const rows = await store.getAll(members.map(({ submission, chunk }) => chunkKey(submission, chunk)));
  const averages = new Map(
    members.map(({ chunk }, i) => {
      const row = rows[i] as ChunkRow | undefined;
      return [chunk, row ? row.bytes / row.jobs : 0];
    }),
  );
  let sum = 0;
  const end = jobs.findIndex(({ chunk }, i) => {
    sum += averages.get(chunk) ?? 0;
    return i > 0 && sum > bytes;
  });
  return end < 0 ? jobs : jobs.slice(0, end);
}
