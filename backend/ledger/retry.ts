import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { mayRetry } from '../core/chunk-head.ts';
import { formatJobId, type JobRef, parseJobId } from '../core/ids.ts';
import { absent, both, either, equal } from '../core/items.ts';
import { SCHEMA_VERSION } from '../core/schema-version.ts';
import { statusCounts } from '../core/submission.ts';
import type { ChangeLedger } from '../ports/ledger.ts';
import type { Write } from '../ports/store.ts';
import { type Context, lastTtlOf } from './context.ts';
import { allHeads, type FoundHead, loadHeads } from './heads.ts';
import { metaKey, namedJobsKey, OPEN_ATTRIBUTES, openIn } from './keys.ts';
import { anyMetaOf, type Meta, metaOf, readSubmission } from './submissions.ts';

type RetryLedger = Pick<ChangeLedger, 'beginRetry' | 'jobsToRetry' | 'endRetry'>;

/** Heads read at a time. */
const PAGE = 25;

export function retryLedger(context: Context): RetryLedger {
  const { store } = context;
  return {
    async beginRetry(id, generation, jobs) {
      const meta = await anyMetaOf(context, id);
      if (!meta || meta.generation !== generation || meta.retrying !== undefined) return false;
      if (!(await anyFailed(context, id, generation + 1, jobs))) return false;
      const writes: Write[] = [];
      if (jobs !== 'all') {
        const key = namedJobsKey(id);
        const body = deflateRawSync(JSON.stringify(jobs.map(formatJobId)));
        writes.push({
          key,
          item: { ...key, generation: generation + 1, body, ttl: lastTtlOf(context, meta.at) },
        });
      }
      const set = {
        ...(meta.kind === 'single' ? { ...meta, v: SCHEMA_VERSION, ttl: lastTtlOf(context, meta.at) } : {}),
        generation: generation + 1,
        retrying: jobs === 'all' ? 'all' : 'named',
        ...openIn('changing', meta.at, id),
      };
      const still = both(equal('generation', generation), absent('retrying'));
      writes.unshift({
        key: metaKey(id),
        changes: { set, remove: ['announced'] },
        // A single job has no meta item until it is retried.
        condition: meta.kind === 'single' ? either(absent('pk'), still) : still,
      });
      return (await store.transact(writes)).done;
    },

    async jobsToRetry(id, from, limit, bytes) {
      const meta = await metaOf(context, id);
      const nothing = { jobs: [], next: undefined };
      if (meta?.retrying === undefined) return nothing;
      const chosen = meta.retrying === 'all' ? undefined : await namedJobs(context, id, meta);
      const found: JobRef[] = [];
      let sum = 0;
      for await (const chunk of headsFrom(context, id, from, chosen)) {
        const { row, n, head } = chunk;
        for (const index of head.ends.keys()) {
          if (!mayRetry(head, index, meta.generation) || chosen?.get(n)?.has(index) === false) continue;
          sum += row.bytes / row.jobs;
          if (found.length > 0 && (found.length === limit || sum > bytes)) return { jobs: found, next: n };
          found.push({ submission: id, chunk: n, index });
        }
      }
      return { jobs: found, next: undefined };
    },

    async endRetry(id, generation) {
      const meta = await metaOf(context, id);
      if (meta?.retrying === undefined || meta.generation !== generation) return;
      const single = meta.kind === 'single';
      await store.write({
        key: metaKey(id),
        changes: single
          ? { remove: ['retrying', ...OPEN_ATTRIBUTES] }
          : { set: openIn('submission', meta.at, id), remove: ['retrying'] },
        condition: both(equal('generation', generation), equal('retrying', meta.retrying)),
      });
    },
  };
}

/** Whether a retry would have anything to do. For all jobs the counters say so. */
async function anyFailed(
  context: Context,
  id: string,
  generation: number,
  jobs: 'all' | readonly JobRef[],
): Promise<boolean> {
  if (jobs === 'all') {
    const submission = await readSubmission(context, id);
    return submission !== undefined && statusCounts(submission.counters).Failed > 0;
  }
  const heads = await loadHeads(
    context,
    jobs.map(({ submission, chunk }) => ({ submission, n: chunk })),
  );
  return jobs.some(({ index }, i) => {
    const head = heads[i]?.head;
    return head !== undefined && mayRetry(head, index, generation);
  });
}

/** The jobs that a retry names, by chunk. */
async function namedJobs(
  { store }: Context,
  id: string,
  { generation }: Meta,
): Promise<ReadonlyMap<number, ReadonlySet<number>>> {
  const item = await store.get(namedJobsKey(id));
  const named = new Map<number, Set<number>>();
  if (item?.['generation'] !== generation) return named;
  const ids = JSON.parse(inflateRawSync(item['body'] as Uint8Array).toString()) as string[];
  for (const ref of ids.flatMap((text) => parseJobId(text) ?? [])) {
    const indexes = named.get(ref.chunk) ?? new Set();
    named.set(ref.chunk, indexes.add(ref.index));
  }
  return named;
}

/** Heads of a submission from a chunk on: all, or those that jobs are chosen of. */
async function* headsFrom(
  context: Context,
  id: string,
  from: number,
  chosen: ReadonlyMap<number, unknown> | undefined,
): AsyncGenerator<FoundHead> {
  if (!chosen) {
    yield* allHeads(context, id, from);
    return;
  }
  const numbers = [...chosen.keys()].filter((n) => n >= from).sort((a, b) => a - b);
  for (let i = 0; i < numbers.length; i += PAGE) {
    const some = numbers.slice(i, i + PAGE).map((n) => ({ submission: id, n }));
    for (const found of await loadHeads(context, some)) if (found) yield found;
  }
}
