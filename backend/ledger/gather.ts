import { inParallel } from '../core/in-parallel.ts';
import { absent, both, equal, type Item } from '../core/items.ts';
import type { GatherLedger, OpenChunk } from '../ports/ledger.ts';
import { allOf } from '../ports/store.ts';
import { type BatchRow, newBatch, openAs } from './batch-rows.ts';
import { loadBatch } from './batches.ts';
import { type Context, isOver } from './context.ts';
import { batchKey, CHUNK_SHARDS, chunkKey, metaKey, openKeyOf } from './keys.ts';
import type { Ranges } from './members.ts';
import { type ChunkRow, chunkNumber } from './read.ts';
import type { Meta } from './submissions.ts';

/** A chunk that rang. */
export interface NamedChunk {
  readonly submission: string;
  readonly n: number;
}

/** Batches whose rows are changed at once. */
const AT_ONCE = 16;

/** @param named chunks to look at by a consistent read: the index may not have them yet */
export function gatherLedger(context: Context, named: readonly NamedChunk[]): GatherLedger {
  const { store, blobs } = context;
  return {
    async openChunks(scope, limit) {
      const listed = await Promise.all(
        Array.from({ length: CHUNK_SHARDS }, (_, shard) =>
          allOf(store, {
            pk: openKeyOf('chunk', shard),
            index: 'open',
            ...(scope.submission === undefined ? { limit } : { where: equal('owner', scope.submission) }),
          }),
        ),
      );
      const rang = await store.getAll(named.map(({ submission, n }) => chunkKey(submission, n)));
      const found = new Map<string, Item>();
      for (const item of [...listed.flat(), ...rang.filter((row) => row && row['ranges'] === undefined)])
        if (item && !isOver(context, item['acceptedAt'])) found.set(`${item['pk']} ${item['sk']}`, item);
      const rows = [...found.values()]
        .filter(({ owner }) => scope.submission === undefined || owner === scope.submission)
        .sort(byAge)
        .slice(0, limit);
      const { closed, cancelling } = await statesOf(context, rows);
      const open = rows.filter(({ owner }) => !cancelling.has(owner));
      return open.map((item): OpenChunk => {
        const { owner, jobs, bytes, acceptedAt, group } = item as ChunkRow & { group: string };
        return {
          submission: owner,
          n: chunkNumber(item as ChunkRow),
          jobs,
          bytes,
          acceptedAt,
          closed: closed.has(owner),
          group,
        };
      });
    },

    async formBatches(drafts) {
      const ranges = new Map<string, [number, number, string][]>();
      for (const { id, members } of drafts)
        for (const { submission, chunk, from, to } of members) {
          const key = `${submission}.${chunk}`;
          ranges.set(key, [...(ranges.get(key) ?? []), [from, to, id]]);
        }
      // All of them before any chunk names one: a cut chunk goes to several at once.
      await inParallel(drafts, AT_ONCE, async (draft) => {
        const cuts: Record<string, Ranges> = {};
        for (const { submission, chunk } of draft.members) {
          const key = `${submission}.${chunk}`;
          const list = ranges.get(key) as [number, number, string][];
          if (list.length > 1) cuts[key] = list;
        }
        const [first] = draft.members;
        const meta = first && ((await store.get(metaKey(first.submission))) as Meta | undefined);
        const single = meta?.kind === 'single';
        const writes = newBatch(context, draft, {
          state: 'Forming',
          single,
          unsettled: 'gather',
          ...(Object.keys(cuts).length > 0 ? { cuts: JSON.stringify(cuts) } : {}),
        });
        // One that is there was recorded before: the same by its ID.
        await store.transact(writes);
      });
      return inParallel(drafts, 1, async ({ id }) => {
        const batch = await loadBatch(context, id);
        if (!batch) throw new Error(`batch ${id} was recorded and is not in the table`);
        return batch;
      });
    },

    async chunkLines(submission, n) {
      const row = (await store.get(chunkKey(submission, n))) as ChunkRow | undefined;
      const text = row && (row.lines ?? (await blobs.get(`chunks/${submission}/${n}/${row.sha256}`)));
      if (text === undefined) throw new Error(`chunk ${n} of submission ${submission} is not in the store`);
      return text;
    },

    async markWaiting(batches) {
      const rows = await store.getAll(batches.map(batchKey));
      await inParallel(rows, AT_ONCE, async (row) => {
        if (row?.['state'] !== 'Forming') return;
        await store.write({
          key: { pk: row['pk'], sk: row['sk'] },
          changes: {
            set: { state: 'Waiting', ...openAs('Waiting', row as BatchRow) },
          },
          condition: both(equal('state', 'Forming'), absent('unsettled'), absent('ending')),
        });
      });
    },
  };
}

/**
 * Which of the chunks' submissions take no more, so that their chunks needn't wait (a single job waits for company), and
 * which are being cancelled.
 */
async function statesOf(
  { store }: Context,
  chunks: readonly Item[],
): Promise<{ closed: Set<string>; cancelling: Set<string> }> {
  const owners = new Set(chunks.filter(({ kind }) => kind === 'batch').map(({ owner }) => owner as string));
  const metas = (await store.getAll([...owners].map(metaKey))) as (Meta | undefined)[];
  return {
    closed: new Set(metas.flatMap((meta) => (meta?.closed ? [meta.id] : []))),
    cancelling: new Set(metas.flatMap((meta) => (meta?.cancelling ? [meta.id] : []))),
  };
}

function byAge(a: Item, b: Item): number {
  const order = (item: Item) => `${String(item['acceptedAt']).padStart(15, '0')} ${item['pk']} ${item['sk']}`;
  return order(a) < order(b) ? -1 : 1;
}
