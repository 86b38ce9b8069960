/**
 * Failing a batch. That is decided once: its row says that it is Ending, with which error, and nothing leaves that state but
 * Failed. Then its jobs are failed by chunk, those that are still open; a success that reaches a head first stands. Every
 * step may be the last of a process: the row is open work until it is Failed.
 */
import { type Batch, jobsOf } from '../core/batch.ts';
import { endJobs, isOpenFor } from '../core/chunk-head.ts';
import { type Condition, equal } from '../core/items.ts';
import type { JobError } from '../core/job.ts';
import { type BatchRow, type Ending, isFresh, openAs } from './batch-rows.ts';
import { withMembers } from './batches.ts';
import { type Change, changeHeads, type HeadChange, NEW } from './change-heads.ts';
import type { Context } from './context.ts';
import { form } from './form.ts';
import type { FoundHead } from './heads.ts';
import { batchKey, counterShardOf, OPEN_ATTRIBUTES } from './keys.ts';

/**
 * Fails a batch and its open jobs.
 * @param still what its row must still say
 * @returns whether it was this call that decided it
 */
export async function failBatch(
  context: Context,
  row: BatchRow,
  error: JobError,
  at: number,
  still: Condition,
): Promise<boolean> {
  const ending: Ending = { error, at };
  const set = {
    state: 'Ending',
    ending: JSON.stringify(ending),
    reason: JSON.stringify(error),
    ...openAs('Ending', row),
  };
  const { done } = await context.store.write({ key: batchKey(row.id), changes: { set }, condition: still });
  if (done) await finishFailing(context, { ...row, ...set, state: 'Ending' });
  return done;
}

/** Fails a batch that is not started yet. What it asked for and has not taken yet it takes first, so that no other call takes it later. */
export async function failUnstarted(
  context: Context,
  row: BatchRow,
  error: JobError,
  at: number,
): Promise<boolean> {
  if (row.state === 'Forming') {
    const [batch] = await withMembers(context, [row]);
    if (batch && batch.parent === undefined) await form(context, [batch]);
  }
  return failBatch(context, row, error, at, equal('state', row.state));
}

/** Goes on with failing a batch whose row says Ending. */
export async function finishFailing(context: Context, row: BatchRow): Promise<void> {
  const [batch] = (await withMembers(context, [row])) as [Batch];
  const { error, at } = JSON.parse(row.ending as string) as Ending;
  const wanted = new Map<string, { submission: string; n: number; indexes: Set<number> }>();
  for (const { submission, chunk, index } of jobsOf(batch.members)) {
    const name = `${submission} ${chunk}`;
    const known = wanted.get(name) ?? { submission, n: chunk, indexes: new Set() };
    wanted.set(name, known);
    known.indexes.add(index);
  }
  await changeHeads(
    context,
    [...wanted.values()].map(
      ({ submission, n, indexes }): HeadChange => ({
        submission,
        n,
        of: (found) => changeOf(batch, isFresh(row), found, indexes, error, at),
      }),
    ),
  );
  await context.store.write({
    key: batchKey(row.id),
    changes: { set: { state: 'Failed' }, remove: OPEN_ATTRIBUTES },
    condition: equal('state', 'Ending'),
  });
}

function changeOf(
  batch: Batch,
  queued: boolean,
  { head }: FoundHead,
  wanted: ReadonlySet<number>,
  error: JobError,
  at: number,
): Change | undefined {
  const open = [...wanted].filter((index) => isOpenFor(head, index, batch));
  if (open.length === 0) return undefined;
  const { generation } = batch;
  const failed = endJobs(head, open, { status: 'Failed', generation, at, segment: NEW });
  // Jobs that fail in the queue leave it thereby.
  const tally = { failed: open.length, ...(queued ? { started: open.length } : {}) };
  return {
    head: failed,
    tallies: new Map([[counterShardOf(batch.root), tally]]),
    kept: open.map((index) => ({ index, kept: { error } })),
  };
}
