/** What the ledger's tables hold, and the way between their rows and the pipeline's words. */
import type { Batch, BatchState, Member } from '../../core/batch.ts';
import type { JobError } from '../../core/job.ts';
import type { Pin } from '../../core/settings.ts';
import { pinKey } from '../../core/settings.ts';
import type { Submission } from '../../core/submission.ts';
import type { TransformJob, TransformState } from '../../core/transform-job.ts';
import type { Scope } from '../../ports/ledger.ts';
import type { Sql, SqlValue } from '../sqlite/sql.ts';
import type { Writer } from '../sqlite/writer.ts';

/** The database as the parts of the ledger use it. */
export interface Db extends Writer {
  readonly sql: Sql;
}

/** Values of `jobs.status`. */
export const ROW = { requeued: 0, Processed: 1, Failed: 2, Cancelled: 3 } as const;

export interface SubmissionRow {
  sid: number;
  id: string;
  kind: 'batch' | 'single';
  pin_text: string;
  content: string | null;
  name: string | null;
  created_at: number;
  closed: number;
  cancelling: number;
  generation: number;
  retrying: string | null;
  total: number;
  started: number;
  processed: number;
  failed: number;
  cancelled: number;
  retried: number;
}

export const SELECT_SUBMISSION =
  'SELECT s.*, p.pin AS pin_text FROM submissions s JOIN pins p ON p.id = s.pin';

export function toSubmission(row: SubmissionRow): Submission {
  const { total, started, processed, failed, cancelled, retried } = row;
  return {
    id: row.id,
    kind: row.kind,
    pin: JSON.parse(row.pin_text) as Pin,
    content: row.content ?? undefined,
    name: row.name ?? undefined,
    createdAt: row.created_at,
    closed: row.closed === 1,
    cancelling: row.cancelling === 1,
    generation: row.generation,
    retrying: row.retrying === null ? undefined : (JSON.parse(row.retrying) as 'all' | string[]),
    counters: { total, started, processed, failed, cancelled, retried },
  };
}

export interface BatchRow {
  seq: number;
  id: string;
  root: string;
  parent: string | null;
  round: number;
  members: string;
  jobs: number;
  pin: number;
  pin_text: string;
  owner: number | null;
  generation: number;
  state: BatchState;
  attempts: number;
  requeues: number;
  suspect: number;
  transform: string | null;
  scout: string | null;
  not_before: number;
  created_at: number;
  wait_deadline: number;
  reason: string | null;
}

export const SELECT_BATCH = 'SELECT b.*, p.pin AS pin_text FROM batches b JOIN pins p ON p.id = b.pin';

export function toBatch(row: BatchRow): Batch {
  return {
    id: row.id,
    root: row.root,
    parent: row.parent ?? undefined,
    round: row.round,
    members: JSON.parse(row.members) as Member[],
    jobs: row.jobs,
    pin: JSON.parse(row.pin_text) as Pin,
    generation: row.generation,
    state: row.state,
    attempts: row.attempts,
    requeues: row.requeues,
    suspect: row.suspect === 1,
    transformJob: row.transform ?? undefined,
    scout: row.scout ?? undefined,
    notBefore: row.not_before,
    createdAt: row.created_at,
    waitDeadline: row.wait_deadline,
    reason: row.reason === null ? undefined : (JSON.parse(row.reason) as JobError),
  };
}

export function findBatch(sql: Sql, id: string): Batch | undefined {
  const row = sql.get<BatchRow>(`${SELECT_BATCH} WHERE b.id = ?`, [id]);
  return row && toBatch(row);
}

export function insertBatch(sql: Sql, batch: Batch, state: BatchState): void {
  sql.run(
    `INSERT INTO batches (id, root, parent, round, members, jobs, pin, owner, generation, state, suspect,
       scout, created_at, wait_deadline, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      batch.id,
      batch.root,
      batch.parent ?? null,
      batch.round,
      JSON.stringify(batch.members),
      batch.jobs,
      pinId(sql, batch.pin),
      ownerOf(sql, batch.members),
      batch.generation,
      state,
      batch.suspect ? 1 : 0,
      batch.scout ?? null,
      batch.createdAt,
      batch.waitDeadline,
      batch.reason === undefined ? null : JSON.stringify(batch.reason),
    ],
  );
}

export interface TransformRow {
  name: string;
  batches: string;
  state: TransformState;
  claimed_at: number;
  deadline: number;
  not_before: number;
  reason: string | null;
}

export function toTransformJob(row: TransformRow): TransformJob {
  return {
    name: row.name,
    batches: JSON.parse(row.batches) as string[],
    state: row.state,
    claimedAt: row.claimed_at,
    deadline: row.deadline,
    notBefore: row.not_before,
    reason: row.reason ?? undefined,
  };
}

/** Number of a pin; makes it if it is new. */
export function pinId(sql: Sql, pin: Pin): number {
  const key = pinKey(pin);
  sql.run('INSERT INTO pins (key, pin) VALUES (?, ?) ON CONFLICT DO NOTHING', [key, JSON.stringify(pin)]);
  return (sql.get<{ id: number }>('SELECT id FROM pins WHERE key = ?', [key]) as { id: number }).id;
}

/** Number of a submission; undefined when there is none. */
export function sidOf(sql: Sql, submission: string): number | undefined {
  return sql.get<{ sid: number }>('SELECT sid FROM submissions WHERE id = ?', [submission])?.sid;
}

function ownerOf(sql: Sql, members: readonly Member[]): number | null {
  const owners = new Set(members.map((member) => member.submission));
  const [owner] = owners;
  return owners.size === 1 && owner !== undefined ? (sidOf(sql, owner) ?? null) : null;
}

/** A condition on a column that holds a submission's number, and its parameters. -1: a submission not made yet. */
export function inScope(sql: Sql, scope: Scope, column: string): { where: string; params: SqlValue[] } {
  if (scope.submission === undefined) return { where: '1', params: [] };
  return { where: `${column} = ?`, params: [sidOf(sql, scope.submission) ?? -1] };
}

/** Adds to counters of a submission. */
export function count(
  sql: Sql,
  sid: number,
  counter: 'started' | 'processed' | 'failed' | 'cancelled' | 'retried' | 'isolated',
  by: number,
): void {
  if (by > 0) sql.run(`UPDATE submissions SET ${counter} = ${counter} + ? WHERE sid = ?`, [by, sid]);
}
