/**
 * Filing results, by chunk: what one step brings of a chunk is one segment and one change of its head. Results of jobs that
 * have ended, or that another generation holds, are dropped.
 */
import type { Batch } from '../core/batch.ts';
import { endJobs, isOpenFor } from '../core/chunk-head.ts';
import { inParallel } from '../core/in-parallel.ts';
import type { KeptJob } from '../core/segment.ts';
import type { FiledResult, Filing } from '../ports/ledger.ts';
import { type BatchRow, stillIn } from './batch-rows.ts';
import { batchRows, withMembers } from './batches.ts';
import { type Change, changeHeads, type HeadChange, NEW } from './change-heads.ts';
import type { Context } from './context.ts';
import { addTally, type Tally } from './counters.ts';
import type { FoundHead } from './heads.ts';
import { batchKey, counterShardOf, OPEN_ATTRIBUTES } from './keys.ts';
import { chunkName, openJobsOf } from './open-jobs.ts';

/** Batches that are ended at once. */
const AT_ONCE = 16;

/** Results of one chunk, by the batch that they are filed for. */
interface ChunkResults {
  readonly submission: string;
  readonly n: number;
  readonly parts: { readonly batch: Batch; readonly results: FiledResult[] }[];
}

export async function fileResults(context: Context, filings: readonly Filing[], at: number): Promise<void> {
  const ids = filings.map(({ batch }) => batch);
  const rows = (await batchRows(context, ids)).filter(
    (row): row is BatchRow => row !== undefined && row.state !== 'Done' && row.state !== 'Failed',
  );
  const batches = await withMembers(context, rows);
  const chunks = [...byChunk(filings, new Map(batches.map((batch) => [batch.id, batch]))).values()];
  const heads = await changeHeads(
    context,
    chunks.map(
      ({ submission, n, parts }): HeadChange => ({
        submission,
        n,
        of: (found) => changeOf(parts, found, at),
      }),
    ),
  );
  const known = new Map(chunks.map(({ submission, n }, i) => [chunkName(submission, n), heads[i]]));
  await endWhole(context, rows, batches, known);
}

function byChunk(filings: readonly Filing[], batches: ReadonlyMap<string, Batch>): Map<string, ChunkResults> {
  const chunks = new Map<string, ChunkResults>();
  for (const { batch: id, results } of filings) {
    const batch = batches.get(id);
    if (!batch) continue;
    // Results come in the order of their jobs, so those of one chunk stand together.
    let run: FiledResult[] | undefined;
    let last: FiledResult['ref'] | undefined;
    for (const filed of results) {
      const { ref } = filed;
      if (!run || last?.chunk !== ref.chunk || last.submission !== ref.submission) {
        run = [];
        const name = chunkName(ref.submission, ref.chunk);
        const known = chunks.get(name) ?? { submission: ref.submission, n: ref.chunk, parts: [] };
        chunks.set(name, known);
        known.parts.push({ batch, results: run });
      }
      last = ref;
      run.push(filed);
    }
  }
  return chunks;
}

/** What filing makes of a head. */
function changeOf(parts: ChunkResults['parts'], { head }: FoundHead, at: number): Change | undefined {
  let kept: KeptJob[] = [];
  let ended = head;
  const tallies = new Map<number, Tally>();
  for (const { batch, results } of parts) {
    const taken: number[] = [];
    for (const { ref, result, place } of results) {
      if (!isOpenFor(ended, ref.index, batch)) continue;
      kept.push({ index: ref.index, kept: place ? { result, place } : { result } });
      taken.push(ref.index);
    }
    if (taken.length === 0) continue;
    const { root, generation } = batch;
    ended = endJobs(ended, taken, { status: 'Processed', generation, at, segment: NEW });
    const shard = counterShardOf(root);
    tallies.set(shard, addTally(tallies.get(shard) ?? {}, { processed: taken.length }));
  }
  if (kept.length === 0) return undefined;
  if (parts.length > 1) kept = kept.sort((a, b) => a.index - b.index);
  return { head: ended, tallies, kept };
}

/** Ends the batches whose jobs have all ended. That never goes back, so it need not be seen in one moment. */
async function endWhole(
  context: Context,
  rows: readonly BatchRow[],
  batches: readonly Batch[],
  heads: ReadonlyMap<string, FoundHead | undefined>,
): Promise<void> {
  const open = await openJobsOf(context, batches, heads);
  const whole = rows.filter(({ id }) => open.get(id) === 0);
  await inParallel(whole, AT_ONCE, async ({ id }) => {
    await context.store.write({
      key: batchKey(id),
      changes: { set: { state: 'Done' }, remove: OPEN_ATTRIBUTES },
      condition: stillIn('Forming', 'Waiting', 'Running', 'Held', 'Split'),
    });
  });
}
