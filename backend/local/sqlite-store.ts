/** The store on SQLite: one table of items, written by group commit; conditions are evaluated inside the transaction. */
import { changed, holds, type Item, type Key } from '../core/items.ts';
import type { Outcome, Range, Store, Write } from '../ports/store.ts';
import { packItem, unpackItem } from './sqlite/item-format.ts';
import type { Sql, SqlValue } from './sqlite/sql.ts';
import { createWriter } from './sqlite/writer.ts';

const SELECT = 'SELECT body FROM items WHERE pk = ? AND sk = ?';
/** Items that a query reads at a time. */
const PAGE = 200;

interface Row {
  readonly body: Uint8Array;
}

export function sqliteStore(sql: Sql): Store {
  const { write } = createWriter(sql);

  const read = (tx: Sql, { pk, sk }: Key): Item | undefined => {
    const row = tx.get<Row>(SELECT, [pk, sk]);
    return row && unpackItem(row.body);
  };

  const put = (tx: Sql, item: Item): void => {
    const { pk, sk, openKey = null, openAt = null } = item;
    tx.run('INSERT OR REPLACE INTO items (pk, sk, open_key, open_at, body) VALUES (?, ?, ?, ?, ?)', [
      pk,
      sk,
      openKey,
      openAt,
      packItem(item),
    ]);
  };

  const carryOut = (tx: Sql, writes: readonly Write[], first: readonly Item[] = []): Outcome => {
    for (const item of first) put(tx, item);
    const found = writes.map(({ key, condition, changes }) =>
      condition || changes ? read(tx, key) : undefined,
    );
    const failed = new Map<number, Item | undefined>();
    for (const [i, { condition }] of writes.entries())
      if (condition && !holds(condition, found[i])) failed.set(i, found[i]);
    if (failed.size > 0) return { done: false, failed };
    for (const [i, { key, item, changes }] of writes.entries()) {
      if (item) put(tx, { ...item, ...key });
      else if (changes) put(tx, changed(key, found[i], changes));
    }
    return { done: true };
  };

  return {
    get: async (key) => read(sql, key),
    getAll: async (keys) => keys.map((key) => read(sql, key)),
    write: (one, first) => write((tx) => carryOut(tx, [one], first)),
    transact: (writes, first) => write((tx) => carryOut(tx, writes, first)),
    putAll: (items) =>
      write((tx) => {
        for (const item of items) put(tx, item);
      }),

    async *query({ pk, from, to, index, newestFirst = false, limit, where }: Range) {
      const [hash, sort] = index ? ['open_key', 'open_at'] : ['pk', 'sk'];
      const [order, beyond] = newestFirst ? ['DESC', '<'] : ['ASC', '>'];
      let left = limit ?? Number.POSITIVE_INFINITY;
      // Pages by key, not by a statement left open: the table may change between two of them.
      let after: readonly [string, string, string] | undefined;
      while (left > 0) {
        const conditions = [`${hash} = ?`];
        const params: SqlValue[] = [pk];
        for (const [bound, value] of [
          ['>=', from],
          ['<=', to],
        ] as const)
          if (value !== undefined) {
            conditions.push(`${sort} ${bound} ?`);
            params.push(value);
          }
        if (after) {
          conditions.push(`(${sort}, pk, sk) ${beyond} (?, ?, ?)`);
          params.push(...after);
        }
        const page = Math.min(PAGE, left);
        const rows = sql.all<Row & { at: string; pk: string; sk: string }>(
          `SELECT ${sort} AS at, pk, sk, body FROM items WHERE ${conditions.join(' AND ')}
           ORDER BY ${sort} ${order}, pk ${order}, sk ${order} LIMIT ?`,
          [...params, page],
        );
        for (const { body } of rows) {
          const item = unpackItem(body);
          if (where && !holds(where, item)) continue;
          if (left-- <= 0) return;
          yield item;
        }
        const last = rows.at(-1);
        if (!last || rows.length < page) return;
        after = [last.at, last.pk, last.sk];
      }
    },
  };
}
