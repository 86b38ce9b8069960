/** The rows of the one table: items by ID, read, ranged over and committed. */
import type { Item } from '../../core/items.ts';
import { openCommits } from './commits.ts';
import { DataDirDamagedError } from './damaged.ts';
import { packItem, unpackItem } from './item-format.ts';
import { idOf, openOf } from './keys.ts';
import type { Sql } from './sql.ts';

interface Row {
  readonly body: Uint8Array;
}

export interface Rows {
  find(id: string): Item | undefined;
  /** Items whose key lies in the bounds, the second exclusive. */
  range(by: 'id' | 'open', bounds: readonly [string, string], order: 'ASC' | 'DESC', limit: number): Sized[];
  /** Durably, all or none. */
  commit(items: ReadonlyMap<string, Item>): void;
}

export interface Sized {
  readonly item: Item;
  readonly bytes: number;
}

export function openRows(sql: Sql): Rows {
  const commits = openCommits(sql);
  return {
    find(id) {
      const row = sql.get<Row>('SELECT body FROM items WHERE id = ?', [Buffer.from(id)]);
      if (!row) return undefined;
      const item = unpackItem(row.body);
      if (idOf(item as never) !== id)
        throw new DataDirDamagedError('an item stands under the key of another');
      return item;
    },

    range(by, [from, to], order, limit) {
      const rows = sql.all<Row>(
        `SELECT body FROM items WHERE ${by} >= ? AND ${by} < ? ORDER BY ${by} ${order} LIMIT ?`,
        [Buffer.from(from), Buffer.from(to), limit],
      );
      return rows.map(({ body }) => ({ item: unpackItem(body), bytes: body.length }));
    },

    commit(items) {
      try {
        sql.run('BEGIN IMMEDIATE');
        for (const [id, item] of items) {
          const open = openOf(item);
          sql.run(
            'INSERT INTO items (id, open, body) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET open = excluded.open, body = excluded.body',
            [Buffer.from(id), open === undefined ? null : Buffer.from(open), packItem(item)],
          );
        }
        commits.count(sql);
        sql.run('COMMIT');
      } catch (error) {
        // A full disk ends the transaction by itself.
        if (sql.inTransaction()) sql.exec('ROLLBACK');
        throw error;
      }
      commits.done();
    },
  };
}
