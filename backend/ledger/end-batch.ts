/**
 * Ending a batch, in three steps that may each be the last one of a process: the row says what is being done (so that
 * whoever finds it goes on with just that), each job's row is written where its job is open, and one transaction ends the
 * batch and counts what it wrote. Counting is exact, as a row says which batch wrote it and is never written over.
 */
import { jobsOf } from '../core/batch.ts';
import { both, type Condition, oneOf, present } from '../core/items.ts';
import type { JobError } from '../core/job.ts';
import { TRANSACT_MOST } from '../ports/store.ts';
import { type BatchRow, type Ending, isFresh } from './batch-rows.ts';
import { membersOfRow } from './batches.ts';
import { type Context, jobTtl, Tallies } from './context.ts';
import { countWrites } from './counters.ts';
import { type End, endJobs } from './job-rows.ts';
import { batchKey, failureKey, rootOf } from './keys.ts';

/**
 * The last step: ends a batch that says `doing`.
 * @param written rows that the batch wrote, by submission
 * @returns whether it was this call that ended it
 */
export async function endBatch(
  context: Context,
  row: BatchRow,
  state: 'Done' | 'Failed',
  doing: 'filing' | 'ending',
  written: Tallies,
  error?: JobError,
): Promise<boolean> {
  const tallies = new Tallies();
  if (!row.single)
    for (const [submission, { processed = 0, failed = 0 }] of written.entries()) {
      tallies.add(submission, 'processed', processed);
      tallies.add(submission, 'failed', failed);
      // Jobs that fail in the queue leave it thereby.
      if (isFresh(row)) tallies.add(submission, 'started', failed + processed);
    }
  const counts = countWrites(context, tallies, rootOf(row.id));
  if (counts.length >= TRANSACT_MOST) throw new Error(`batch ${row.id} holds jobs of too many submissions`);
  const outcome = await context.store.transact([
    {
      key: batchKey(row.id),
      changes: {
        set: { state, ...(error ? { reason: JSON.stringify(error) } : {}) },
        remove: [doing, 'openKey', 'openAt'],
      },
      condition: both(present(doing), oneOf('state', ['Forming', 'Waiting', 'Running', 'Held', 'Split'])),
    },
    ...counts,
  ]);
  return outcome.done;
}

/**
 * Fails a batch and its open jobs.
 * @param still what the row must still say for this to begin
 * @returns whether it was this call that ended it
 */
export async function failBatch(
  context: Context,
  row: BatchRow,
  error: JobError,
  at: number,
  still: Condition,
): Promise<boolean> {
  let ending: Ending = { error, at };
  if (row.ending !== undefined) ending = JSON.parse(row.ending) as Ending;
  else {
    const changes = { set: { ending: JSON.stringify(ending) } };
    if (!(await context.store.write({ key: batchKey(row.id), changes, condition: still })).done) return false;
  }
  const members = await membersOfRow(context, row);
  // Before the first failed row of a chunk: what looks for failures must find it.
  const chunks = new Map(
    members.map(({ submission, chunk }) => [`${submission}.${chunk}`, failureKey(submission, chunk)]),
  );
  await context.store.putAll([...chunks.values()].map((key) => ({ ...key, ttl: jobTtl(context) })));
  const ends = [...jobsOf(members)].map((ref): End => ({ ref, error: ending.error }));
  const written = await endJobs(context, row, ends, ending.at);
  return endBatch(context, row, 'Failed', 'ending', written, ending.error);
}
