/** The ledger over a store that a test looks into, or spoils: SQLite in a temporary folder, without durability. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AWS_LIMITS } from '../../backend/aws/limits.ts';
import type { Item } from '../../backend/core/items.ts';
import { createLedger, type LedgerOptions, type StoreLedger } from '../../backend/ledger/index.ts';
import { openSql } from '../../backend/local/sqlite/open.ts';
import { prepareTables } from '../../backend/local/sqlite/schema.ts';
import { sqliteStore } from '../../backend/local/sqlite-store.ts';
import type { Blobs } from '../../backend/ports/blobs.ts';
import type { Store } from '../../backend/ports/store.ts';

/** What a store was asked for. */
export interface Asked {
  /** Requests, and items in them. */
  reads: number;
  itemsRead: number;
  writes: number;
  itemsWritten: number;
  /** Writes of one item, or transactions, whose conditions didn't hold. */
  refused: number;
}

export interface StoreBackend {
  readonly ledger: StoreLedger;
  readonly store: Store;
  /** Deletes items of partitions that begin so, as DynamoDB does some time after their `ttl`; with `sk`, that one alone. */
  gone(pk: string, sk?: string): void;
  /** How many items are in the index of open work. */
  open(): number;
  readonly blobs: Blobs & { readonly objects: Map<string, string>; reads: number };
  readonly asked: Asked;
  /** Called before each request; what it throws is the request's answer. */
  before: (kind: 'read' | 'write') => void;
  /** Called after each write took effect. */
  after: () => void;
  /** Another ledger over the same store. */
  again(options?: Partial<LedgerOptions>): StoreLedger;
  close(): void;
}

/** @param options of the ledger; by default the limits of the cloud */
export async function openStore(
  options: Partial<LedgerOptions> & { now: () => number },
): Promise<StoreBackend> {
  const folder = mkdtempSync(join(tmpdir(), 'batchml-store-'));
  const sql = await openSql(join(folder, 'batchml.db'), 'wasm');
  prepareTables(sql);
  // Nothing here outlives its process.
  sql.exec('PRAGMA synchronous = OFF');
  const bare = sqliteStore(sql);
  const asked: Asked = { reads: 0, itemsRead: 0, writes: 0, itemsWritten: 0, refused: 0 };
  const read = (items: number) => {
    backend.before('read');
    asked.reads++;
    asked.itemsRead += items;
  };
  const store: Store = {
    async get(key) {
      read(1);
      return bare.get(key);
    },
    async getAll(keys) {
      if (keys.length === 0) return [];
      // 100 items a request, as DynamoDB takes them.
      for (let i = 0; i < keys.length; i += 100) read(Math.min(100, keys.length - i));
      return bare.getAll(keys);
    },
    async *query(range) {
      read(0);
      for await (const item of bare.query(range)) {
        asked.itemsRead++;
        yield item;
      }
    },
    async write(write, first = []) {
      return this.transact([write], first);
    },
    async transact(writes, first = []) {
      backend.before('write');
      asked.writes += 1 + Math.ceil(first.length / 25);
      asked.itemsWritten += writes.length + first.length;
      const outcome = await bare.transact(writes, first);
      if (!outcome.done) asked.refused += writes.length;
      backend.after();
      return outcome;
    },
    async putAll(items: readonly Item[]) {
      backend.before('write');
      asked.writes += Math.ceil(items.length / 25);
      asked.itemsWritten += items.length;
      await bare.putAll(items);
      backend.after();
    },
  };
  const objects = new Map<string, string>();
  const blobs = {
    objects,
    reads: 0,
    put: async (key: string, text: string) => void objects.set(key, text),
    get: async (key: string) => {
      blobs.reads++;
      return objects.get(key);
    },
    getBytes: async (key: string, from: number, to: number) => {
      blobs.reads++;
      return Buffer.from(objects.get(key) ?? '').subarray(from, to);
    },
  };
  const { now, ...more } = options;
  const again: StoreBackend['again'] = (other = {}) =>
    createLedger({ ...AWS_LIMITS, store, blobs, clock: { now }, retentionDays: 30, ...more, ...other });
  const backend: StoreBackend = {
    ledger: again(),
    store,
    gone(pk, sk) {
      const prefix = Buffer.from(sk === undefined ? pk : `${pk}\0${sk}`);
      sql.run('DELETE FROM items WHERE substr(id, 1, ?) = ?', [prefix.length, prefix]);
    },
    open: () => sql.get<{ n: number }>('SELECT count(*) AS n FROM items WHERE open IS NOT NULL')?.n ?? 0,
    blobs,
    asked,
    before: () => undefined,
    after: () => undefined,
    again,
    close() {
      sql.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return backend;
}

/** Counts from nothing again. */
export function forget(asked: Asked): void {
  Object.assign(asked, { reads: 0, itemsRead: 0, writes: 0, itemsWritten: 0, refused: 0 });
}
