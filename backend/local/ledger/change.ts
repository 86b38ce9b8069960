import { countJobs, type Member, membersOf } from '../../core/batch.ts';
import { formatJobId, type JobRef, parseJobId } from '../../core/ids.ts';
import type { ChangeLedger } from '../../ports/ledger.ts';
import type { Sql } from '../sqlite/sql.ts';
import { count, type Db, findBatch, insertBatch, ROW, sidOf } from './rows.ts';

interface ChunkRow {
  n: number;
  jobs: number;
  ranges: string | null;
}

export function changeLedger({ sql, write }: Db): ChangeLedger {
  return {
    cancelJobs: (refs, at) =>
      write((tx) => {
        let cancelled = 0;
        for (const { submission, chunk: n, index } of refs) {
          const sid = sidOf(tx, submission) ?? -1;
          const chunk = tx.get<ChunkRow>('SELECT n, jobs, ranges FROM chunks WHERE sid = ? AND n = ?', [
            sid,
            n,
          ]);
          if (chunk && index < chunk.jobs) cancelled += cancelChunk(tx, sid, chunk, index, index + 1, at);
        }
        return cancelled;
      }),

    beginCancel: (id) =>
      write(
        (tx) =>
          tx.run('UPDATE submissions SET cancelling = 1, closed = 1, retrying = NULL WHERE id = ?', [id]) > 0,
      ),

    cancelChunks: (id, from, limit, at) =>
      write((tx) => {
        const sid = sidOf(tx, id) ?? -1;
        const chunks = tx.all<ChunkRow>(
          'SELECT n, jobs, ranges FROM chunks WHERE sid = ? AND n >= ? ORDER BY n LIMIT ?',
          [sid, from, limit],
        );
        for (const chunk of chunks) {
          cancelChunk(tx, sid, chunk, 0, chunk.jobs, at);
          tx.run("UPDATE chunks SET ranges = '[]' WHERE sid = ? AND n = ? AND ranges IS NULL", [
            sid,
            chunk.n,
          ]);
        }
        const last = chunks.at(-1);
        return chunks.length === limit && last ? last.n + 1 : undefined;
      }),

    endCancel: (id) =>
      write((tx) => {
        tx.run('UPDATE submissions SET cancelling = 0 WHERE id = ?', [id]);
      }),

    beginRetry: (id, generation, jobs) =>
      write((tx) => {
        const row = tx.get<{ sid: number; generation: number; retrying: string | null }>(
          'SELECT sid, generation, retrying FROM submissions WHERE id = ?',
          [id],
        );
        if (!row || row.generation !== generation || row.retrying !== null) return false;
        const any =
          jobs === 'all'
            ? failedJobs(tx, id, row.sid, generation + 1, 1)
            : failedOf(tx, row.sid, jobs, generation + 1);
        if (any.length === 0) return false;
        tx.run('UPDATE submissions SET generation = generation + 1, retrying = ? WHERE sid = ?', [
          JSON.stringify(jobs === 'all' ? 'all' : jobs.map(formatJobId)),
          row.sid,
        ]);
        return true;
      }),

    async jobsToRetry(id, limit, bytes) {
      const row = sql.get<{ sid: number; generation: number; retrying: string | null }>(
        'SELECT sid, generation, retrying FROM submissions WHERE id = ?',
        [id],
      );
      if (!row || row.retrying === null) return [];
      const chosen = JSON.parse(row.retrying) as 'all' | string[];
      const failed =
        chosen === 'all'
          ? failedJobs(sql, id, row.sid, row.generation, limit)
          : failedOf(
              sql,
              row.sid,
              chosen.flatMap((job) => parseJobId(job) ?? []),
              row.generation,
            ).slice(0, limit);
      return withinBytes(sql, row.sid, failed, bytes);
    },

    formRetryBatch: (draft) =>
      write((tx) => {
        const known = findBatch(tx, draft.id);
        if (known) return known;
        const members = draft.members.flatMap((member) => toTake(tx, member, draft.generation));
        const batch = { ...draft, members, jobs: countJobs(members) };
        insertBatch(tx, batch, batch.jobs > 0 ? 'Forming' : 'Done');
        for (const member of members) requeueRows(tx, member, batch.generation, batch.id);
        return batch;
      }),

    endRetry: (id, generation) =>
      write((tx) => {
        tx.run('UPDATE submissions SET retrying = NULL WHERE id = ? AND generation = ?', [id, generation]);
      }),
  };
}

/** Cancels jobs `from` to `to` of a chunk, those that aren't final or in a transform job now; gives how many. */
function cancelChunk(sql: Sql, sid: number, chunk: ChunkRow, from: number, to: number, at: number): number {
  const ranges =
    chunk.ranges === null
      ? [[0, chunk.jobs, undefined] as const]
      : (JSON.parse(chunk.ranges) as [number, number, string][]);
  let cancelled = 0;
  for (const [start, end, root] of ranges)
    for (const span of root === undefined
      ? [{ from: start, to: end, queued: true }]
      : idleSpans(sql, sid, chunk.n, root)) {
      const [first, past] = [Math.max(from, span.from), Math.min(to, span.to)];
      if (first >= past) continue;
      const changed = sql.run(
        `WITH RECURSIVE i(x) AS (VALUES (?) UNION ALL SELECT x + 1 FROM i WHERE x + 1 < ?)
         INSERT INTO jobs (sid, chunk, idx, generation, status, ended_at)
         SELECT ?, ?, x, 0, ${ROW.Cancelled}, ? FROM i WHERE true ON CONFLICT DO NOTHING`,
        [first, past, sid, chunk.n, at],
      );
      // Cancelled in the queue: they have left it, as started ones have.
      if (span.queued) count(sql, sid, 'started', changed);
      cancelled += changed;
    }
  const retried = sql.all<{ batch: string }>(
    `SELECT DISTINCT batch FROM jobs WHERE sid = ? AND chunk = ? AND idx >= ? AND idx < ? AND status = ${ROW.requeued}`,
    [sid, chunk.n, from, to],
  );
  for (const { batch } of retried)
    for (const span of idleSpans(sql, sid, chunk.n, batch)) {
      const changed = sql.run(
        `UPDATE jobs SET status = ${ROW.Cancelled}, ended_at = ?, batch = NULL
         WHERE sid = ? AND chunk = ? AND idx >= ? AND idx < ? AND status = ${ROW.requeued} AND batch = ?`,
        [at, sid, chunk.n, Math.max(from, span.from), Math.min(to, span.to), batch],
      );
      if (span.queued) count(sql, sid, 'started', changed);
      cancelled += changed;
    }
  count(sql, sid, 'cancelled', cancelled);
  return cancelled;
}

/** Jobs of a chunk whose batch, of the line of `root`, is in no transform job now. `queued`: they were never started. */
function idleSpans(
  sql: Sql,
  sid: number,
  n: number,
  root: string,
): { from: number; to: number; queued: boolean }[] {
  const leaves = sql.all<{ members: string; attempts: number; parent: string | null }>(
    "SELECT members, attempts, parent FROM batches WHERE root = ? AND state IN ('Forming', 'Waiting', 'Held')",
    [root],
  );
  return leaves.flatMap(({ members, attempts, parent }) =>
    (JSON.parse(members) as Member[])
      .filter((member) => member.chunk === n && sidOf(sql, member.submission) === sid)
      .map(({ from, to }) => ({ from, to, queued: parent === null && attempts === 0 })),
  );
}

/** Failed jobs of generations before `generation`, in order. */
function failedJobs(sql: Sql, submission: string, sid: number, generation: number, limit: number): JobRef[] {
  return sql
    .all<{ chunk: number; idx: number }>(
      `SELECT chunk, idx FROM jobs WHERE sid = ? AND status = ${ROW.Failed} AND generation < ?
       ORDER BY chunk, idx LIMIT ?`,
      [sid, generation, limit],
    )
    .map(({ chunk, idx }) => ({ submission, chunk, index: idx }));
}

/** Those of `refs` that failed in a generation before `generation`: each once, in order. */
function failedOf(sql: Sql, sid: number, refs: readonly JobRef[], generation: number): JobRef[] {
  const distinct = new Map(refs.map((ref) => [formatJobId(ref), ref]));
  return [...distinct.values()]
    .filter(({ chunk, index }) =>
      sql.get(
        `SELECT 1 FROM jobs WHERE sid = ? AND chunk = ? AND idx = ? AND status = ${ROW.Failed} AND generation < ?`,
        [sid, chunk, index, generation],
      ),
    )
    .sort((a, b) => a.chunk - b.chunk || a.index - b.index);
}

/** What of a member a retry's batch can still take: another one may have taken it, or the retry have ended. */
function toTake(sql: Sql, { submission, chunk, from, to }: Member, generation: number): Member[] {
  const rows = sql.all<{ idx: number }>(
    `SELECT j.idx FROM jobs j JOIN submissions s ON s.sid = j.sid
     WHERE s.id = ? AND s.generation = ? AND s.retrying IS NOT NULL AND j.chunk = ? AND j.idx >= ? AND j.idx < ?
       AND j.status = ${ROW.Failed} AND j.generation < ? ORDER BY j.idx`,
    [submission, generation, chunk, from, to, generation],
  );
  return membersOf(rows.map(({ idx }) => ({ submission, chunk, index: idx })));
}

/** The first jobs that together have about `bytes`, by the average of their chunks; at least one. */
function withinBytes(sql: Sql, sid: number, jobs: readonly JobRef[], bytes: number): JobRef[] {
  const averages = new Map<number, number>();
  let sum = 0;
  const end = jobs.findIndex(({ chunk }, i) => {
    let average = averages.get(chunk);
    if (average === undefined) {
      const row = sql.get<{ average: number }>(
        'SELECT bytes / jobs AS average FROM chunks WHERE sid = ? AND n = ?',
        [sid, chunk],
      );
      average = row?.average ?? 0;
      averages.set(chunk, average);
    }
    sum += average;
    return i > 0 && sum > bytes;
  });
  return end < 0 ? [...jobs] : jobs.slice(0, end);
}

function requeueRows(sql: Sql, member: Member, generation: number, batch: string): void {
  const sid = sidOf(sql, member.submission) ?? -1;
  const changed = sql.run(
    `UPDATE jobs SET status = ${ROW.requeued}, generation = ?, batch = ?, ended_at = NULL, error_code = NULL,
       error_message = NULL WHERE sid = ? AND chunk = ? AND idx >= ? AND idx < ? AND status = ${ROW.Failed}`,
    [generation, batch, sid, member.chunk, member.from, member.to],
  );
  count(sql, sid, 'retried', changed);
}
