/**
 * The ledger: the one place where state lives. Every method that changes something is one atomic conditional step: it
 * takes effect whole or not at all, and repeating it (a retry, a second event, two callers at once) changes nothing.
 */
import type { Batch, BatchState } from '../core/batch.ts';
import type { Directory } from '../core/chunk.ts';
import type { JobRef } from '../core/ids.ts';
import type { JobError, JobStatus } from '../core/job.ts';
import type { ResultPlace } from '../core/segment.ts';
import type { Pin } from '../core/settings.ts';
import type { Submission } from '../core/submission.ts';
import type { TransformJob } from '../core/transform-job.ts';

export type { ResultPlace } from '../core/segment.ts';

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

/**
 * `repeated`: the same chunk was accepted before. `conflict`: another one was. `closed`: the submission takes no more.
 * `expired`: something of that ID is still there whose time is over; it can't be used until that is gone.
 */
export type AcceptOutcome = 'accepted' | 'repeated' | 'conflict' | 'closed' | 'expired';

/** `mismatch`: what was accepted isn't what the client says it sent. */
export type CloseOutcome =
  | { readonly kind: 'closed' | 'mismatch'; readonly total: number; readonly chunks: number }
  | { readonly kind: 'unknown' };

/** A chunk that rang. */
export interface NamedChunk {
  readonly submission: string;
  readonly n: number;
}

/** A chunk with jobs that no batch has yet. */
export interface OpenChunk extends NamedChunk {
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
  /** Result as JSON text; only when Processed, and where it was read. */
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

/** Results of a batch's jobs, all or some. */
export interface Filing {
  readonly batch: string;
  readonly results: readonly FiledResult[];
}

/** How much of chunks is read. */
export interface ReadLimits {
  /** Of the first chunk, results before this index are not read. @default 0 */
  readonly index?: number;
  /** Once results of so many characters were read, no more are. @default all */
  readonly chars?: number;
  /** Nothing is read of what is kept of jobs of another status. @default of any */
  readonly status?: JobStatus | undefined;
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

export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page starts; undefined on the last. */
  readonly next: string | undefined;
}

export interface AcceptLedger {
  /** Makes the submission unless it exists; gives what exists. */
  openSubmission(
    draft: SubmissionDraft,
  ): Promise<{ readonly created: boolean; readonly submission: Submission } | 'expired'>;
  /** What the chunks of a submission of many jobs are pinned to; undefined when there is none. */
  pinOf(submission: string): Promise<Pin | undefined>;
  /**
   * Stores a chunk and counts its jobs into the submission's total, making the submission if need be. When this
   * answers `accepted` or `repeated` the jobs are durable: that is the acknowledgement.
   */
  acceptChunk(draft: ChunkDraft, submission: SubmissionDraft): Promise<AcceptOutcome>;
  /** Takes no more chunks, if exactly `jobs` jobs were accepted (in `chunks` chunks, where that is given). */
  closeSubmission(id: string, jobs: number, chunks?: number): Promise<CloseOutcome>;
}

export interface ReadLedger {
  submission(id: string): Promise<Submission | undefined>;
  /** Submissions of kind `batch`, newest first. */
  submissions(cursor: string | undefined, limit: number): Promise<Page<Submission>>;
  /** Up to `limit` chunks from `from` on, with their jobs as they stand, in order. */
  chunks(submission: string, from: number, limit: number, read?: ReadLimits): Promise<readonly ChunkView[]>;
  /** Numbers of the chunks, from `from` on and at most `limit`, that hold a Failed job. */
  chunksWithFailures(submission: string, from: number, limit: number): Promise<readonly number[]>;
  /** Jobs as they stand, in the order asked; undefined for unknown ones. Results are read, but those too large for an answer. */
  jobs(refs: readonly JobRef[]): Promise<readonly (JobView | undefined)[]>;
  /** The same, but for results, which aren't read. */
  statuses(refs: readonly JobRef[]): Promise<readonly (JobView | undefined)[]>;
  batch(id: string): Promise<Batch | undefined>;
  transformJob(name: string): Promise<TransformJob | undefined>;
}

/** How much is open, as the index shows it, which may lag behind. Of batches and transform jobs no more than some thousands are counted. */
export interface OpenCounts {
  /** There are jobs that no batch has. */
  readonly chunks: boolean;
  readonly batches: number;
  readonly transforms: number;
  /** Submissions of many jobs that have not ended, and those of any that are being cancelled or retried. */
  readonly submissions: number;
}

export interface GatherLedger {
  /**
   * Chunks with jobs that no batch has, oldest first.
   * @param named looked at by themselves: a list of all may lag behind
   */
  openChunks(limit: number, named?: readonly NamedChunk[]): Promise<readonly OpenChunk[]>;
  /**
   * Records batches as Forming and takes their candidates: of generation 0 the jobs that no batch has, of a later one those
   * that a retry of that generation may take. Gives the batches with the members that they really have (none, and they
   * are Done). Again the same for the same batches; one that is not Forming any more is given as it is.
   */
  formBatches(batches: readonly Batch[]): Promise<readonly Batch[]>;
  /** The object lines of a chunk's jobs `from` to `to` (exclusive). @default all */
  chunkLines(submission: string, n: number, from?: number, to?: number): Promise<Buffer>;
  /** Forming -> Waiting, once the objects are written. Others are left alone. */
  markWaiting(batches: readonly string[]): Promise<void>;
}

export interface StartLedger {
  /**
   * Batches that may be started now: those that go on with work begun (tried before, split from another, or a retry's)
   * first, else oldest first; a split batch's children come together.
   * @param full keys of pins that have no place: their batches are passed over
   */
  waitingBatches(now: number, limit: number, full?: ReadonlySet<string>): Promise<readonly Batch[]>;
  /** Earliest `notBefore` later than now of a Waiting batch. */
  nextWaiting(now: number): Promise<number | undefined>;
  /**
   * Takes one of `slots` places for transform jobs of that pin and moves the batches, all or none, Waiting -> Running:
   * counts their open jobs as started the first time. `full`: no place is free. `changed`: a batch isn't Waiting any
   * more, or has no open job left and is Done now: look again.
   */
  claimTransformJob(job: TransformJob, slots: number): Promise<'claimed' | 'full' | 'changed'>;
  /** Claimed -> Running. */
  markCreated(name: string): Promise<void>;
  /** Keeps a Claimed one waiting. */
  postponeTransformJob(name: string, notBefore: number, reason: string): Promise<void>;
}

export interface SettleLedger {
  /** Batches of a transform job that it still has Running. */
  runningBatches(name: string): Promise<readonly Batch[]>;
  /**
   * Files results of batches' jobs, those that are open for their batch, and ends each batch as Done whose jobs have all
   * ended. A success counts from any attempt. Results of one chunk are best filed together: they cost one change.
   */
  fileResults(filings: readonly Filing[], at: number): Promise<void>;
  /** Counts an unusable output of a batch; gives how many there were of this transform job. */
  countUnusable(batch: string, transform: string): Promise<number>;
  /**
   * Applies a verdict if the batch is still Running in that transform job (or Held, where `transform` is undefined).
   * @returns whether it was this call that decided
   */
  applyVerdict(batch: string, transform: string | undefined, verdict: Verdict, at: number): Promise<boolean>;
  /** Fails a Forming, Waiting or Held batch whose time is over. */
  failWaiting(batch: string, error: JobError, at: number): Promise<boolean>;
  /** Goes on with failing a batch that is Ending. */
  endBatch(batch: string): Promise<void>;
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
  /** Cancels the jobs that have not ended; a later answer for one in a transform job is dropped. Gives how many it cancelled. */
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
  /**
   * Failed jobs that the retry under way covers and has no batch for yet, in order from chunk `from` on: at most `limit`,
   * about `bytes`; and the chunk to go on from, undefined after the last.
   */
  jobsToRetry(
    submission: string,
    from: number,
    limit: number,
    bytes: number,
  ): Promise<{ readonly jobs: readonly JobRef[]; readonly next: number | undefined }>;
  /** Ends the retry of that generation. */
  endRetry(submission: string, generation: number): Promise<void>;
}

/** What is open and must be rung for. */
export interface OpenWork {
  readonly chunks: boolean;
  /** Forming batches; for the children of a split batch, that one. */
  readonly forming: readonly string[];
  /** Batches that are being failed. */
  readonly ending: readonly string[];
  readonly held: readonly string[];
  /** Forming, Waiting and Held batches past their deadline. */
  readonly overdue: readonly string[];
  readonly waiting: boolean;
  readonly transforms: readonly string[];
  /** Submissions that are being cancelled or retried. */
  readonly submissions: readonly string[];
}

export interface Ledger
  extends AcceptLedger,
    ReadLedger,
    GatherLedger,
    StartLedger,
    SettleLedger,
    ChangeLedger {
  openWork(now: number): Promise<OpenWork>;
  openCounts(): Promise<OpenCounts>;
}
