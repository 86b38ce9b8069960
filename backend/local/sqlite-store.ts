/** The store on SQLite: one table of items, written by group commit; conditions are evaluated on what the group has made so far. */
import { changed, holds, type Item, type Key } from '../core/items.ts';
import { type Outcome, type Range, type Store, TRANSACT_MOST, type Write } from '../ports/store.ts';
import { roomOf } from './sqlite/item-format.ts';
import { idBounds, idOf, justAfter, openBounds, openOf } from './sqlite/keys.ts';
import { openRows } from './sqlite/rows.ts';
import type { Sql } from './sqlite/sql.ts';
import { createWriter, type Draft } from './sqlite/writer.ts';

/** What a query reads at a time: so many items at first, then about so many bytes. */
const PAGE = { first: 32, most: 500, bytes: 1 << 20 };

/** @throws DataDirDamagedError */
export function sqliteStore(sql: Sql): Store {
  const rows = openRows(sql);
  const { write } = createWriter(rows.find, rows.commit);

  const put = (draft: Draft, id: string, item: Item): void => {
    openOf(item);
    draft.put(id, item, roomOf(item));
  };

  const putEach = (draft: Draft, items: readonly Item[]): void => {
    for (const item of items) put(draft, idOf(item as Key), { ...item });
  };

  const carryOut = (draft: Draft, writes: readonly Write[], first: readonly Item[] = []): Outcome => {
    putEach(draft, first);
    const ids = writes.map(({ key }) => idOf(key));
    const found = writes.map(({ condition, changes }, i) =>
      condition || changes ? draft.find(ids[i] as string) : undefined,
    );
    const failed = new Map<number, Item | undefined>();
    for (const [i, { condition }] of writes.entries())
      if (condition && !holds(condition, found[i])) failed.set(i, found[i]);
    if (failed.size > 0) return { done: false, failed };
    for (const [i, { key, item, changes }] of writes.entries()) {
      if (item) put(draft, ids[i] as string, { ...item, ...key });
      else if (changes) put(draft, ids[i] as string, changed(key, found[i], changes));
    }
    return { done: true };
  };

  return {
    get: async (key) => rows.find(idOf(key)),
    getAll: async (keys) => keys.map((key) => rows.find(idOf(key))),
    write: (one, first) => write((draft) => carryOut(draft, [one], first)),
    async transact(writes, first) {
      if (writes.length > TRANSACT_MOST) throw new RangeError(`${writes.length} writes in a transaction`);
      if (new Set(writes.map(({ key }) => idOf(key))).size < writes.length)
        throw new RangeError('two writes of one item in a transaction');
      return write((draft) => carryOut(draft, writes, first));
    },
    putAll: (items) => write((draft) => putEach(draft, items)),

    async *query({ pk, from, to, index, newestFirst = false, limit, where }: Range) {
      const by = index ?? 'id';
      const placeOf = (item: Item) => (index ? (openOf(item) as string) : idOf(item as Key));
      let [first, end] = index ? openBounds(pk, from, to) : idBounds(pk, from, to);
      let left = limit ?? Number.POSITIVE_INFINITY;
      let page = PAGE.first;
      // Pages by key, not by a statement left open: the table may change between two of them.
      while (left > 0) {
        const asked = where ? page : Math.min(page, left);
        const read = rows.range(by, [first, end], newestFirst ? 'DESC' : 'ASC', asked);
        let bytes = 0;
        for (const { item, bytes: size } of read) {
          bytes += size;
          if (where && !holds(where, item)) continue;
          if (left-- <= 0) return;
          yield item;
        }
        const last = read.at(-1);
        if (!last || read.length < asked) return;
        if (newestFirst) end = placeOf(last.item);
        else first = justAfter(placeOf(last.item));
        page = Math.min(PAGE.most, Math.ceil((PAGE.bytes * read.length) / bytes));
      }
    },
  };
}
