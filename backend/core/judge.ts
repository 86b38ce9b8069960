/**
 * What becomes of a batch whose transform job has ended without a usable output for it. Pure: all that is known comes
 * in, a decision comes out.
 */
import type { Batch, BatchState } from './batch.ts';
import { type DataLogEntry, entryError } from './data-log.ts';
import { clipMessage, type JobError, type JobErrorCode } from './job.ts';
import { CANARIES } from './split.ts';
import type { TransformStatus } from './transform-job.ts';

/** How often a batch goes back whole when nothing was said against it. */
export const MAX_REQUEUES = 2;
/** First and longest wait before a batch is tried again whole, in ms. */
const BACKOFF_MS = { first: 5_000, longest: 300_000 };

/** What is known of an ended transform job. */
export interface Evidence {
  readonly status: TransformStatus;
  readonly fault: 'records' | 'platform' | 'interrupted' | 'model' | 'access' | undefined;
  readonly reason: string | undefined;
  /** Its time was over: it was stopped for that. */
  readonly overdue: boolean;
  readonly log: ReadonlyMap<string, DataLogEntry>;
  /** Batches whose output was there, but not whole. */
  readonly unusable: ReadonlySet<string>;
  /** Batches whose object was not there, or not whole. */
  readonly lost: ReadonlySet<string>;
}

export type Decision =
  | {
      readonly kind: 'requeue';
      readonly delayMs: number;
      readonly counts: boolean;
      readonly reason: JobError;
    }
  | { readonly kind: 'fail'; readonly error: JobError }
  /** It may hold a bad record: see `judgeSuspect`. */
  | { readonly kind: 'suspect'; readonly reason: JobError };

/** First judgement: was it the record's fault at all? */
export function judge(batch: Batch, evidence: Evidence, now: number): Decision {
  const entry = evidence.log.get(batch.id);
  if (evidence.overdue)
    return fail('ran_too_long', entry ? entryError(entry).message : evidence.reason, 'it ran too long');
  // Its records were not sent: that is not held against them.
  if (evidence.lost.has(batch.id))
    return now >= batch.waitDeadline
      ? fail('waited_too_long', OBJECT_LOST, OBJECT_LOST)
      : requeue(batch.attempts > 1 ? backoff(batch.attempts - 2) : 0, false, 'transform_failed', OBJECT_LOST);
  if (entry) {
    const reason = entryError(entry);
    return mayBeInnocent(batch, entry)
      ? requeue(0, true, reason.code, reason.message)
      : { kind: 'suspect', reason };
  }
  switch (evidence.fault) {
    case 'interrupted':
      return requeue(0, false, 'transform_stopped', evidence.reason ?? 'the process that ran it ended');
    case 'access':
      return fail('model_unavailable', evidence.reason, 'the model can not be used');
    case 'platform': {
      const reason = evidence.reason ?? 'the transform service failed';
      return now >= batch.waitDeadline
        ? fail('waited_too_long', reason, reason)
        : requeue(backoff(batch.requeues), true, 'transform_failed', reason);
    }
    case 'model': {
      const reason = evidence.reason ?? 'the model never became ready';
      return now >= batch.waitDeadline
        ? fail('model_not_ready', reason, reason)
        : requeue(backoff(batch.requeues), true, 'model_not_ready', reason);
    }
    default:
  }
  if (evidence.status === 'Stopped')
    return again(batch, 'transform_stopped', evidence.reason ?? 'the transform job was stopped');
  // Never tried, or its output was lost or not whole: the log would have named it otherwise.
  const lost: JobError = { code: 'transform_failed', message: evidence.reason ?? 'no output was written' };
  const unusable = evidence.unusable.has(batch.id);
  if (batch.requeues >= MAX_REQUEUES)
    return { kind: 'suspect', reason: unusable ? UNUSABLE : (batch.reason ?? lost) };
  const { code, message } = unusable ? UNUSABLE : lost;
  return requeue(0, true, code, message);
}

const OBJECT_LOST = 'its object was lost or damaged on disk';

/** An output object that doesn't hold every job of its batch exactly once. */
const UNUSABLE: JobError = {
  code: 'bad_output',
  message: 'its output was not whole: a line was missing, repeated or not readable',
};

/**
 * How often a single job is tried again alone after this: a model that dies or hangs takes the requests with it that it
 * had besides. A second death may still be another transform job's doing.
 */
const TRIES_ALONE: Partial<Record<JobErrorCode, number>> = { model_disconnected: 2, model_timeout: 1 };

function mayBeInnocent(batch: Batch, entry: DataLogEntry): boolean {
  return batch.jobs === 1 && batch.requeues < (TRIES_ALONE[entryError(entry).code] ?? 0);
}

/** Whether a batch is to be sent with nothing else in flight. */
export function runsAlone({ jobs, requeues, reason }: Batch): boolean {
  return jobs === 1 && requeues > 0 && reason !== undefined && reason.code in TRIES_ALONE;
}

function again(batch: Batch, code: JobErrorCode, reason: string): Decision {
  if (batch.requeues >= MAX_REQUEUES) return fail(code, reason, reason);
  return requeue(backoff(batch.requeues), true, code, reason);
}

function backoff(requeues: number): number {
  return Math.min(BACKOFF_MS.first * 2 ** requeues, BACKOFF_MS.longest);
}

function requeue(delayMs: number, counts: boolean, code: JobErrorCode, message: string): Decision {
  return { kind: 'requeue', delayMs, counts, reason: { code, message: clipMessage(message) } };
}

function fail(code: JobErrorCode, said: string | undefined, otherwise: string): Decision {
  return { kind: 'fail', error: { code, message: clipMessage(said ?? otherwise) } };
}

export type SuspectDecision =
  | { readonly kind: 'fail'; readonly error: JobError }
  | { readonly kind: 'split'; readonly canaries: number }
  | { readonly kind: 'hold'; readonly scout: string };

/**
 * Second judgement, for a suspect: a single job fails with what was said of it; several are split. But while nothing
 * has shown that the model takes anything, one batch goes ahead as a scout with a few canaries and the others are held.
 * @param proven the model has taken something: in this transform job, or of the same family
 * @param scout the suspect of the same transform job that goes ahead, if any does
 */
export function judgeSuspect(
  batch: Batch,
  reason: JobError,
  proven: boolean,
  scout: string | undefined,
): SuspectDecision {
  if (batch.jobs === 1) return { kind: 'fail', error: reason };
  if (proven || batch.round > 1) return { kind: 'split', canaries: 0 };
  if (batch.scout !== undefined) return { kind: 'hold', scout: batch.scout };
  // Its parent was split without canaries: the model had been seen to take something.
  if (batch.parent !== undefined) return { kind: 'split', canaries: 0 };
  if (scout === undefined || scout === batch.id) return { kind: 'split', canaries: CANARIES };
  return { kind: 'hold', scout };
}

const REFUSED: ReadonlySet<BatchState> = new Set(['Failed', 'Ending', 'Held']);

/** What a scout's children found: the model takes some records, it refuses everything, or they are still under way. */
export function familyFinding(
  scout: BatchState,
  children: readonly BatchState[],
): 'healthy' | 'refused' | 'open' {
  if (scout === 'Done') return 'healthy';
  if (scout === 'Failed' || scout === 'Ending') return 'refused';
  if (children.some((state) => state === 'Done' || state === 'Split')) return 'healthy';
  if (scout === 'Split' && children.every((state) => REFUSED.has(state))) return 'refused';
  return 'open';
}

/** The error of jobs whose model refused all that was tried. */
export function refusesAll(reason: JobError | undefined): JobError {
  return {
    code: 'model_refuses_all',
    message: clipMessage(
      `the model refused every record that was tried: ${reason?.message ?? 'no reason given'}`,
    ),
  };
}

/** The error of jobs that were not started in time. */
export function waitedTooLong(batch: Batch, reason: string | undefined): JobError {
  const last = reason === undefined ? '' : `; last known reason: ${reason}`;
  const hours = batch.pin.settings.maxWaitHours;
  return {
    code: 'waited_too_long',
    message: clipMessage(`it was not started within ${hours} hours${last}`),
  };
}
