import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { createLedger } from '../../backend/ledger/index.ts';
import { createEngine } from '../../backend/local/engine.ts';
import { fileObjects } from '../../backend/local/file-objects.ts';
import { localLimits } from '../../backend/local/limits.ts';
import { openSql } from '../../backend/local/sqlite/open.ts';
import { prepareTables } from '../../backend/local/sqlite/schema.ts';
import { sqliteStore } from '../../backend/local/sqlite-store.ts';
import type { Ports } from '../../backend/ports/index.ts';
import { bench, cleanUp } from '../local/transform/harness.ts';
import { ManualClock } from '../support/bell-queue.ts';
import { startModel } from '../support/model-server.ts';
import { bellsContract } from './bells.contract.ts';
import { ledgerContract } from './ledger.contract.ts';
import { T0 } from './ledger-steps.ts';
import { objectsContract } from './objects.contract.ts';
import { REFUSAL, REFUSED, transformsContract } from './transforms.contract.ts';

function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'batchml-contract-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

async function openLedger(driver: 'node' | 'wasm') {
  const folder = temporaryFolder();
  const sql = await openSql(join(folder.path, 'batchml.db'), driver);
  prepareTables(sql);
  return {
    ledger: createLedger({ ...localLimits({ now: () => T0 }), store: sqliteStore(sql) }),
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

bellsContract('of the engine', async () => {
  const clock = new ManualClock(Date.UTC(2026, 10, 22, 10));
  const engine = createEngine({ clock, onFailure: (_, error) => expect(error).toBeUndefined() });
  let answered: string[] = [];
  const open = {
    chunks: false,
    forming: [],
    held: [],
    overdue: [],
    waiting: false,
    transforms: [],
    submissions: [],
    ending: [],
  };
  // What a bell of a batch asks first is that batch; there is none, and so nothing follows.
  const ledger = {
    openWork: async () => open,
    batch: async (id: string) => {
      answered.push(id);
      return undefined;
    },
  };
  await engine.start({ ledger, bells: engine, clock } as unknown as Ports);
  return {
    bells: engine,
    now: () => clock.now(),
    async answered(afterMs) {
      clock.moveTo(clock.now() + afterMs);
      // Its steps are a few promises long.
      for (let turn = 0; turn < 50; turn++) await Promise.resolve();
      const told = answered;
      answered = [];
      return told;
    },
    close: () => engine.stop(),
  };
});
