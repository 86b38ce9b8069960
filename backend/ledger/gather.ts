import { isFree } from '../core/chunk-head.ts';
import { inParallel } from '../core/in-parallel.ts';
import type { Item } from '../core/items.ts';
import { equal } from '../core/items.ts';
import type { GatherLedger, NamedChunk, OpenChunk } from '../ports/ledger.ts';
import { allOf } from '../ports/store.ts';
import { type BatchRow, openAs } from './batch-rows.ts';
import { batchRows } from './batches.ts';
import { type Context, isOver } from './context.ts';
import { form } from './form.ts';
import { type foundHead, loadHeads } from './heads.ts';
import { batchKey, CHUNK_SHARDS, chunkOfKey, metaKey, openKeyOf } from './keys.ts';
import { linesOfChunk } from './lines.ts';
import type { Meta } from './submissions.ts';

/** Batches whose rows are changed at once. */
const AT_ONCE = 16;

export function gatherLedger(context: Context): GatherLedger {
  const { store } = context;
  return {
    openChunks: (limit, named = []) => openChunks(context, limit, named),

    formBatches: (batches) => form(context, batches),

    async chunkLines(submission, n, from = 0, to) {
      const [found] = await loadHeads(context, [{ submission, n }]);
      if (!found) throw new Error(`chunk ${n} of submission ${submission} is not in the store`);
      return linesOfChunk(context, found, from, to ?? found.row.jobs);
    },

    async markWaiting(batches) {
      const rows = await batchRows(context, batches);
      await inParallel(rows, AT_ONCE, async (row) => {
        if (row?.state !== 'Forming') return;
        const set = { state: 'Waiting', ...openAs('Waiting', row as BatchRow) };
        await store.write({ key: batchKey(row.id), changes: { set }, condition: equal('state', 'Forming') });
      });
    },
  };
}

async function openChunks(
  context: Context,
  limit: number,
  named: readonly NamedChunk[],
): Promise<readonly OpenChunk[]> {
  const { store, only } = context;
  const shards = Array.from({ length: CHUNK_SHARDS }, (_, shard) =>
    allOf(store, {
      pk: openKeyOf('chunk', shard),
      index: 'open',
      ...(only === undefined ? { limit } : {}),
    }),
  );
  const found = new Map<string, Listed>();
  for (const item of (await Promise.all(shards)).flat()) add(found, listed(item));
  const rang = await loadHeads(context, named);
  for (const head of rang)
    if (head?.head.holders.some((_, index) => isFree(head.head, index)))
      add(found, listed(head.row as unknown as Item));
  const chunks = [...found.values()]
    .filter(({ submission }) => only === undefined || submission === only)
    .sort(byAge)
    .slice(0, limit);
  const states = await statesOf(context, chunks);
  return chunks.flatMap((chunk) => {
    const { submission, n, jobs, bytes, acceptedAt, pin } = chunk;
    const meta = pin === undefined ? states.get(submission) : undefined;
    if (pin === undefined && (!meta || meta.cancelling || isOver(context, meta.at))) return [];
    // Single jobs share batches by their pin, submissions of many have batches of their own.
    const group = pin === undefined ? `submission ${submission}` : `pin ${pin}`;
    return [{ submission, n, jobs, bytes, acceptedAt, closed: meta?.closed ?? false, group }];
  });
}

/** An open chunk as the index has it. */
interface Listed extends NamedChunk {
  readonly jobs: number;
  readonly bytes: number;
  readonly acceptedAt: number;
  readonly pin: string | undefined;
}

function listed(item: Item): Listed {
  const { pk, sk, jobs, bytes, at, pin } = item as ReturnType<typeof foundHead>['row'];
  return { ...chunkOfKey({ pk, sk }), jobs, bytes, acceptedAt: at, pin };
}

function add(found: Map<string, Listed>, chunk: Listed): void {
  found.set(`${chunk.submission} ${chunk.n}`, chunk);
}

/** The chunks' submissions of many jobs: whether they take no more, so that their chunks needn't wait, or are being cancelled. */
async function statesOf({ store }: Context, chunks: readonly Listed[]): Promise<Map<string, Meta>> {
  const owners = new Set(chunks.flatMap(({ submission, pin }) => (pin === undefined ? [submission] : [])));
  const metas = (await store.getAll([...owners].map(metaKey))) as (Meta | undefined)[];
  return new Map(metas.flatMap((meta) => (meta ? [[meta.id, meta] as const] : [])));
}

function byAge(a: Listed, b: Listed): number {
  return (
    a.acceptedAt - b.acceptedAt ||
    (a.submission < b.submission ? -1 : a.submission > b.submission ? 1 : a.n - b.n)
  );
}
