/**
 * Reading: pages of a submission's jobs in input order, whose cost doesn't grow with the submission, and answers that
 * stay within what Lambda gives back (6 MB).
 */
import { isFinal, type JobStatus } from '../core/job.ts';
import type { JobView, ReadLedger } from '../ports/ledger.ts';

/** Where a page starts: a chunk's number and an index in it. */
export interface Position {
  readonly chunk: number;
  readonly index: number;
}

export interface JobsPage {
  readonly jobs: readonly JobView[];
  /** Where the next page starts; undefined when the listing is over. */
  readonly next: Position | undefined;
  /** The page stopped before a job that isn't final. */
  readonly pending: boolean;
}

export interface PageQuery {
  readonly from: Position;
  readonly limit: number;
  /** Only jobs of this status. */
  readonly status?: JobStatus | undefined;
  /** Stop before the first job that isn't final. */
  readonly final?: boolean;
}

/** Bytes that the jobs of one answer may have together, escaped; Lambda's answer is JSON that holds the body as a string. */
export const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/** Bytes of a job besides what is counted by itself: IDs, status, times, names of fields. */
const JOB_BYTES = 512;

/** The most chunks looked through for one page: it may end early. */
const LOOK = 40;

/**
 * A page of jobs in input order: at most `limit`, and at most `MAX_ANSWER_BYTES` of them, but one in any case. An empty
 * page may have a next one: its chunks held no match.
 */
export async function pageOfJobs(
  ledger: ReadLedger,
  submission: string,
  query: PageQuery,
): Promise<JobsPage> {
  const jobs: JobView[] = [];
  let bytes = 0;
  let { chunk, index } = query.from;
  for (let looked = 0; looked < LOOK; ) {
    if (query.status === 'Failed') {
      const [next] = await ledger.chunksWithFailures(submission, chunk, 1);
      if (next === undefined) return { jobs, next: undefined, pending: false };
      if (next !== chunk) [chunk, index] = [next, 0];
    }
    const views = await ledger.chunks(submission, chunk, 1);
    if (views.length === 0) return { jobs, next: undefined, pending: false };
    for (const view of views) {
      if (view.n !== chunk) [chunk, index] = [view.n, 0];
      for (; index < view.jobs.length; index++) {
        let job = view.jobs[index] as JobView;
        if (query.final && !isFinal(job.status)) return { jobs, next: { chunk, index }, pending: true };
        if (query.status !== undefined && job.status !== query.status) continue;
        const full = { jobs, next: { chunk, index }, pending: false };
        if (jobs.length === query.limit) return full;
        if (isUnread(job)) {
          if (jobs.length > 0 && bytes + placeBytes(job) > MAX_ANSWER_BYTES) return full;
          job = (await ledger.jobs([job.ref]))[0] ?? job;
        }
        job = answerable(job);
        bytes += answerBytes(job);
        if (jobs.length > 0 && bytes > MAX_ANSWER_BYTES) return full;
        jobs.push(job);
      }
      looked++;
      [chunk, index] = [chunk + 1, 0];
      if (jobs.length === query.limit) return { jobs, next: { chunk, index }, pending: false };
    }
  }
  return { jobs, next: { chunk, index }, pending: false };
}

/** The first of some jobs, so many that they fit one answer; at least one. */
export function fitting<T extends JobView | undefined>(jobs: readonly T[]): readonly T[] {
  let bytes = 0;
  const end = jobs.findIndex((job, i) => {
    bytes += job ? answerBytes(job) : 0;
    return i > 0 && (bytes > MAX_ANSWER_BYTES || (job !== undefined && isUnread(job)));
  });
  return end < 0 ? jobs : jobs.slice(0, end);
}

/** A job as an answer holds it: with its result, or, where that is larger than any answer, with its place. */
export function answerable(job: JobView): JobView {
  if (job.place === undefined || job.result === undefined) return job;
  const { place, ...read } = job;
  return answerBytes(read) > MAX_ANSWER_BYTES ? { ...job, result: undefined } : read;
}

/** Its result was left where it stands, and may fit an answer. */
function isUnread(job: JobView): boolean {
  return job.place !== undefined && job.result === undefined && placeBytes(job) <= MAX_ANSWER_BYTES;
}

function placeBytes({ place }: JobView): number {
  return place ? place.to - place.from : 0;
}

/** About what a job takes in an answer; no less. */
function answerBytes({ result, error, customId, place }: JobView): number {
  const texts = textBytes(error?.message) + textBytes(customId);
  return JOB_BYTES + (place ? JOB_BYTES : 0) + texts + (result === undefined ? 0 : escapedBytes(result));
}

/** Bytes of a text in JSON in a JSON string. Short ones are not looked at: a character takes at most seven bytes. */
function textBytes(text = ''): number {
  return text.length < 64 ? text.length * 7 : escapedBytes(JSON.stringify(text));
}

/** Bytes of JSON in a JSON string. */
function escapedBytes(json: string): number {
  return Buffer.byteLength(JSON.stringify(json));
}
