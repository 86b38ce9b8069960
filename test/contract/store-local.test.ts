import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { openSql } from '../../backend/local/sqlite/open.ts';
import { prepareTables } from '../../backend/local/sqlite/schema.ts';
import { sqliteStore } from '../../backend/local/sqlite-store.ts';
import { storeContract } from './store.contract.ts';

async function open(driver: 'node' | 'wasm') {
  const folder = mkdtempSync(join(tmpdir(), 'batchml-store-'));
  const sql = await openSql(join(folder, 'batchml.db'), driver);
  prepareTables(sql);
  return {
    store: sqliteStore(sql),
    close: async () => {
      sql.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const nodeHasSqlite = major > 22 || (major === 22 && minor >= 13);

storeContract('SQLite compiled to WebAssembly', () => open('wasm'));
describe.skipIf(!nodeHasSqlite)("Node's own SQLite (22.13 and later)", () => {
  storeContract('node:sqlite', () => open('node'));
});
