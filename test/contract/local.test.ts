import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { fileObjects } from '../../backend/local/file-objects.ts';
import { sqliteLedger } from '../../backend/local/ledger/index.ts';
import { openSql } from '../../backend/local/sqlite/open.ts';
import { migrate } from '../../backend/local/sqlite/schema.ts';
import { bench, cleanUp } from '../local/transform/harness.ts';
import { startModel } from '../support/model-server.ts';
import { ledgerContract } from './ledger.contract.ts';
import { objectsContract } from './objects.contract.ts';
import { REFUSAL, REFUSED, transformsContract } from './transforms.contract.ts';

function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'batchml-contract-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

async function openLedger(driver: 'node' | 'wasm') {
  const folder = temporaryFolder();
  const sql = await openSql(join(folder.path, 'batchml.db'), driver);
  migrate(sql);
  return {
    ledger: sqliteLedger(sql),
    close: async () => {
      sql.close();
      folder.remove();
    },
  };
}

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const nodeHasSqlite = major > 22 || (major === 22 && minor >= 13);

ledgerContract('SQLite compiled to WebAssembly', () => openLedger('wasm'));
describe.skipIf(!nodeHasSqlite)("Node's own SQLite (22.13 and later)", () => {
  ledgerContract('node:sqlite', () => openLedger('node'));
});

objectsContract('files', async () => {
  const folder = temporaryFolder();
  return { objects: fileObjects(folder.path), close: async () => folder.remove() };
});

transformsContract('on this machine', async () => {
  const bad = `{"n":${REFUSED}}`;
  const model = await startModel({
    wrong: (records) =>
      records.includes(bad) ? { status: REFUSAL.status, body: REFUSAL.message } : undefined,
  });
  const { transforms, objects, ended } = bench();
  return {
    transforms,
    model: model.url,
    put: async (batch, text) => void objects.set(batch, text),
    ended,
    close: async () => {
      await cleanUp();
      await model.close();
    },
  };
});
