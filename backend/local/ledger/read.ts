import { type Directory, lineNumbers } from '../../core/chunk.ts';
import type { JobRef } from '../../core/ids.ts';
import type { JobErrorCode, JobStatus } from '../../core/job.ts';
import type { ChunkView, JobView, ReadLedger } from '../../ports/ledger.ts';
import type { Sql } from '../sqlite/sql.ts';
import {
  type Db,
  findBatch,
  ROW,
  SELECT_SUBMISSION,
  type SubmissionRow,
  sidOf,
  type TransformRow,
  toSubmission,
  toTransformJob,
} from './rows.ts';

interface ChunkRow {
  n: number;
  jobs: number;
  accepted_at: number;
  ranges: string | null;
  directory: string;
}

interface JobRow {
  idx: number;
  generation: number;
  status: number;
  ended_at: number | null;
  batch: string | null;
  error_code: string | null;
  error_message: string | null;
  result: string | null;
}

const STATUS: Record<number, JobStatus> = {
  [ROW.Processed]: 'Processed',
  [ROW.Failed]: 'Failed',
  [ROW.Cancelled]: 'Cancelled',
};

const SELECT_CHUNK = 'SELECT n, jobs, accepted_at, ranges, directory FROM chunks';

export function readLedger({ sql }: Db): ReadLedger {
  return {
    async submission(id) {
      const row = sql.get<SubmissionRow>(`${SELECT_SUBMISSION} WHERE s.id = ?`, [id]);
      return row && toSubmission(row);
    },

    async submissions(cursor, limit) {
      if (cursor !== undefined && !/^\d{1,15}$/.test(cursor)) return { items: [], next: undefined };
      const rows = sql.all<SubmissionRow>(
        `${SELECT_SUBMISSION} WHERE s.kind = 'batch' AND s.sid < ? ORDER BY s.sid DESC LIMIT ?`,
        [cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor), limit + 1],
      );
      const items = rows.slice(0, limit);
      return {
        items: items.map(toSubmission),
        next: rows.length > limit ? String(items.at(-1)?.sid) : undefined,
      };
    },

    async chunks(submission, from, limit) {
      const sid = sidOf(sql, submission);
      if (sid === undefined) return [];
      return sql
        .all<ChunkRow>(`${SELECT_CHUNK} WHERE sid = ? AND n >= ? ORDER BY n LIMIT ?`, [sid, from, limit])
        .map((chunk) => viewChunk(sql, sid, submission, chunk));
    },

    async chunksWithFailures(submission, from, limit) {
      const sid = sidOf(sql, submission);
      if (sid === undefined) return [];
      return sql
        .all<{ chunk: number }>(
          `SELECT DISTINCT chunk FROM jobs WHERE sid = ? AND chunk >= ? AND status = ${ROW.Failed} ORDER BY chunk LIMIT ?`,
          [sid, from, limit],
        )
        .map((row) => row.chunk);
    },

    async jobs(refs) {
      return refs.map((ref) => viewJob(sql, ref));
    },

    batch: async (id) => findBatch(sql, id),

    async transformJob(name) {
      const row = sql.get<TransformRow>('SELECT * FROM transform_jobs WHERE name = ?', [name]);
      return row && toTransformJob(row);
    },
  };
}

function viewJob(sql: Sql, ref: JobRef): JobView | undefined {
  const sid = sidOf(sql, ref.submission);
  if (sid === undefined) return undefined;
  const chunk = sql.get<ChunkRow>(`${SELECT_CHUNK} WHERE sid = ? AND n = ?`, [sid, ref.chunk]);
  if (!chunk || ref.index >= chunk.jobs) return undefined;
  return viewChunk(sql, sid, ref.submission, chunk, ref.index).jobs[ref.index];
}

/**
 * A chunk's jobs as they stand: their row says so, else their chunk and batch.
 * @param only the one job that is asked for; only its row is read, and only it is true in the answer
 */
function viewChunk(sql: Sql, sid: number, submission: string, chunk: ChunkRow, only?: number): ChunkView {
  const directory = JSON.parse(chunk.directory) as Directory;
  const rows = sql.all<JobRow>(
    'SELECT idx, generation, status, ended_at, batch, error_code, error_message, result FROM jobs WHERE sid = ? AND chunk = ? AND idx >= ? AND idx <= ?',
    [sid, chunk.n, only ?? 0, only ?? chunk.jobs],
  );
  const byIndex: (JobRow | undefined)[] = new Array(chunk.jobs);
  for (const row of rows) byIndex[row.idx] = row;
  const unfiled = rows.length < chunk.jobs ? unfiledStatus(sql, chunk) : () => 'Queued' as const;
  const jobs = lineNumbers(directory).map((line, index): JobView => {
    const row = byIndex[index];
    return {
      ref: { submission, chunk: chunk.n, index },
      line,
      customId: directory.customIds?.[index] ?? undefined,
      status: row ? (STATUS[row.status] ?? batchStatus(sql, row.batch)) : unfiled(index),
      generation: row?.generation ?? 0,
      acceptedAt: chunk.accepted_at,
      endedAt: row?.ended_at ?? undefined,
      result: row?.result ?? undefined,
      error: row?.error_code
        ? { code: row.error_code as JobErrorCode, message: row.error_message ?? '' }
        : undefined,
    };
  });
  return { n: chunk.n, jobs };
}

/** Status by index of jobs without a row. */
function unfiledStatus(sql: Sql, chunk: ChunkRow): (index: number) => JobStatus {
  const ranges = JSON.parse(chunk.ranges ?? '[]') as [from: number, to: number, batch: string][];
  const statuses = ranges.map(([from, to, batch]) => ({ from, to, status: batchStatus(sql, batch) }));
  return (index) => statuses.find(({ from, to }) => from <= index && index < to)?.status ?? 'Queued';
}

/** Status of the jobs of a batch that was not split from another; its children's have been started like itself. */
function batchStatus(sql: Sql, batch: string | null): JobStatus {
  const row = sql.get<{ attempts: number }>('SELECT attempts FROM batches WHERE id = ?', [batch]);
  return (row?.attempts ?? 0) > 0 ? 'Processing' : 'Queued';
}
