import type { Batch, BatchState } from '../../core/batch.ts';
import type { JobError } from '../../core/job.ts';
import type { FiledResult, SettleLedger, Verdict } from '../../ports/ledger.ts';
import type { Sql } from '../sqlite/sql.ts';
import { type BatchRow, count, type Db, insertBatch, ROW, SELECT_BATCH, sidOf, toBatch } from './rows.ts';

/** Final rows are never written over, and a row that a retry put back only by a batch of that retry. */
const UNLESS_FINAL = `ON CONFLICT (sid, chunk, idx) DO UPDATE SET status = excluded.status, ended_at = excluded.ended_at,
    batch = NULL, error_code = excluded.error_code, error_message = excluded.error_message, result = excluded.result
  WHERE jobs.status = ${ROW.requeued} AND jobs.generation = excluded.generation`;

/** Not started: to be failed when its time is over. */
const OPEN_STATES: ReadonlySet<BatchState> = new Set(['Forming', 'Waiting', 'Held']);

export function settleLedger({ sql, write }: Db): SettleLedger {
  const batchesWhere = (where: string, value: string): Batch[] =>
    sql.all<BatchRow>(`${SELECT_BATCH} WHERE ${where} ORDER BY b.seq`, [value]).map(toBatch);

  return {
    runningBatches: async (name) => batchesWhere("b.state = 'Running' AND b.transform = ?", name),
    formingChildren: async (parent) => batchesWhere("b.state = 'Forming' AND b.parent = ?", parent),
    heldFor: async (scout) => batchesWhere("b.state = 'Held' AND b.scout = ?", scout),

    async family(parent) {
      return sql
        .all<{ state: Batch['state'] }>('SELECT state FROM batches WHERE parent = ?', [parent])
        .map((row) => row.state);
    },

    fileResults: (id, results, at) =>
      write((tx) => {
        const batch = tx.get<BatchRow>(`${SELECT_BATCH} WHERE b.id = ?`, [id]);
        if (!batch || batch.state === 'Done' || batch.state === 'Failed') return;
        fileRows(tx, results, batch.generation, at);
        tx.run("UPDATE batches SET state = 'Done' WHERE id = ?", [id]);
      }),

    countUnusable: (id, transform) =>
      write((tx) => {
        tx.run('UPDATE batches SET unusable = unusable + 1 WHERE id = ? AND transform = ?', [id, transform]);
        const row = tx.get<{ unusable: number; transform: string | null }>(
          'SELECT unusable, transform FROM batches WHERE id = ?',
          [id],
        );
        // An earlier transform job's output: nothing will come of it any more.
        return row?.transform === transform ? row.unusable : Number.MAX_SAFE_INTEGER;
      }),

    applyVerdict: (id, transform, verdict, at) =>
      write((tx) => {
        const row = tx.get<BatchRow>(`${SELECT_BATCH} WHERE b.id = ?`, [id]);
        const still =
          transform === undefined
            ? row?.state === 'Held'
            : row?.state === 'Running' && row.transform === transform;
        if (!row || !still) return false;
        apply(tx, toBatch(row), verdict, at);
        return true;
      }),

    failWaiting: (id, error, at) =>
      write((tx) => {
        const row = tx.get<BatchRow>(`${SELECT_BATCH} WHERE b.id = ?`, [id]);
        if (!row || !OPEN_STATES.has(row.state)) return false;
        failBatch(tx, toBatch(row), error, at);
        return true;
      }),

    endTransformJob: (name, reason) =>
      write((tx) => {
        const open = tx.get("SELECT 1 AS open FROM batches WHERE state = 'Running' AND transform = ?", [
          name,
        ]);
        if (open) return false;
        return (
          tx.run(
            "UPDATE transform_jobs SET state = 'Ended', reason = ? WHERE name = ? AND state <> 'Ended'",
            [reason ?? null, name],
          ) > 0
        );
      }),
  };
}

function apply(sql: Sql, batch: Batch, verdict: Verdict, at: number): void {
  if (verdict.kind === 'fail') {
    failBatch(sql, batch, verdict.error, at);
    return;
  }
  const reason = JSON.stringify(verdict.reason);
  if (verdict.kind === 'requeue') {
    sql.run(
      "UPDATE batches SET state = 'Waiting', not_before = ?, requeues = requeues + ?, reason = ? WHERE id = ?",
      [verdict.notBefore, verdict.counts ? 1 : 0, reason, batch.id],
    );
  } else if (verdict.kind === 'hold') {
    sql.run("UPDATE batches SET state = 'Held', scout = ?, reason = ? WHERE id = ?", [
      verdict.scout,
      reason,
      batch.id,
    ]);
  } else {
    const error = overBudget(sql, verdict.children, verdict.budget, verdict.reason);
    if (error) {
      failBatch(sql, batch, error, at);
      return;
    }
    sql.run("UPDATE batches SET state = 'Split', reason = ? WHERE id = ?", [reason, batch.id]);
    for (const child of verdict.children) insertBatch(sql, child, 'Forming');
  }
}

/** Takes the single-job children from their submissions' budgets; the error of the batch if they don't reach. */
function overBudget(
  sql: Sql,
  children: readonly Batch[],
  budget: number,
  reason: JobError,
): JobError | undefined {
  const wanted = new Map<string, number>();
  for (const { jobs, members } of children)
    if (jobs === 1 && members[0])
      wanted.set(members[0].submission, (wanted.get(members[0].submission) ?? 0) + 1);
  for (const [submission, n] of wanted) {
    const row = sql.get<{ isolated: number }>('SELECT isolated FROM submissions WHERE id = ?', [submission]);
    if ((row?.isolated ?? 0) + n <= budget) continue;
    return {
      code: 'isolation_budget',
      message: `not tried alone: ${budget} single jobs of its submission were; its batch failed with: ${reason.message}`,
    };
  }
  for (const [submission, n] of wanted) count(sql, sidOf(sql, submission) ?? -1, 'isolated', n);
  return undefined;
}

function failBatch(sql: Sql, batch: Batch, error: JobError, at: number): void {
  for (const { submission, chunk, from, to } of batch.members) {
    const sid = sidOf(sql, submission) ?? -1;
    const changed = sql.run(
      `WITH RECURSIVE i(x) AS (VALUES (?) UNION ALL SELECT x + 1 FROM i WHERE x + 1 < ?)
       INSERT INTO jobs (sid, chunk, idx, generation, status, ended_at, error_code, error_message)
       SELECT ?, ?, x, ?, ${ROW.Failed}, ?, ?, ? FROM i WHERE true ${UNLESS_FINAL}`,
      [from, to, sid, chunk, batch.generation, at, error.code, error.message],
    );
    if (batch.parent === undefined && batch.attempts === 0) count(sql, sid, 'started', changed);
    count(sql, sid, 'failed', changed);
  }
  sql.run("UPDATE batches SET state = 'Failed', reason = ? WHERE id = ?", [JSON.stringify(error), batch.id]);
}

/** Writes rows in runs of neighbours of one chunk: one statement a run. */
function fileRows(sql: Sql, results: readonly FiledResult[], generation: number, at: number): void {
  let start = 0;
  while (start < results.length) {
    const first = (results[start] as FiledResult).ref;
    const texts: string[] = [];
    let end = start;
    for (; end < results.length; end++) {
      const { ref, result } = results[end] as FiledResult;
      if (
        ref.submission !== first.submission ||
        ref.chunk !== first.chunk ||
        ref.index !== first.index + end - start
      )
        break;
      texts.push(result);
    }
    const sid = sidOf(sql, first.submission) ?? -1;
    const changed = sql.run(
      `INSERT INTO jobs (sid, chunk, idx, generation, status, ended_at, result)
       SELECT ?, ?, ? + key, ?, ${ROW.Processed}, ?, value FROM json_each(?) WHERE true ${UNLESS_FINAL}`,
      [sid, first.chunk, first.index, generation, at, JSON.stringify(texts)],
    );
    count(sql, sid, 'processed', changed);
    start = end;
  }
}
