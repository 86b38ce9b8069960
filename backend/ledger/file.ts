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

interface ChunkResults {
  readonly submission: string;
  readonly n: number;
  /** By job index: the result, and the batch that it is filed for. */
  readonly results: Map<number, { readonly filed: FiledResult; readonly batch: Batch }>;
}

export async function fileResults(context: Context, filings: readonly Filing[], at: number): Promise<void> {
  const rows = (
    await batchRows(
      context,
      filings.map(({ batch }) => batch),
    )
  ).filter((row) => row !== undefined && row.state !== 'Done' && row.state !== 'Failed') as BatchRow[];
  const batches = await withMembers(context, rows);
  const byId = new Map(batches.map((batch) => [batch.id, batch]));
  const chunks = new Map<string, ChunkResults>();
  for (const { batch: id, results } of filings) {
    const batch = byId.get(id);
    if (batch) for (const filed of results) add(chunks, batch, filed);
  }
  const changes = [...chunks.values()].map(
    (chunk): HeadChange => ({
      submission: chunk.submission,
      n: chunk.n,
      of: (found) => changeOf(chunk, found, at),
    }),
  );
  const heads = new Map<string, FoundHead | undefined>();
  for (const [i, head] of (await changeHeads(context, changes)).entries()) {
    const { submission, n } = changes[i] as HeadChange;
    heads.set(chunkName(submission, n), head);
  }
  await endWhole(context, rows, batches, heads);
}

function add(chunks: Map<string, ChunkResults>, batch: Batch, filed: FiledResult): void {
  const { submission, chunk: n, index } = filed.ref;
  const name = chunkName(submission, n);
  const known = chunks.get(name) ?? { submission, n, results: new Map() };
  chunks.set(name, known);
  if (!known.results.has(index)) known.results.set(index, { filed, batch });
}

/** What filing makes of a head. */
function changeOf({ results }: ChunkResults, { head }: FoundHead, at: number): Change | undefined {
  const kept: KeptJob[] = [];
  const tallies = new Map<number, Tally>();
  const generations = new Map<number, number>();
  for (const index of [...results.keys()].sort((a, b) => a - b)) {
    const { filed, batch } = results.get(index) as { filed: FiledResult; batch: Batch };
    if (!isOpenFor(head, index, batch)) continue;
    const { result, place } = filed;
    kept.push({ index, kept: place ? { result, place } : { result } });
    generations.set(index, batch.generation);
    const shard = counterShardOf(batch.root);
    tallies.set(shard, addTally(tallies.get(shard) ?? {}, { processed: 1 }));
  }
  if (kept.length === 0) return undefined;
  const ended = endJobs(head, generations.keys(), (index) => ({
    status: 'Processed',
    generation: generations.get(index) as number,
    at,
    segment: NEW,
  }));
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
