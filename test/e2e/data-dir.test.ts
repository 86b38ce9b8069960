/** What the command line says of a data folder that it can't use. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSql } from '../../backend/local/sqlite/open.ts';
import { prepareTables } from '../../backend/local/sqlite/schema.ts';
import { type Home, makeHome } from '../support/cli-process.ts';

let home: Home;
let folder: string;
let file: string;
beforeEach(() => {
  home = makeHome();
  folder = join(home.path, 'work');
  file = home.file('a.jsonl', '{"n":1}\n');
  mkdirSync(folder);
});
afterEach(() => home.dispose());

const run = (...more: string[]) =>
  home.run(['run', file, '--model', 'http://127.0.0.1:9', '--data-dir', folder, ...more]);

describe('a data folder', () => {
  test.each([
    [1, /written by an older batchml \(layout 1, this one has \d+\)/],
    [9999, /written by a newer batchml \(layout 9999, this one knows \d+\): update batchml/],
  ])('of layout %i is refused, with what to do, and stays as it is', async (layout, message) => {
    const path = join(folder, 'batchml.db');
    const sql = await openSql(path);
    prepareTables(sql);
    sql.exec(`PRAGMA user_version = ${layout}`);
    sql.close();
    const before = readFileSync(path);
    const { code, stdout, stderr } = await run();
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/take another folder \(--data-dir DIR\), or move this one away/);
    const json = await run('--json');
    expect(json.code).toBe(1);
    expect(json.lines.at(-1)).toMatchObject({
      error: { code: 'data_dir_layout', message: expect.stringMatching(message), next: [expect.any(String)] },
    });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('with a damaged database is refused, with what to do', async () => {
    writeFileSync(join(folder, 'batchml.db'), 'x'.repeat(20_000));
    const { code, stdout, stderr } = await run();
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /the database of the data folder is damaged: SQLite says "file is not a database"/,
    );
    expect(stderr).toMatch(/put a copy of the folder back, or take another one \(--data-dir DIR\)/);
  });
});
