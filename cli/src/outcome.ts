/** What counts say: an exit code, a table row, a line. */
import type { SubmissionInfo } from '@batchml/backend/wire';
import type { JobStatus } from '@batchml/backend/words';
import { EXIT } from './exit-codes.ts';

export type Counts = Record<JobStatus, number>;

/** Failed jobs with the same code and message. */
export interface FailureGroup {
  readonly code: string;
  readonly message: string;
  readonly count: number;
  readonly firstLine: number;
}

export const NO_COUNTS: Counts = { Queued: 0, Processing: 0, Processed: 0, Failed: 0, Cancelled: 0 };

export function addCounts(a: Counts, b: Counts): Counts {
  return {
    Queued: a.Queued + b.Queued,
    Processing: a.Processing + b.Processing,
    Processed: a.Processed + b.Processed,
    Failed: a.Failed + b.Failed,
    Cancelled: a.Cancelled + b.Cancelled,
  };
}

export const totalOf = (counts: Counts): number => Object.values(counts).reduce((sum, n) => sum + n, 0);
export const openOf = (counts: Counts): number => counts.Queued + counts.Processing;
export const finalOf = (counts: Counts): number => counts.Processed + counts.Failed + counts.Cancelled;

/**
 * 0: every job has its result (or may still get it). 3: some final ones have none: they failed or were cancelled.
 * 1: all are final, and none has one.
 */
export function exitCodeFor(counts: Counts): number {
  const without = counts.Failed + counts.Cancelled;
  if (without === 0) return EXIT.ok;
  return without === totalOf(counts) ? EXIT.failed : EXIT.someFailed;
}

/** Whether nothing more will happen: all accepted, all final. */
export function isFinished(info: SubmissionInfo): boolean {
  return info.state === 'Finished';
}

/** A submission, or the selected part of one. */
export interface SubmissionStatus {
  readonly submissionId: string;
  readonly name?: string;
  readonly createdTime: string;
  /** Of a part: `Running` while one of its jobs isn't final, else `Finished`. */
  readonly state: SubmissionInfo['state'];
  readonly total: number;
  readonly counts: Counts;
  /** Some of the submission's jobs only. */
  readonly partial: boolean;
}

export const isOver = (status: SubmissionStatus): boolean =>
  status.partial ? openOf(status.counts) === 0 : status.state === 'Finished';
