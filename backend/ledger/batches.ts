/** Reading batches. */
import type { Batch, BatchState, Member } from '../core/batch.ts';
import type { Item } from '../core/items.ts';
import type { Pin } from '../core/settings.ts';
import { allOf } from '../ports/store.ts';
import { type BatchRow, toBatch, unpackMembers } from './batch-rows.ts';
import type { Context } from './context.ts';
import { batchKey, heldKey, membersKey } from './keys.ts';

export async function batchRow({ store }: Context, id: string): Promise<BatchRow | undefined> {
  return (await store.get(batchKey(id))) as BatchRow | undefined;
}

export async function membersOfRow({ store }: Context, row: BatchRow): Promise<Member[]> {
  if (row.members !== undefined) return unpackMembers(row.members);
  const item = await store.get(membersKey(row.id));
  if (!item) throw new Error(`the members of batch ${row.id} are missing in the store`);
  return unpackMembers(item['members'] as Uint8Array);
}

export async function loadBatch(context: Context, id: string): Promise<Batch | undefined> {
  const row = await batchRow(context, id);
  return row && toBatch(row, await membersOfRow(context, row), await context.pins.of(row.pin));
}

/** Rows in the order asked, undefined where there is none. */
export async function batchRows(
  { store }: Context,
  ids: readonly string[],
): Promise<(BatchRow | undefined)[]> {
  return (await store.getAll(ids.map(batchKey))) as (BatchRow | undefined)[];
}

export async function batchRowsById(
  context: Context,
  ids: readonly string[],
): Promise<Map<string, BatchRow>> {
  const rows = await batchRows(context, ids);
  return new Map(rows.flatMap((row) => (row ? [[row.id, row] as const] : [])));
}

/** Batches of rows, with their members. */
export async function withMembers(context: Context, rows: readonly BatchRow[]): Promise<Batch[]> {
  const apart = rows.filter(({ members }) => members === undefined);
  const items = await context.store.getAll(apart.map(({ id }) => membersKey(id)));
  const found = new Map(apart.map(({ id }, i) => [id, items[i]]));
  const pins = new Map<string, Pin>();
  for (const { pin } of rows) pins.set(pin, await context.pins.of(pin));
  return rows.map((row) => {
    const packed = row.members ?? (found.get(row.id) as Item)['members'];
    return toBatch(row, unpackMembers(packed as string | Uint8Array), pins.get(row.pin) as Pin);
  });
}

/** Those of the named batches whose rows match, in their order. */
export async function batchesIn(
  context: Context,
  ids: readonly string[],
  matches: (row: BatchRow) => boolean,
): Promise<Batch[]> {
  const rows = (await batchRows(context, ids)).filter((row) => row !== undefined);
  return withMembers(context, rows.filter(matches));
}

/** A split batch's children, in order. */
export async function childRows({ store }: Context, parent: string): Promise<BatchRow[]> {
  const { pk } = heldKey(parent, '');
  return (await allOf(store, { pk, from: 'child#', to: 'child#~' })) as BatchRow[];
}

export async function family(context: Context, parent: string): Promise<BatchState[]> {
  return (await childRows(context, parent)).map(({ state }) => state);
}

/** IDs of batches that were once held for what this one's children find. */
export async function heldIds({ store }: Context, scout: string): Promise<string[]> {
  const { pk } = heldKey(scout, '');
  return (await allOf(store, { pk, from: 'held#', to: 'held#~' })).map((item) => item['id'] as string);
}
