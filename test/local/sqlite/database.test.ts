import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { equal, type Item } from '../../../backend/core/items.ts';
import { openSql } from '../../../backend/local/sqlite/open.ts';
import { prepareTables } from '../../../backend/local/sqlite/schema.ts';
import type { Sql } from '../../../backend/local/sqlite/sql.ts';
import { sqliteStore } from '../../../backend/local/sqlite-store.ts';
import { allOf } from '../../../backend/ports/store.ts';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const nodeHasSqlite = major > 22 || (major === 22 && minor >= 13);
const MB = 1 << 20;

describe.each([
  ['node-sqlite3-wasm', 'wasm', true],
  ['node:sqlite', 'node', nodeHasSqlite],
] as const)('the database by %s', (_name, driver, there) => {
  describe.runIf(there)('here', () => {
    let folder: string;
    let path: string;
    const opened = new Set<Sql>();
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'batchml-sqlite-'));
      path = join(folder, 'batchml.db');
    });
    afterEach(() => {
      for (const sql of opened) sql.close();
      opened.clear();
      rmSync(folder, { recursive: true, force: true });
    });

    async function open(file = path) {
      const sql = await openSql(file, driver);
      opened.add(sql);
      prepareTables(sql);
      return { sql, store: sqliteStore(sql) };
    }
    function close(sql: Sql) {
      opened.delete(sql);
      sql.close();
    }
    const item = (n: number, text = `text ${n}`): Item => ({ pk: 'p', sk: `${n}`.padStart(5, '0'), text });
    const size = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

    it('is durable: a log, synced with every commit', async () => {
      const { sql } = await open();
      expect(sql.get('PRAGMA journal_mode')).toEqual({ journal_mode: 'wal' });
      expect(sql.get('PRAGMA synchronous')).toEqual({ synchronous: 2 });
    });

    it('keeps what was written when it is opened again, past a lock that was left behind', async () => {
      const { sql, store } = await open();
      await store.putAll([item(7)]);
      close(sql);
      mkdirSync(`${path}.lock`, { recursive: true });
      const again = await open();
      expect(await allOf(again.store, { pk: 'p' })).toEqual([item(7)]);
    });

    it('gets its table once, and another layout is refused by name', async () => {
      const { sql } = await open();
      prepareTables(sql);
      expect(sql.get('SELECT count(*) AS n FROM items')).toEqual({ n: 0 });
      sql.exec('PRAGMA user_version = 9999');
      expect(() => prepareTables(sql)).toThrow(/newer batchml .*update batchml/);
      sql.exec('PRAGMA user_version = 1');
      expect(() => prepareTables(sql)).toThrow(/older batchml .*move the folder away/);
    });

    it.each(['BEGIN', 'INSERT', 'UPDATE commits', 'COMMIT'])(
      'whose disk fails at %s has nothing of that group, tells everyone in it, and goes on',
      async (at) => {
        const { sql } = await open();
        let broken = false;
        let left = 2;
        const store = sqliteStore({
          ...sql,
          run: (text, params) => {
            if (broken && text.startsWith(at) && (at !== 'INSERT' || --left === 0))
              throw new Error('the disk is full');
            return sql.run(text, params);
          },
        });
        await store.putAll([item(1)]);
        broken = true;
        const key = { pk: 'p', sk: '00001' };
        const outcomes = await Promise.allSettled([
          store.putAll([item(2), item(3)]),
          store.write({ key, changes: { set: { text: 'changed' } } }),
          store.write({ key, condition: equal('text', 'text 1') }),
        ]);
        expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
        expect(await allOf(store, { pk: 'p' })).toEqual([item(1)]);
        broken = false;
        await store.putAll([item(4)]);
        close(sql);
        const again = await open();
        expect(await allOf(again.store, { pk: 'p' })).toEqual([item(1), item(4)]);
      },
    );

    it('takes its log in as it goes: it stays small however much is written and read', async () => {
      const { store } = await open();
      const bytes = Buffer.alloc(60_000, 1);
      let largest = 0;
      for (let n = 0; n < 1000; n += 10) {
        const items = Array.from({ length: 10 }, (_, k) => ({ ...item(n + k), bytes }));
        const count = { key: { pk: 'count', sk: `${n % 16}` }, changes: { add: { n: 1 } } };
        await Promise.all([store.putAll(items), store.write(count)]);
        // Reads go on all the time; one must not keep the log from being taken in.
        expect(await store.get(count.key)).toBeDefined();
        for await (const _ of store.query({ pk: 'p', newestFirst: true, limit: 40 })) break;
        largest = Math.max(largest, size(`${path}-wal`));
      }
      expect(size(path)).toBeGreaterThan(40 * MB);
      expect(largest).toBeLessThan(12 * MB);
    });

    it('cuts its log again after a group that was larger', async () => {
      const { store } = await open();
      await store.putAll(
        Array.from({ length: 600 }, (_, n) => ({ ...item(n), bytes: Buffer.alloc(60_000) })),
      );
      expect(size(`${path}-wal`)).toBeGreaterThan(30 * MB);
      for (let n = 0; n < 3; n++) await store.putAll([item(n)]);
      expect(size(`${path}-wal`)).toBeLessThan(17 * MB);
    });

    /** What `kill -9` leaves: the files as they are while the database is open. */
    function killed(): string {
      const copy = mkdtempSync(join(folder, 'killed-'));
      for (const file of readdirSync(folder).filter((name) => statSync(join(folder, name)).isFile()))
        copyFileSync(join(folder, file), join(copy, file));
      return join(copy, 'batchml.db');
    }

    it('has all that was answered after kill -9', async () => {
      const { store } = await open();
      for (let n = 0; n < 20; n++) await store.putAll([item(n)]);
      const { store: again } = await open(killed());
      expect(await allOf(again, { pk: 'p' })).toEqual(Array.from({ length: 20 }, (_, n) => item(n)));
    });

    it('a log with a flipped byte: nothing is missing, or it is refused by name', async () => {
      const { store } = await open();
      const items = Array.from({ length: 40 }, (_, n) => item(n, `${n} `.repeat(900)));
      for (const each of items) await store.putAll([each]);
      const whole = readFileSync(`${path}-wal`);
      let refused = 0;
      for (let i = 0; i < 40; i++) {
        const copy = killed();
        const log = Buffer.from(whole);
        const at = Math.floor((log.length * (i + 0.5)) / 40);
        log[at] = (log[at] as number) ^ 0x10;
        writeFileSync(`${copy}-wal`, log);
        const read = await open(copy)
          .then(({ sql, store: damaged }) => allOf(damaged, { pk: 'p' }).finally(() => close(sql)))
          .catch((error: Error) => error);
        if (read instanceof Error) {
          expect(read).toMatchObject({ code: 'DATA_DIR_DAMAGED' });
          refused++;
        } else expect(read).toEqual(items);
      }
      expect(refused).toBeGreaterThan(30);
    });

    it.each([
      ['its log is gone', (file: string) => rmSync(`${file}-wal`)],
      ['it is gone', (file: string) => ['', '-wal'].map((end) => rmSync(`${file}${end}`))],
      [
        'its log is cut',
        (file: string) => writeFileSync(`${file}-wal`, readFileSync(`${file}-wal`).subarray(0, -20_000)),
      ],
    ])('is refused when %s, and says how much is lost', async (_what, harm) => {
      const { store } = await open();
      for (let n = 0; n < 10; n++) await store.putAll([item(n)]);
      const copy = killed();
      harm(copy);
      await expect(open(copy)).rejects.toMatchObject({
        code: 'DATA_DIR_DAMAGED',
        message: expect.stringMatching(/of 10 commits the last \d+ can't be read/),
      });
      // And again: that it was opened and closed in between changes nothing.
      for (const sql of [...opened].filter((each) => each.path === copy)) close(sql);
      await expect(open(copy)).rejects.toMatchObject({ code: 'DATA_DIR_DAMAGED' });
    });

    it('is opened when the count beside it is not whole, or behind', async () => {
      const { sql, store } = await open();
      await store.putAll([item(1)]);
      const before = readFileSync(`${path}-commits`);
      await store.putAll([item(2)]);
      close(sql);
      for (const count of [before, Buffer.from('999'), Buffer.alloc(40)]) {
        writeFileSync(`${path}-commits`, count);
        const again = await open();
        expect(await allOf(again.store, { pk: 'p' })).toEqual([item(1), item(2)]);
        close(again.sql);
      }
    });

    it('an item with a flipped byte is refused by name, not given', async () => {
      const { sql, store } = await open();
      await store.putAll([item(1, 'a text to be found again'), item(2)]);
      close(sql);
      const file = readFileSync(path);
      const at = file.indexOf('a text to be found again');
      file[at] = 'b'.charCodeAt(0);
      writeFileSync(path, file);
      const { store: again } = await open();
      await expect(again.get({ pk: 'p', sk: '00001' })).rejects.toMatchObject({ code: 'DATA_DIR_DAMAGED' });
      await expect(allOf(again, { pk: 'p' })).rejects.toMatchObject({ code: 'DATA_DIR_DAMAGED' });
      expect(await again.get({ pk: 'p', sk: '00002' })).toEqual(item(2));
    });

    it.each([
      ['no database', 'x'.repeat(20_000)],
      ['a cut one', undefined],
    ])('is refused by name when there is %s', async (_what, text) => {
      const { sql, store } = await open();
      await store.putAll(Array.from({ length: 300 }, (_, n) => item(n, 'x'.repeat(400))));
      close(sql);
      writeFileSync(path, text ?? readFileSync(path).subarray(0, 40_000));
      const read = open().then(({ store: again }) => allOf(again, { pk: 'p' }));
      await expect(read).rejects.toMatchObject({ code: 'DATA_DIR_DAMAGED' });
      opened.clear();
    });

    it('its files are their owner’s alone, also those that were there before, whatever the umask', async () => {
      const umask = process.umask(0);
      try {
        for (const before of [false, true]) {
          if (before) for (const file of readdirSync(folder)) chmodSync(join(folder, file), 0o666);
          const { sql, store } = await open();
          await store.putAll([item(1)]);
          const modes = readdirSync(folder).map((file) => {
            const stat = statSync(join(folder, file));
            return [file, stat.mode & 0o777, stat.isDirectory() ? 0o700 : 0o600];
          });
          expect(modes.length).toBeGreaterThan(2);
          for (const [file, mode, expected] of modes) expect([file, mode]).toEqual([file, expected]);
          close(sql);
        }
      } finally {
        process.umask(umask);
      }
    });
  });
});
