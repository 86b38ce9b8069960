/** Reading: pages of a submission's jobs in input order, whose cost doesn't grow with the submission. */
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

/** The most chunks looked through for one page: it may end early. */
const LOOK = 40;

/** A page of jobs in input order. An empty page may have a next one: its chunks held no match. */
export async function pageOfJobs(
  ledger: ReadLedger,
  submission: string,
  query: PageQuery,
): Promise<JobsPage> {
  const jobs: JobView[] = [];
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
        const job = view.jobs[index] as JobView;
        if (query.final && !isFinal(job.status)) return { jobs, next: { chunk, index }, pending: true };
        if (query.status !== undefined && job.status !== query.status) continue;
        if (jobs.length === query.limit) return { jobs, next: { chunk, index }, pending: false };
        jobs.push(job);
      }
      looked++;
      [chunk, index] = [chunk + 1, 0];
      if (jobs.length === query.limit) return { jobs, next: { chunk, index }, pending: false };
    }
  }
  return { jobs, next: { chunk, index }, pending: false };
}
