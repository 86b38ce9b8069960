/**
 * The ledger: the one place where state lives. Every method that changes something is one atomic conditional step: it
 * takes effect whole or not at all, and repeating it (a retry, a second event, two callers at once) changes nothing.
 */
import type { Batch, BatchState } from '../core/batch.ts';
import type { Directory } from '../core/chunk.ts';
import type { JobRef } from '../core/ids.ts';
import type { JobError, JobStatus } from '../core/job.ts';
import type { Submission } from '../core/submission.ts';
import type { TransformJob } from '../core/transform-job.ts';

export type SubmissionDraft = Pick<Submission, 'id' | 'kind' | 'pin' | 'content' | 'name' | 'createdAt'>;

export interface ChunkDraft {
  readonly submission: string;
  readonly n: number;
  /** SHA-256 of the body as sent, in hex: says whether a chunk sent again is the same. */
  readonly sha256: string;
  readonly directory: Directory;
  /** The jobs' object lines; stored durably by `acceptChunk`. */
  readonly lines: string;
  readonly jobs: number;
  readonly acceptedAt: number;
}

/** `repeated`: the same chunk was accepted before. `conflict`: another one was. `closed`: the submission takes no more. */
export type AcceptOutcome = 'accepted' | 'repeated' | 'conflict' | 'closed';

/** `mismatch`: the jobs accepted (`total`) aren't as many as the client says it sent. */
export type CloseOutcome =
  | { readonly kind: 'closed' | 'mismatch'; readonly total: number }
  | { readonly kind: 'unknown' };

/** A chunk that no batch has yet. */
export interface OpenChunk {
  readonly submission: string;
  readonly n: number;
  readonly jobs: number;
  readonly bytes: number;
  readonly acceptedAt: number;
  /** Its submission takes no more chunks: it needn't wait for its batch to fill. */
  readonly closed: boolean;
  /** Chunks share a batch only if theirs are equal, and theirs are equal only if their pins are. */
  readonly group: string;
}

/** A job as it is listed: its place, status and outcome. */
export interface JobView {
  readonly ref: JobRef;
  readonly line: number;
  readonly customId: string | undefined;
  readonly status: JobStatus;
  readonly generation: number;
  readonly acceptedAt: number;
  /** When it became final (epoch ms). */
  readonly endedAt: number | undefined;
  /** Result as JSON text; only when Processed. */
  readonly result: string | undefined;
  /** Where a large result stands. `result` is then undefined, unless `jobs` was asked for it and had room for it. */
  readonly place?: ResultPlace;
  /** Only when Failed. */
  readonly error: JobError | undefined;
}

export interface ChunkView {
  readonly n: number;
  readonly jobs: readonly JobView[];
}

/** One job's result (JSON text) to be filed. */
export interface FiledResult {
  readonly ref: JobRef;
  readonly result: string;
  /** Where the text stands in its output object; given for large ones, which a ledger may leave there. */
  readonly place?: ResultPlace;
}

/** Bytes `from` (inclusive) to `to` (exclusive) of an object. */
export interface ResultPlace {
  readonly object: string;
  readonly from: number;
  readonly to: number;
}

/** What becomes of a batch whose transform job has ended without a usable output for it. */
export type Verdict =
  /** `counts`: against the number of times that it may go back whole. */
  | {
      readonly kind: 'requeue';
      readonly notBefore: number;
      readonly counts: boolean;
      readonly reason: JobError;
    }
  | { readonly kind: 'hold'; readonly scout: string; readonly reason: JobError }
  /** More single-job children than what is left of their submissions' `budget`: the batch fails as `isolation_budget`. */
  | {
      readonly kind: 'split';
      readonly children: readonly Batch[];
      readonly budget: number;
      readonly reason: JobError;
    }
  | { readonly kind: 'fail'; readonly error: JobError };

/** Work to look at: everything, or one submission's (an embedded pipeline works for its own alone). */
export interface Scope {
  readonly submission?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page starts; undefined on the last. */
  readonly next: string | undefined;
}

export interface AcceptLedger {
  /** Makes the submission unless it exists; gives what exists. */
  openSubmission(
    draft: SubmissionDraft,
  ): Promise<{ readonly created: boolean; readonly submission: Submission }>;
  /**
   * Stores a chunk and counts its jobs into the submission's total, making the submission if need be. When this
   * answers `accepted` or `repeated` the jobs are durable: that is the acknowledgement.
   */
  acceptChunk(draft: ChunkDraft, submission: SubmissionDraft): Promise<AcceptOutcome>;
  /** Takes no more chunks, if exactly `jobs` jobs were accepted. */
  closeSubmission(id: string, jobs: number): Promise<CloseOutcome>;
}

export interface ReadLedger {
  submission(id: string): Promise<Submission | undefined>;
  /** Submissions of kind `batch`, newest first. */
  submissions(cursor: string | undefined, limit: number): Promise<Page<Submission>>;
  /** Up to `limit` chunks from `from` on, with their jobs as they stand, in order. */
  chunks(submission: string, from: number, limit: number): Promise<readonly ChunkView[]>;
  /** Numbers of the chunks, from `from` on and at most `limit`, that hold a Failed job. */
  chunksWithFailures(submission: string, from: number, limit: number): Promise<readonly number[]>;
  /** Jobs as they stand, in the order asked; undefined for unknown ones. */
  jobs(refs: readonly JobRef[]): Promise<readonly (JobView | undefined)[]>;
  batch(id: string): Promise<Batch | undefined>;
  transformJob(name: string): Promise<TransformJob | undefined>;
}

export interface GatherLedger {
  /** Chunks without a batch, oldest first. */
  openChunks(scope: Scope, limit: number): Promise<readonly OpenChunk[]>;
  /**
   * Records batches as Forming and gives them the candidate chunks that no other batch has: a chunk's jobs all go to
   * `batches` that name ranges of it. Gives the batches with the members they really have (none, and they are Done).
   */
  formBatches(batches: readonly Batch[]): Promise<readonly Batch[]>;
  /** The object lines of a chunk's jobs. */
  chunkLines(submission: string, n: number): Promise<string>;
  /** Forming -> Waiting, once the objects are written. Others are left alone. */
  markWaiting(batches: readonly string[]): Promise<void>;
}

export interface StartLedger {
  /**
   * Batches that may be started now: those that go on with work begun (tried before, split from another, or a retry's)
   * first, else oldest first; a split batch's children come together.
   */
  waitingBatches(scope: Scope, now: number, limit: number): Promise<readonly Batch[]>;
  /** Earliest `notBefore` later than now of a Waiting batch. */
  nextWaiting(scope: Scope, now: number): Promise<number | undefined>;
  /**
   * Takes one of `slots` places for transform jobs of that pin and moves the batches, all or none, Waiting -> Running:
   * counts their open jobs as started the first time. `full`: no place is free. `changed`: a batch isn't Waiting any
   * more, or has no open job left and is Done now: look again.
   */
  claimTransformJob(scope: Scope, job: TransformJob, slots: number): Promise<'claimed' | 'full' | 'changed'>;
  /** Claimed -> Running. */
  markCreated(name: string): Promise<void>;
  /** Keeps a Claimed one waiting. */
  postponeTransformJob(name: string, notBefore: number, reason: string): Promise<void>;
}

export interface SettleLedger {
  /** Batches of a transform job that it still has Running. */
  runningBatches(name: string): Promise<readonly Batch[]>;
  /**
   * Files results of a batch's jobs, those that are not final yet in the batch's generation, and ends the batch as
   * Done. A success counts from any attempt: the batch may be in any state but Done or Failed.
   * @param transform whose output it was; undefined: of the one that it was in last
   */
  fileResults(batch: string, results: readonly FiledResult[], at: number, transform?: string): Promise<void>;
  /** Counts an unusable output of a batch; gives how many there were of this transform job. */
  countUnusable(batch: string, transform: string): Promise<number>;
  /** Applies a verdict if the batch is still Running in that transform job (or Held, where `transform` is undefined). */
  applyVerdict(batch: string, transform: string | undefined, verdict: Verdict, at: number): Promise<boolean>;
  /** Fails a Forming, Waiting or Held batch whose time is over. */
  failWaiting(batch: string, error: JobError, at: number): Promise<boolean>;
  /** Ends the transform job and frees its place, once it has no Running batch. */
  endTransformJob(name: string, reason: string | undefined): Promise<boolean>;
  /** States of a batch's children. */
  family(parent: string): Promise<readonly BatchState[]>;
  /** A split batch's children whose objects aren't written yet. */
  formingChildren(parent: string): Promise<readonly Batch[]>;
  /** Batches that are Held for what the children of `scout` find. */
  heldFor(scout: string): Promise<readonly Batch[]>;
}

export interface ChangeLedger {
  /**
   * Cancels the jobs that aren't final or in a transform job now: those in the queue, and those that wait to be tried
   * again. Gives how many it cancelled.
   */
  cancelJobs(refs: readonly JobRef[], at: number): Promise<number>;
  /** Marks the submission: no job of it is started any more, and a retry under way goes no further. False when there is none. */
  beginCancel(submission: string): Promise<boolean>;
  /** Cancels up to `limit` chunks' jobs as `cancelJobs` does, from chunk `from` on; gives the next chunk, if any. */
  cancelChunks(submission: string, from: number, limit: number, at: number): Promise<number | undefined>;
  /** Ends the cancelling. */
  endCancel(submission: string): Promise<void>;
  /**
   * Starts a new generation for the failed jobs (all, or those named), if the submission's generation is still
   * `generation` and it has any.
   */
  beginRetry(submission: string, generation: number, jobs: 'all' | readonly JobRef[]): Promise<boolean>;
  /** Failed jobs that the retry under way covers and has no batch for yet, in order: at most `limit`, about `bytes`. */
  jobsToRetry(submission: string, limit: number, bytes: number): Promise<readonly JobRef[]>;
  /**
   * Records a retry's batch as Forming, and moves its jobs from Failed to Queued in its generation: those that no other
   * batch of the retry has taken, while the retry is under way. Gives the batch with the jobs that it really has (none,
   * and it is Done).
   */
  formRetryBatch(batch: Batch): Promise<Batch>;
  /** Ends the retry of that generation. */
  endRetry(submission: string, generation: number): Promise<void>;
}

/** What is open and must be rung for. */
export interface OpenWork {
  readonly chunks: boolean;
  /** Forming batches; for the children of a split batch, that one. */
  readonly forming: readonly string[];
  readonly held: readonly string[];
  /** Forming, Waiting and Held batches past their deadline. */
  readonly overdue: readonly string[];
  readonly waiting: boolean;
  readonly transforms: readonly string[];
  /** Submissions that are being cancelled or retried. */
  readonly submissions: readonly string[];
  /** Batches whose results have been filed in part: whoever did it died on the way. */
  readonly filing: readonly { readonly transform: string; readonly batch: string }[];
}

export interface Ledger
  extends AcceptLedger,
    ReadLedger,
    GatherLedger,
    StartLedger,
    SettleLedger,
    ChangeLedger {
  openWork(scope: Scope, now: number): Promise<OpenWork>;
}
