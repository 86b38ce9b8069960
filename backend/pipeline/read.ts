/**
 * Reading: pages of a submission's jobs in input order, whose cost doesn't grow with the submission, and answers that
 * stay within what Lambda gives back (6 MB). What an answer holds is decided by sizes alone, before a result is fetched:
 * nothing is fetched that isn't answered.
 */
import { ESCAPED, MAX_ANSWER_BYTES, MAX_RESULT_BYTES } from '../core/answer-size.ts';
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

/** Bytes of a job besides what is counted by itself: IDs, status, times, names of fields. */
const JOB_BYTES = 512;
/** Bytes of an address: one that is signed carries its session's token. */
const ADDRESS_BYTES = 4096;

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
  const page = async (next: Position | undefined, pending = false): Promise<JobsPage> => ({
    jobs: await withResults(ledger, jobs),
    next,
    pending,
  });
  for (let looked = 0; looked < LOOK; ) {
    if (query.status === 'Failed') {
      const [next] = await ledger.chunksWithFailures(submission, chunk, 1);
      if (next === undefined) return page(undefined);
      if (next !== chunk) [chunk, index] = [next, 0];
    }
    const chars = Math.max(MAX_ANSWER_BYTES - bytes, 0) / ESCAPED;
    const views = await ledger.chunks(submission, chunk, 1, { index, chars, status: query.status });
    if (views.length === 0) return page(undefined);
    for (const view of views) {
      if (view.n !== chunk) [chunk, index] = [view.n, 0];
      for (; index < view.jobs.length; index++) {
        const job = view.jobs[index] as JobView;
        if (query.final && !isFinal(job.status)) return page({ chunk, index }, true);
        if (query.status !== undefined && job.status !== query.status) continue;
        // What is not read would not fit the answer.
        if (isUnread(job)) return page({ chunk, index });
        bytes += answerBytes(job);
        if (jobs.length === query.limit || (jobs.length > 0 && bytes > MAX_ANSWER_BYTES))
          return page({ chunk, index });
        jobs.push(job);
      }
      looked++;
      [chunk, index] = [chunk + 1, 0];
      if (jobs.length === query.limit) return page({ chunk, index });
    }
  }
  return page({ chunk, index });
}

/** It has ended, and what is kept of it was not read. */
function isUnread({ status, result, place, error }: JobView): boolean {
  if (status === 'Failed') return error === undefined;
  return status === 'Processed' && result === undefined && place === undefined;
}

/** The result is larger than any answer. */
export function isLarge(job: JobView): boolean {
  return resultBytes(job) > MAX_RESULT_BYTES;
}

/** The jobs with those results that an answer holds, fetched together. */
async function withResults(ledger: ReadLedger, jobs: readonly JobView[]): Promise<readonly JobView[]> {
  const unread = jobs.filter((job) => job.result === undefined && job.place !== undefined && !isLarge(job));
  if (unread.length === 0) return jobs;
  const read = await ledger.jobs(unread.map(({ ref }) => ref));
  const byJob = new Map(unread.map((job, i) => [job, read[i]]));
  return jobs.map((job) => byJob.get(job) ?? job);
}

function resultBytes({ result, place }: JobView): number {
  if (place !== undefined) return place.to - place.from;
  return result === undefined ? 0 : Buffer.byteLength(result);
}

/** What a job takes in an answer; no less. */
function answerBytes(job: JobView): number {
  const bytes = resultBytes(job);
  const result = bytes > MAX_RESULT_BYTES ? ADDRESS_BYTES : bytes * ESCAPED;
  return JOB_BYTES + textBytes(job.error?.message) + textBytes(job.customId) + result;
}

/** Bytes of a text in JSON in a JSON string: a control character takes seven. */
function textBytes(text = ''): number {
  return text.length < 64 ? text.length * 7 : Buffer.byteLength(JSON.stringify(JSON.stringify(text)));
}
