import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSql } from '../../../backend/local/sqlite/open.ts';
import { prepareTables } from '../../../backend/local/sqlite/schema.ts';
import type { Sql } from '../../../backend/local/sqlite/sql.ts';
import { createWriter } from '../../../backend/local/sqlite/writer.ts';

let folder: string;
let sql: Sql;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'batchml-sqlite-'));
  sql = await openSql(join(folder, 'test.db'), 'wasm');
  sql.exec('CREATE TABLE t (n INTEGER PRIMARY KEY)');
});
afterEach(() => {
  sql.close();
  rmSync(folder, { recursive: true, force: true });
});

const insert = (n: number) => (tx: Sql) => tx.run('INSERT INTO t VALUES (?)', [n]);
const rows = () => sql.all<{ n: number }>('SELECT n FROM t ORDER BY n').map(({ n }) => n);

/** The same database, with the statements that it was given to run. */
function watched(): { sql: Sql; said: string[] } {
  const said: string[] = [];
  const exec = (text: string) => {
    said.push(text);
    sql.exec(text);
  };
  return { sql: { ...sql, exec }, said };
}

describe('the writer', () => {
  it('puts writes of one turn into one transaction, in order, and answers after its commit', async () => {
    const { sql: seen, said } = watched();
    const { write } = createWriter(seen);
    const answers = [3, 1, 2].map((n) =>
      write(insert(n)).then((changed) => [changed, said.includes('COMMIT')]),
    );
    expect(rows()).toEqual([]);
    expect(await Promise.all(answers)).toEqual([
      [1, true],
      [1, true],
      [1, true],
    ]);
    expect(rows()).toEqual([1, 2, 3]);
    expect(said.filter((text) => text === 'COMMIT')).toHaveLength(1);
    await write(insert(4));
    expect(said.filter((text) => text === 'COMMIT')).toHaveLength(2);
  });

  it('undoes what throws, alone and whole', async () => {
    const { write } = createWriter(sql);
    const outcomes = await Promise.allSettled([
      write(insert(1)),
      write((tx) => {
        insert(2)(tx);
        insert(1)(tx);
      }),
      write(() => {
        throw new Error('thought better of it');
      }),
      write(insert(3)),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(rows()).toEqual([1, 3]);
    await write(insert(2));
    expect(rows()).toEqual([1, 2, 3]);
  });

  it('writes nothing of a turn whose commit fails, tells everyone, and goes on', async () => {
    let broken = true;
    const failing: Sql = {
      ...sql,
      exec: (text) => {
        if (text === 'COMMIT' && broken) throw new Error('the disk is full');
        sql.exec(text);
      },
    };
    const { write } = createWriter(failing);
    const outcomes = await Promise.allSettled([write(insert(1)), write(insert(2))]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(rows()).toEqual([]);
    broken = false;
    await write(insert(3));
    expect(rows()).toEqual([3]);
  });
});

describe('the database', () => {
  it('is durable: WAL, and synced with every commit', () => {
    expect(sql.get('PRAGMA journal_mode')).toEqual({ journal_mode: 'wal' });
    expect(sql.get('PRAGMA synchronous')).toEqual({ synchronous: 2 });
  });

  it('keeps what was written when it is opened again, past a lock that was left behind', async () => {
    sql.run('INSERT INTO t VALUES (7)');
    sql.close();
    mkdirSync(join(folder, 'test.db.lock'), { recursive: true });
    sql = await openSql(join(folder, 'test.db'), 'wasm');
    expect(rows()).toEqual([7]);
  });

  it('gets its table once, and another layout is refused by name', async () => {
    prepareTables(sql);
    prepareTables(sql);
    expect(sql.get('SELECT count(*) AS n FROM items')).toEqual({ n: 0 });
    sql.exec('PRAGMA user_version = 9999');
    expect(() => prepareTables(sql)).toThrow(/newer batchml .*update batchml/);
    sql.exec('PRAGMA user_version = 1');
    expect(() => prepareTables(sql)).toThrow(/older batchml .*move the folder away/);
  });
});
