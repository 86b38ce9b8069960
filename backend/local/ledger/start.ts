import type { Batch } from '../../core/batch.ts';
import type { StartLedger } from '../../ports/ledger.ts';
import type { Sql } from '../sqlite/sql.ts';
import { type BatchRow, count, type Db, inScope, ROW, SELECT_BATCH, sidOf, toBatch } from './rows.ts';

export function startLedger({ sql, write }: Db): StartLedger {
  return {
    async waitingBatches(scope, now, limit) {
      const { where, params } = inScope(sql, scope, 'b.owner');
      return sql
        .all<BatchRow>(
          `${SELECT_BATCH} WHERE b.state = 'Waiting' AND b.not_before <= ? AND ${where} AND NOT ${cancelling('b.owner')} ORDER BY ${FRESH}, b.seq LIMIT ?`,
          [now, ...params, limit],
        )
        .map(toBatch);
    },

    async nextWaiting(scope, now) {
      const { where, params } = inScope(sql, scope, 'owner');
      return (
        sql.get<{ next: number | null }>(
          `SELECT min(not_before) AS next FROM batches WHERE state = 'Waiting' AND not_before > ? AND ${where}`,
          [now, ...params],
        )?.next ?? undefined
      );
    },

    claimTransformJob: (scope, job, slots) =>
      write((tx) => {
        const rows = job.batches.map((id) => tx.get<BatchRow>(`${SELECT_BATCH} WHERE b.id = ?`, [id]));
        const [first] = rows;
        if (!first || rows.some((row) => row?.state !== 'Waiting')) return 'changed';
        // Nothing of it is started any more, however long its cancelling takes.
        if (rows.some((row) => tx.get(`SELECT 1 WHERE ${cancelling('?')}`, [row?.owner ?? -1])))
          return 'changed';
        const { where, params } = inScope(tx, scope, 'owner');
        const taken = tx.get<{ n: number }>(
          `SELECT count(*) AS n FROM transform_jobs WHERE state <> 'Ended' AND pin = ? AND ${where}`,
          [first.pin, ...params],
        );
        if ((taken?.n ?? 0) >= slots) return 'full';
        const batches = rows.map((row) => toBatch(row as BatchRow));
        const idle = batches.filter((batch) => openJobs(tx, batch).every(({ open }) => open === 0));
        for (const { id } of idle) tx.run("UPDATE batches SET state = 'Done' WHERE id = ?", [id]);
        if (idle.length > 0) return 'changed';
        const owners = new Set(rows.map((row) => row?.owner));
        tx.run(
          `INSERT INTO transform_jobs (name, batches, pin, owner, state, claimed_at, deadline)
           VALUES (?, ?, ?, ?, 'Claimed', ?, ?)`,
          [
            job.name,
            JSON.stringify(job.batches),
            first.pin,
            owners.size === 1 ? first.owner : null,
            job.claimedAt,
            job.deadline,
          ],
        );
        for (const batch of batches) {
          if (batch.parent === undefined && batch.attempts === 0)
            for (const { sid, open } of openJobs(tx, batch)) count(tx, sid, 'started', open);
          tx.run(
            `UPDATE batches SET state = 'Running', transform = ?, attempts = attempts + 1, unusable = 0 WHERE id = ?`,
            [job.name, batch.id],
          );
        }
        return 'claimed';
      }),

    markCreated: (name) =>
      write((tx) => {
        tx.run("UPDATE transform_jobs SET state = 'Running' WHERE name = ? AND state = 'Claimed'", [name]);
      }),

    postponeTransformJob: (name, notBefore, reason) =>
      write((tx) => {
        tx.run("UPDATE transform_jobs SET not_before = ?, reason = ? WHERE name = ? AND state = 'Claimed'", [
          notBefore,
          reason,
          name,
        ]);
      }),
  };
}

/** 1 for a batch of new work, 0 for one that goes on with work begun. */
const FRESH = '(b.attempts = 0 AND b.parent IS NULL AND b.generation = 0)';

/** A condition: the submission of this number is being cancelled. */
function cancelling(sid: string): string {
  return `EXISTS (SELECT 1 FROM submissions c WHERE c.sid = ${sid} AND c.cancelling = 1)`;
}

/** How many jobs of each member of a batch are not final. */
function openJobs(sql: Sql, batch: Batch): { sid: number; open: number }[] {
  return batch.members.map(({ submission, chunk, from, to }) => {
    const sid = sidOf(sql, submission) ?? -1;
    const closed = sql.get<{ n: number }>(
      `SELECT count(*) AS n FROM jobs WHERE sid = ? AND chunk = ? AND idx >= ? AND idx < ?
         AND NOT (status = ${ROW.requeued} AND generation = ?)`,
      [sid, chunk, from, to, batch.generation],
    );
    return { sid, open: to - from - (closed?.n ?? 0) };
  });
}
