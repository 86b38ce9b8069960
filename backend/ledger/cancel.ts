import { endJobs } from '../core/chunk-head.ts';
import { both, equal, oneOf, present } from '../core/items.ts';
import type { ChangeLedger } from '../ports/ledger.ts';
import type { Write } from '../ports/store.ts';
import { closeWrites } from './accept.ts';
import { type BatchRow, isFresh } from './batch-rows.ts';
import { batchRowsById } from './batches.ts';
import { type Change, changeHeads } from './change-heads.ts';
import type { Context } from './context.ts';
import { addTally, type Tally } from './counters.ts';
import { allHeads, type FoundHead } from './heads.ts';
import { batchKey, COUNTER_SHARDS, counterShardOf, metaKey, openIn } from './keys.ts';
import { metaOf } from './submissions.ts';

/** Lines of batches whose jobs one transaction cancels: each is a write beside the head and up to 16 counters. */
const LINES_MOST = 40;

type CancelLedger = Pick<ChangeLedger, 'cancelJobs' | 'beginCancel' | 'cancelChunks' | 'endCancel'>;

export function cancelLedger(context: Context): CancelLedger {
  const { store } = context;
  return {
    async cancelJobs(refs, at) {
      const byChunk = new Map<string, { submission: string; n: number; indexes: Set<number> }>();
      for (const { submission, chunk, index } of refs) {
        const key = `${submission} ${chunk}`;
        const known = byChunk.get(key) ?? { submission, n: chunk, indexes: new Set() };
        byChunk.set(key, known);
        known.indexes.add(index);
      }
      let cancelled = 0;
      for (const { submission, n, indexes } of byChunk.values())
        cancelled += await cancelAt(context, submission, n, indexes, at);
      return cancelled;
    },

    beginCancel: (id) => beginCancel(context, id),

    async cancelChunks(id, from, limit, at) {
      let left = limit;
      for await (const { n, head } of allHeads(context, id, from)) {
        if (left-- === 0) return n;
        await cancelAt(context, id, n, new Set(head.ends.keys()), at);
      }
      return undefined;
    },

    async endCancel(id) {
      const meta = await metaOf(context, id);
      if (!meta) return;
      // Its end is to be announced.
      const set = openIn('submission', meta.at, id);
      const condition = both(present('pk'), present('cancelling'));
      await store.write({ key: metaKey(id), changes: { set, remove: ['cancelling'] }, condition });
    },
  };
}

/** Marks a submission as being cancelled, and closes it. */
async function beginCancel(context: Context, id: string): Promise<boolean> {
  const meta = await metaOf(context, id);
  if (!meta) return false;
  const begin: Write = {
    key: metaKey(id),
    changes: {
      set: {
        cancelling: true,
        cancelled: meta.generation,
        closed: true,
        ...openIn('changing', meta.at, id),
      },
      remove: ['retrying', 'announced'],
    },
    condition: equal('generation', meta.generation),
  };
  const [, ...shards] = closeWrites(context, meta, undefined);
  const { done } = await context.store.transact([begin, ...shards]);
  // A retry began meanwhile: that is cancelled then.
  return done || beginCancel(context, id);
}

/** Cancels those jobs of a chunk that have not ended; gives how many. */
export async function cancelAt(
  context: Context,
  submission: string,
  n: number,
  wanted: ReadonlySet<number>,
  at: number,
): Promise<number> {
  let cancelled = 0;
  for (let more = true; more; ) {
    let now = 0;
    more = false;
    const of = async (found: FoundHead): Promise<Change | undefined> => {
      const picked = await pick(context, found, wanted);
      more = picked.more;
      now = picked.indexes.length;
      if (now === 0) return undefined;
      let { head } = found;
      // A job keeps the generation of who holds it.
      const byGeneration = new Map<number, number[]>();
      for (const index of picked.indexes) {
        const generation = head.holders[index]?.generation ?? 0;
        byGeneration.set(generation, [...(byGeneration.get(generation) ?? []), index]);
      }
      for (const [generation, indexes] of byGeneration)
        head = endJobs(head, indexes, { status: 'Cancelled', generation, at, segment: undefined });
      return { head, tallies: picked.tallies, along: picked.along };
    };
    await changeHeads(context, [{ submission, n, of }]);
    cancelled += now;
  }
  return cancelled;
}

interface Picked {
  readonly indexes: readonly number[];
  readonly tallies: ReadonlyMap<number, Tally>;
  readonly along: readonly Write[];
  /** There are others, for another transaction. */
  readonly more: boolean;
}

/**
 * Jobs to cancel at once, and what goes with it. One whose batch was never started leaves the queue with it: that batch must
 * still be as it was read, as it counts its jobs as started when it starts.
 */
async function pick(context: Context, found: FoundHead, wanted: ReadonlySet<number>): Promise<Picked> {
  const byRoot = new Map<string | undefined, number[]>();
  for (const [index, holder] of found.head.holders.entries()) {
    if (!wanted.has(index) || found.head.ends[index]) continue;
    byRoot.set(holder?.root, [...(byRoot.get(holder?.root) ?? []), index]);
  }
  const some = [...byRoot].slice(0, LINES_MOST);
  const rows = await batchRowsById(
    context,
    some.flatMap(([root]) => root ?? []),
  );
  const tallies = new Map<number, Tally>();
  const along: Write[] = [];
  for (const [root, { length }] of some) {
    const row = root === undefined ? undefined : rows.get(root);
    const shard = root === undefined ? found.n % COUNTER_SHARDS : counterShardOf(root);
    const queued = row === undefined || isFresh(row);
    const tally = { cancelled: length, ...(queued ? { started: length } : {}) };
    tallies.set(shard, addTally(tallies.get(shard) ?? {}, tally));
    if (row && queued) along.push(goneWrite(row, length));
  }
  return { indexes: some.flatMap(([, indexes]) => indexes), tallies, along, more: byRoot.size > some.length };
}

function goneWrite({ id, state }: BatchRow, gone: number): Write {
  return {
    key: batchKey(id),
    changes: { add: { gone } },
    condition: both(equal('attempts', 0), oneOf('state', [state])),
  };
}
