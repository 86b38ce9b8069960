/** The ledger on SQLite. */
import type { Ledger, OpenWork } from '../../ports/ledger.ts';
import type { Sql } from '../sqlite/sql.ts';
import { createWriter } from '../sqlite/writer.ts';
import { acceptLedger } from './accept.ts';
import { changeLedger } from './change.ts';
import { gatherLedger } from './gather.ts';
import { readLedger } from './read.ts';
import { type Db, inScope } from './rows.ts';
import { settleLedger } from './settle.ts';
import { startLedger } from './start.ts';

/** Ends every wait before a next try: in a new process what was waited for may well be there again. */
export function endBackoffs(sql: Sql): void {
  sql.exec("UPDATE batches SET not_before = 0 WHERE state = 'Waiting' AND not_before > 0");
}

/** @param sql an open database, migrated */
export function sqliteLedger(sql: Sql): Ledger {
  const db: Db = { sql, write: createWriter(sql).write };
  return {
    ...acceptLedger(db),
    ...readLedger(db),
    ...gatherLedger(db),
    ...startLedger(db),
    ...settleLedger(db),
    ...changeLedger(db),

    async openWork(scope, now): Promise<OpenWork> {
      const batches = inScope(sql, scope, 'owner');
      const own = inScope(sql, scope, 'sid');
      const ids = (query: string, params: readonly (string | number)[]) =>
        sql.all<{ id: string }>(query, params).map((row) => row.id);
      const owned = batches.params as number[];
      const mine = own.params as number[];
      return {
        chunks:
          sql.get(`SELECT 1 FROM chunks WHERE ranges IS NULL AND ${own.where} LIMIT 1`, mine) !== undefined,
        forming: ids(
          `SELECT DISTINCT coalesce(parent, id) AS id FROM batches WHERE state = 'Forming' AND ${batches.where}`,
          owned,
        ),
        held: ids(`SELECT id FROM batches WHERE state = 'Held' AND ${batches.where}`, owned),
        overdue: ids(
          `SELECT id FROM batches WHERE state IN ('Forming', 'Waiting', 'Held') AND wait_deadline <= ? AND ${batches.where}`,
          [now, ...owned],
        ),
        waiting:
          sql.get(`SELECT 1 FROM batches WHERE state = 'Waiting' AND ${batches.where} LIMIT 1`, owned) !==
          undefined,
        transforms: ids(
          // Of several submissions, it is the work of each that has a batch in it.
          `SELECT name AS id FROM transform_jobs WHERE state <> 'Ended' AND (${batches.where} OR EXISTS (
             SELECT 1 FROM batches WHERE transform = name AND batches.state = 'Running' AND ${batches.where}))`,
          [...owned, ...owned],
        ),
        submissions: ids(
          `SELECT id FROM submissions WHERE (cancelling = 1 OR retrying IS NOT NULL) AND ${own.where}`,
          mine,
        ),
        // A batch's results are filed in one transaction.
        filing: [],
      };
    },
  };
}
