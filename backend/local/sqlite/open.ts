/**
 * Opens a SQLite database durably: WAL, every commit fsynced (`synchronous=FULL`), and locked by this process alone.
 * Driver: Node's own where it has one without a warning (24 and later), else SQLite compiled to WebAssembly, which
 * needs no compiler and no prebuilt binary.
 */
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { privateFile, privateFolder } from '../private-files.ts';
import { noticingDamage } from './damaged.ts';
import type { Sql, SqlRow, SqlValue } from './sql.ts';

const PAGE_BYTES = 16_384;
const LOG_BYTES = 8 << 20;

/**
 * @param path the database file; made if absent
 * @param driver @default by the version of Node
 */
export async function openSql(path: string, driver: 'node' | 'wasm' = defaultDriver()): Promise<Sql> {
  for (const file of [path, `${path}-wal`]) privateFile(file);
  const bare = driver === 'node' ? openNode(path) : await openWasm(path);
  const sql: Sql = {
    ...bare,
    exec: (text) => noticingDamage(() => bare.exec(text)),
    run: (text, params) => noticingDamage(() => bare.run(text, params)),
    get: (text, params) => noticingDamage(() => bare.get(text, params)),
    all: (text, params) => noticingDamage(() => bare.all(text, params)),
  };
  // EXCLUSIVE before WAL: the WebAssembly driver has no shared memory, and needs none when it is alone.
  sql.exec('PRAGMA locking_mode = EXCLUSIVE');
  // Read and written in fewer steps: an item of 60 KB in half the time of pages of 4 KB. Takes effect in a new database.
  sql.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
  sql.exec('PRAGMA journal_mode = WAL');
  sql.exec('PRAGMA synchronous = FULL');
  sql.exec('PRAGMA cache_size = -16384');
  // The log is taken into the database when it is so large, and begins again; after a group that was larger it is cut.
  sql.exec(`PRAGMA wal_autocheckpoint = ${LOG_BYTES / PAGE_BYTES}`);
  sql.exec(`PRAGMA journal_size_limit = ${2 * LOG_BYTES}`);
  if (driver === 'wasm') privateFolder(lockOf(path));
  return sql;
}

/** The lock of the WebAssembly driver: a folder. */
const lockOf = (path: string): string => `${path}.lock`;

function defaultDriver(): 'node' | 'wasm' {
  return Number(process.versions.node.split('.')[0]) >= 24 ? 'node' : 'wasm';
}

interface NodeStatement {
  run(...params: SqlValue[]): { changes: number | bigint };
  get(...params: SqlValue[]): unknown;
  all(...params: SqlValue[]): unknown[];
}

interface NodeDatabase {
  exec(sql: string): void;
  prepare(sql: string): NodeStatement;
  readonly isTransaction: boolean;
  close(): void;
}

function openNode(path: string): Sql {
  // Not in @types/node 20; required at run time only where Node has it.
  const { DatabaseSync } = createRequire(import.meta.url)('node:sqlite') as {
    DatabaseSync: new (path: string) => NodeDatabase;
  };
  const db = new DatabaseSync(path);
  const prepared = cached((sql) => db.prepare(sql));
  return {
    path,
    exec: (sql) => db.exec(sql),
    run: (sql, params = []) => Number(prepared(sql).run(...params).changes),
    get: <T>(sql: string, params: readonly SqlValue[] = []) => prepared(sql).get(...params) as T | undefined,
    all: <T>(sql: string, params: readonly SqlValue[] = []) => prepared(sql).all(...params) as T[],
    inTransaction: () => db.isTransaction,
    close: () => db.close(),
  };
}

async function openWasm(path: string): Promise<Sql> {
  const { Database } = (await import('node-sqlite3-wasm')).default;
  // Any exit without close() leaves its lock behind. Our own lock on the data folder came first.
  rmSync(lockOf(path), { recursive: true, force: true });
  const db = new Database(path);
  const prepared = cached((sql) => db.prepare(sql));
  // A statement that failed can't be used again: the driver takes the error that resetting it repeats for a new one.
  const using = <T>(sql: string, use: (statement: ReturnType<typeof db.prepare>) => T): T => {
    const statement = prepared(sql);
    try {
      return use(statement);
    } catch (error) {
      prepared.forget(sql);
      statement.finalize();
      throw error;
    }
  };
  return {
    path,
    exec: (sql) => db.exec(sql),
    run: (sql, params = []) => using(sql, (statement) => Number(statement.run(params as SqlValue[]).changes)),
    get: <T>(sql: string, params: readonly SqlValue[] = []) =>
      // Not the driver's own `get`, which leaves the statement at its first row: no checkpoint can finish then.
      using(sql, (statement) => statement.all(params as SqlValue[])[0] as T | undefined),
    all: <T>(sql: string, params: readonly SqlValue[] = []) =>
      using(sql, (statement) => statement.all(params as SqlValue[]) as unknown as (T & SqlRow)[]),
    inTransaction: () => db.inTransaction,
    close: () => {
      // Open statements would keep the database open: no checkpoint, and its lock left behind.
      for (const statement of prepared.all()) statement.finalize();
      db.close();
    },
  };
}

/** Prepares each statement once. */
function cached<T>(prepare: (sql: string) => T): {
  (sql: string): T;
  forget(sql: string): void;
  all(): Iterable<T>;
} {
  const statements = new Map<string, T>();
  const get = (sql: string) => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
  return Object.assign(get, {
    forget: (sql: string) => {
      statements.delete(sql);
    },
    all: () => statements.values(),
  });
}
