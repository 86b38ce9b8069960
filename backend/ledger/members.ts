/**
 * Which jobs a batch really has. A batch is recorded with the candidates that it asks for; each of these then goes to one
 * batch by a conditional write that names it, so that everyone who settles the same batch finds the same members.
 */
import { countJobs, jobsOf, type Member, membersOf } from '../core/batch.ts';
import type { JobRef } from '../core/ids.ts';
import { inParallel } from '../core/in-parallel.ts';
import { absent, below, both, equal, type Item, present, type Value } from '../core/items.ts';
import { allOf, TRANSACT_MOST, type Write } from '../ports/store.ts';
import { type BatchRow, membersWrite, newBatch, packMembers, toBatch } from './batch-rows.ts';
import { type Context, jobTtl, Tallies, ttlAfter } from './context.ts';
import { countWrites } from './counters.ts';
import { batchKey, chunkKey, jobKey } from './keys.ts';

/** Writes of one batch that are under way at once: a partition takes 1,000 a second. */
export const WRITES_AT_ONCE = 48;

/** Ranges of a chunk: `[from, to, batch]`. */
export type Ranges = readonly (readonly [from: number, to: number, batch: string])[];

/** Claims what is left to claim of a batch's candidates, and records its members. Safe to repeat, by several at once. */
export async function settleMembers(
  context: Context,
  row: BatchRow,
  candidates: readonly Member[],
): Promise<void> {
  const { members, gone } =
    row.unsettled === 'retry'
      ? { members: await claimFailedJobs(context, row, candidates), gone: 0 }
      : await claimChunks(context, row, candidates);
  const jobs = countJobs(members);
  const set: Record<string, Value> = { jobs };
  const remove = ['unsettled', 'cuts'];
  const writes: Write[] = [];
  if (jobs === 0) {
    set['state'] = 'Done';
    remove.push('openKey', 'openAt');
  }
  const packed = packMembers(members);
  if (packed !== packMembers(candidates)) {
    if (row.members !== undefined) set['members'] = packed;
    else writes.push(membersWrite(row.id, packed, ttlAfter(context, row.waitDeadline)));
  }
  const changes = { set, remove, ...(gone > 0 ? { add: { gone } } : {}) };
  writes.unshift({ key: batchKey(row.id), changes, condition: present('unsettled') });
  if (row.unsettled === 'retry' && !row.single) {
    const tallies = new Tallies();
    for (const { submission, from, to } of members) tallies.add(submission, 'retried', to - from);
    writes.push(...countWrites(context, tallies, row.id));
  }
  if (writes.length > TRANSACT_MOST) throw new Error(`batch ${row.id} holds jobs of too many submissions`);
  await context.store.transact(writes);
}

/** Gives the batch each candidate chunk that no batch has. `gone`: jobs of these that were cancelled before. */
async function claimChunks(
  context: Context,
  row: BatchRow,
  candidates: readonly Member[],
): Promise<{ members: Member[]; gone: number }> {
  const cuts = JSON.parse(row.cuts ?? '{}') as Record<string, Ranges>;
  await recordSiblings(context, row, cuts);
  const claims = await inParallel(candidates, WRITES_AT_ONCE, async (member) => {
    const { submission, chunk, from, to } = member;
    const ranges = cuts[`${submission}.${chunk}`] ?? [[from, to, row.id]];
    const key = chunkKey(submission, chunk);
    const outcome = await context.store.write({
      key,
      changes: { set: { ranges: JSON.stringify(ranges) }, remove: ['openKey', 'openAt'] },
      condition: both(present('pk'), absent('ranges')),
    });
    // Whose it is now, and how many of it were cancelled before it was anyone's.
    const found: Item | undefined = outcome.done ? undefined : outcome.failed.get(0);
    const theirs = outcome.done ? ranges : (JSON.parse((found?.['ranges'] as string) ?? '[]') as Ranges);
    const mine = theirs.some(([start, end, batch]) => batch === row.id && start === from && end === to);
    return mine ? { member, gone: await cancelledBefore(context, member) } : undefined;
  });
  const taken = claims.filter((claim) => claim !== undefined);
  return {
    members: taken.map(({ member }) => member),
    gone: taken.reduce((sum, { gone }) => sum + gone, 0),
  };
}

/**
 * Records the other batches that cut chunks are to go to: whoever formed them may have died between two of them, and a chunk
 * names them all at once. A batch of a cut chunk has no other member (see planGather).
 */
async function recordSiblings(
  context: Context,
  row: BatchRow,
  cuts: Readonly<Record<string, Ranges>>,
): Promise<void> {
  for (const [key, ranges] of Object.entries(cuts)) {
    const dot = key.lastIndexOf('.');
    const [submission, chunk] = [key.slice(0, dot), Number(key.slice(dot + 1))];
    const others = ranges.filter(([, , batch]) => batch !== row.id);
    const known = await context.store.getAll(others.map(([, , batch]) => batchKey(batch)));
    for (const [i, [from, to, id]] of others.entries()) {
      if (known[i]) continue;
      const members = [{ submission, chunk, from, to }];
      const sibling = { ...toBatch(row, members), id, root: id, jobs: to - from };
      const { single, cuts } = row;
      await context.store.transact(
        newBatch(context, sibling, {
          state: 'Forming',
          single,
          unsettled: 'gather',
          ...(cuts === undefined ? {} : { cuts }),
        }),
      );
    }
  }
}

/** `by` of rows of jobs that were cancelled while no batch had their chunk. */
export const BY_NOBODY = '-';

async function cancelledBefore({ store }: Context, { submission, chunk, from, to }: Member): Promise<number> {
  const item = await store.get(chunkKey(submission, chunk));
  if (!item?.['gone']) return 0;
  const { pk, sk } = jobKey(submission, chunk, from);
  const rows = await allOf(store, { pk, from: sk, to: jobKey(submission, chunk, to - 1).sk });
  return rows.filter((row) => row['by'] === BY_NOBODY).length;
}

/** Moves each candidate job that has failed in an earlier generation to the batch; gives those that are its own. */
async function claimFailedJobs(
  context: Context,
  { id, generation }: BatchRow,
  candidates: readonly Member[],
): Promise<Member[]> {
  const taken = await inParallel([...jobsOf(candidates)], WRITES_AT_ONCE, async (ref): Promise<JobRef[]> => {
    const outcome = await context.store.write({
      key: jobKey(ref.submission, ref.chunk, ref.index),
      changes: {
        set: { st: 'Queued', g: generation, by: id, ttl: jobTtl(context) },
        remove: ['at', 'ec', 'em'],
      },
      condition: both(equal('st', 'Failed'), below('g', generation)),
    });
    if (outcome.done) return [ref];
    const found = outcome.failed.get(0);
    // Ours already, whatever has become of it since.
    return found?.['by'] === id && found['g'] === generation ? [ref] : [];
  });
  return membersOf(taken.flat());
}
