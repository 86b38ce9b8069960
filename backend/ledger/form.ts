/**
 * Forming batches. A batch is recorded as Forming with the candidates that it asks for; each head then says which of them it
 * has, and goes on saying so. So everyone who forms a batch that is still Forming finds the same members, and one that was
 * left half done is formed by forming it again.
 */
import { type Batch, type Cut, countJobs, type Member, membersOf } from '../core/batch.ts';
import { type Head, type Holder, hasFree, hold, isFree, mayRetry, retake } from '../core/chunk-head.ts';
import { cutBatchId, type JobRef } from '../core/ids.ts';
import { inParallel } from '../core/in-parallel.ts';
import { equal } from '../core/items.ts';
import type { Write } from '../ports/store.ts';
import { type BatchRow, membersWrite, newBatch, packMembers } from './batch-rows.ts';
import { batchRow, membersOfRow } from './batches.ts';
import { cancelAt } from './cancel.ts';
import { type Change, changeHeads, type HeadChange } from './change-heads.ts';
import type { Context } from './context.ts';
import type { FoundHead } from './heads.ts';
import { batchKey, counterShardOf, OPEN_ATTRIBUTES } from './keys.ts';
import { metaOf } from './submissions.ts';

/** Batches that are recorded at once. */
const AT_ONCE = 32;

/** @returns the batches with their members, in the order of the drafts */
export async function form(context: Context, drafts: readonly Batch[]): Promise<Batch[]> {
  const cuts = new Map<string, Batch>();
  const whole: Batch[] = [];
  for (const draft of drafts) {
    const { cut } = draft;
    if (!cut) whole.push(draft);
    else if (!cuts.has(cut.base)) cuts.set(cut.base, draft);
  }
  const formed = new Map<string, Batch>();
  await inParallel(whole, AT_ONCE, async (draft) => {
    formed.set(draft.id, await formOne(context, draft));
  });
  for (const one of cuts.values())
    for (const batch of await formCut(context, one)) formed.set(batch.id, batch);
  return drafts.map((draft) => formed.get(draft.id) ?? { ...draft, members: [], jobs: 0, state: 'Done' });
}

async function formOne(context: Context, draft: Batch): Promise<Batch> {
  const known = await record(context, draft);
  if (known && known.state !== 'Forming') return asItIs(context, draft, known);
  const taken = draft.generation > 0 ? await retakeJobs(context, draft) : await takeChunks(context, draft);
  return settle(context, draft, taken);
}

/** Records a batch; gives its row where it was there already. */
async function record(context: Context, draft: Batch): Promise<BatchRow | undefined> {
  const outcome = await context.store.transact(newBatch(context, draft));
  if (outcome.done) return undefined;
  return (outcome.failed.get(0) as BatchRow | undefined) ?? (await batchRow(context, draft.id));
}

async function asItIs(context: Context, draft: Batch, row: BatchRow): Promise<Batch> {
  const members = await membersOfRow(context, row);
  return { ...draft, members, jobs: row.jobs, state: row.state };
}

/** The batch that its line's jobs are held for. */
const holderOf = ({ root, generation }: Batch): Holder => ({ root, generation });

/** Takes what no batch has of the candidate chunks. */
async function takeChunks(context: Context, draft: Batch): Promise<JobRef[]> {
  const holder = holderOf(draft);
  return changeMembers(context, draft, holder, ({ head }, wanted) => {
    const takes = (index: number) => wanted(index) && isFree(head, index);
    if (!head.holders.some((_, index) => takes(index))) return undefined;
    return { head: hold(head, (index) => (wanted(index) ? holder : undefined)), tallies: NONE };
  });
}

const NONE: Change['tallies'] = new Map();

/** Takes those of the candidates that have failed in an earlier generation. */
async function retakeJobs(context: Context, draft: Batch): Promise<JobRef[]> {
  const holder = holderOf(draft);
  const shard = counterShardOf(draft.id);
  const goesOn = await isUnderWay(context, draft);
  return changeMembers(context, draft, holder, ({ head }, wanted) => {
    const indexes = head.ends.flatMap((_, index) =>
      goesOn && wanted(index) && mayRetry(head, index, draft.generation) ? [index] : [],
    );
    if (indexes.length === 0) return undefined;
    return {
      head: retake(head, indexes, holder),
      tallies: new Map([[shard, { retried: indexes.length }]]),
    };
  });
}

/** Changes the heads of a batch's candidates; gives the jobs that they say are the batch's. */
async function changeMembers(
  context: Context,
  { members }: Pick<Batch, 'members'>,
  holder: Holder,
  change: (found: FoundHead, wanted: (index: number) => boolean) => Change | undefined,
): Promise<JobRef[]> {
  const byChunk = new Map<string, { submission: string; n: number; ranges: Member[] }>();
  for (const member of members) {
    const key = `${member.submission} ${member.chunk}`;
    const known = byChunk.get(key);
    if (known) known.ranges.push(member);
    else byChunk.set(key, { submission: member.submission, n: member.chunk, ranges: [member] });
  }
  const chunks = [...byChunk.values()];
  const heads = await changeHeads(
    context,
    chunks.map(({ submission, n, ranges }): HeadChange => {
      const wanted = (index: number) => ranges.some(({ from, to }) => from <= index && index < to);
      return { submission, n, of: (found) => change(found, wanted) };
    }),
  );
  return chunks.flatMap(({ submission, n }, i) => {
    const head = heads[i]?.head;
    return head ? heldBy(head, holder).map((index) => ({ submission, chunk: n, index })) : [];
  });
}

function heldBy(head: Head, { root, generation }: Holder): number[] {
  return head.holders.flatMap((holder, index) =>
    holder?.root === root && holder.generation === generation ? [index] : [],
  );
}

/** Gives a Forming batch the members that its heads say it has. */
async function settle(context: Context, draft: Batch, taken: readonly JobRef[]): Promise<Batch> {
  const members = membersOf(taken);
  const batch = { ...draft, members, jobs: countJobs(members) };
  if (batch.jobs > 0 && draft.generation > 0) await unlessCancelled(context, batch);
  if (packMembers(members) === packMembers(draft.members)) return batch;
  const packed = packMembers(members);
  const row = await batchRow(context, draft.id);
  if (row?.state !== 'Forming') return row ? asItIs(context, draft, row) : batch;
  const done = batch.jobs === 0;
  const set = { jobs: batch.jobs, ...(done ? { state: 'Done' } : {}) };
  const writes: Write[] = [
    {
      key: batchKey(draft.id),
      changes: {
        set: row.members === undefined ? set : { ...set, members: packed },
        ...(done ? { remove: OPEN_ATTRIBUTES } : {}),
      },
      condition: equal('state', 'Forming'),
    },
  ];
  if (row.members === undefined) writes.push(membersWrite(row.id, packed, row.ttl));
  if ((await context.store.transact(writes)).done) return { ...batch, state: done ? 'Done' : 'Forming' };
  const moved = await batchRow(context, draft.id);
  return moved ? asItIs(context, draft, moved) : batch;
}

/** Whether the retry that a batch was drafted for goes on. */
async function isUnderWay(context: Context, { members, generation }: Batch): Promise<boolean> {
  const meta = await metaOf(context, members[0]?.submission ?? '');
  return meta?.retrying !== undefined && meta.generation === generation;
}

/**
 * A cancel that came while a retry took its jobs may have passed them by before they were put back. (That the retry is not
 * under way any more says nothing: it may have ended.)
 */
async function unlessCancelled(context: Context, batch: Batch): Promise<void> {
  const meta = await metaOf(context, batch.members[0]?.submission ?? '');
  if (meta?.cancelled === undefined || meta.cancelled < batch.generation) return;
  for (const { submission, chunk, from, to } of batch.members) {
    const indexes = new Set(Array.from({ length: to - from }, (_, i) => from + i));
    await cancelAt(context, submission, chunk, indexes, context.clock.now());
  }
}

/**
 * Forms all batches of a cut chunk, by one of them: who began with it may have died between two. All are recorded before the
 * head names them, in one change.
 */
async function formCut(context: Context, draft: Batch): Promise<Batch[]> {
  const { size } = draft.cut as Cut;
  const { submission, chunk } = draft.members[0] as Member;
  let batches: Batch[] = [];
  const recorded = new Set<string>();
  const take: HeadChange = {
    submission,
    n: chunk,
    of: async ({ head, row }) => {
      batches = cutOf(draft, row.jobs);
      await inParallel(
        batches.filter(({ id }) => !recorded.has(id)),
        AT_ONCE,
        async (batch) => {
          await context.store.transact(newBatch(context, batch));
          recorded.add(batch.id);
        },
      );
      // It is taken whole, or was by others.
      if (head.holders.some((holder) => holder !== undefined) || !hasFree(head)) return undefined;
      const holders = batches.map(holderOf);
      return { head: hold(head, (index) => holders[Math.floor(index / size)]), tallies: NONE };
    },
  };
  const [found] = await changeHeads(context, [take]);
  if (!found) return [];
  return inParallel(batches, AT_ONCE, (batch) => {
    const indexes = heldBy(found.head, holderOf(batch));
    return settle(
      context,
      batch,
      indexes.map((index) => ({ submission, chunk, index })),
    );
  });
}

/** The batches that a chunk of so many jobs is cut into. */
function cutOf(draft: Batch, jobs: number): Batch[] {
  const { base, size } = draft.cut as Cut;
  const { submission, chunk } = draft.members[0] as Member;
  return Array.from({ length: Math.ceil(jobs / size) }, (_, i) => {
    const id = cutBatchId(base, i);
    const [from, to] = [i * size, Math.min((i + 1) * size, jobs)];
    return { ...draft, id, root: id, members: [{ submission, chunk, from, to }], jobs: to - from };
  });
}
