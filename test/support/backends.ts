/** Where a test's pipeline keeps its state: a ledger and objects that exist for one test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLedger } from '../../backend/ledger/index.ts';
import { fileObjects } from '../../backend/local/file-objects.ts';
import { localLimits } from '../../backend/local/limits.ts';
import { openSql } from '../../backend/local/sqlite/open.ts';
import { prepareTables } from '../../backend/local/sqlite/schema.ts';
import { sqliteStore } from '../../backend/local/sqlite-store.ts';
import type { Clock } from '../../backend/ports/clock.ts';
import type { Ledger } from '../../backend/ports/ledger.ts';
import type { Objects } from '../../backend/ports/objects.ts';
import type { Store } from '../../backend/ports/store.ts';

export interface Backend {
  readonly ledger: Ledger;
  readonly objects: Objects;
  close(): void;
}

export type OpenBackend = (clock: Clock) => Promise<Backend>;

/** SQLite and files in a temporary folder. */
export const localBackend: OpenBackend = (clock) => localBackendOver((store) => store, clock);

/** The same, with a store that a test has put between. */
export async function localBackendOver(between: (store: Store) => Store, clock: Clock): Promise<Backend> {
  const folder = mkdtempSync(join(tmpdir(), 'batchml-memory-'));
  const sql = await openSql(join(folder, 'batchml.db'), 'wasm');
  prepareTables(sql);
  // Nothing here outlives its process.
  sql.exec('PRAGMA synchronous = OFF');
  return {
    ledger: createLedger({ ...localLimits(clock), store: between(sqliteStore(sql)) }),
    objects: fileObjects(folder),
    close() {
      sql.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
