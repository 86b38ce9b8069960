/** A submission: an ordered list of jobs with one ID, its counters, and what they say. */
import type { JobStatus } from './job.ts';
import type { Pin } from './settings.ts';

/**
 * Counters only grow, each in the transaction that changes the state it reports; statuses are differences.
 *
 * - `chunks`, `total`: chunks and jobs accepted
 * - `started`: jobs that left the queue (started or cancelled there), over all generations
 * - `processed`, `failed`, `cancelled`: jobs that reached that status, over all generations
 * - `retried`: failed jobs that a retry put back into the queue
 */
export interface Counters {
  readonly chunks: number;
  readonly total: number;
  readonly started: number;
  readonly processed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly retried: number;
}

export const NO_COUNTS: Counters = {
  chunks: 0,
  total: 0,
  started: 0,
  processed: 0,
  failed: 0,
  cancelled: 0,
  retried: 0,
};

export interface Submission {
  readonly id: string;
  /** `batch`: many jobs by chunks; `single`: one job by `POST /job`. */
  readonly kind: 'batch' | 'single';
  readonly pin: Pin;
  /** Fingerprint of the content that the client announced; lets a rerun see that it is the same. */
  readonly content: string | undefined;
  /** What the client calls it, usually the file's name. */
  readonly name: string | undefined;
  readonly createdAt: number;
  readonly closed: boolean;
  readonly cancelling: boolean;
  /** Grows by one with each retry. */
  readonly generation: number;
  /** A retry is being carried out. */
  readonly retrying: boolean;
  readonly counters: Counters;
}

export type StatusCounts = Readonly<Record<JobStatus, number>>;

/** Counts by status; they always add up to `total`. */
export function statusCounts(counters: Counters): StatusCounts {
  const { total, started, processed, failed, cancelled, retried } = counters;
  return {
    Queued: total + retried - started,
    Processing: started - processed - failed - cancelled,
    Processed: processed,
    Failed: failed - retried,
    Cancelled: cancelled,
  };
}

/** Whether every job of a closed submission is final, and no retry is under way. */
export function isFinished(submission: Pick<Submission, 'closed' | 'retrying' | 'counters'>): boolean {
  const counts = statusCounts(submission.counters);
  return submission.closed && !submission.retrying && counts.Queued + counts.Processing === 0;
}
