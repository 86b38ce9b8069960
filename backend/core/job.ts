/** What a job is, which statuses it may have, and the only legal ways from one to the next. */

export const JOB_STATUSES = ['Queued', 'Processing', 'Processed', 'Failed', 'Cancelled'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** Why jobs fail. The message beside it is the model's own where the model said something. */
export const JOB_ERROR_CODES = [
  'model_error',
  'model_timeout',
  'model_disconnected',
  'bad_output',
  'model_refuses_all',
  'model_not_ready',
  'model_unavailable',
  'transform_failed',
  'transform_stopped',
  'isolation_budget',
  'waited_too_long',
  'ran_too_long',
] as const;
export type JobErrorCode = (typeof JOB_ERROR_CODES)[number];

export interface JobError {
  readonly code: JobErrorCode;
  readonly message: string;
}

/** Longest error message kept for a job, in characters. */
export const MAX_ERROR_MESSAGE = 1000;

const NEXT: Record<JobStatus, readonly JobStatus[]> = {
  Queued: ['Processing', 'Failed', 'Cancelled'],
  Processing: ['Processed', 'Failed', 'Cancelled'],
  Processed: [],
  Failed: [],
  Cancelled: [],
};

/** Whether a job may go from one status to another within one generation. (`retry` starts a new generation.) */
export function mayBecome(from: JobStatus, to: JobStatus): boolean {
  return NEXT[from].includes(to);
}

export function isFinal(status: JobStatus): boolean {
  return NEXT[status].length === 0;
}

/** Cuts a message to what is kept; whole characters only. */
export function clipMessage(message: string): string {
  const text = message.trim();
  if (text.length <= MAX_ERROR_MESSAGE) return text;
  return `${text.slice(0, MAX_ERROR_MESSAGE - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
