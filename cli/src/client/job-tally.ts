/** Counts of selected jobs by status; asked again, it asks only for those that weren't final. */
import type { JobStatusInfo } from '@batchml/backend/wire';
import { type Counts, NO_COUNTS } from '../outcome.ts';
import { unknownIdError } from './api-errors.ts';
import type { ApiClient } from './client.ts';
import { selectedLines } from './selected-jobs.ts';
import { jobIdOf, SubmissionSelection } from './selection.ts';

/** So many jobs side by side are asked for as a page, fewer by their IDs. */
const PAGE_FROM = 50;
/** IDs of one `POST /jobs/status`. */
const MAX_IDS = 100;

const FINAL: ReadonlySet<string> = new Set(['Processed', 'Failed', 'Cancelled'] satisfies (keyof Counts)[]);

export class JobTally {
  private readonly client: ApiClient;
  private readonly id: string;
  private open: SubmissionSelection;
  private readonly final: Counts = { ...NO_COUNTS };

  constructor(client: ApiClient, selection: SubmissionSelection) {
    this.client = client;
    this.id = selection.id;
    this.open = selection;
  }

  /** Looks at what is open. Throws for a job that doesn't exist. */
  async count(): Promise<Counts> {
    const open = { ...NO_COUNTS };
    const stillOpen = new SubmissionSelection(this.id);
    const add = (status: string, chunk: number, index: number): void => {
      if (FINAL.has(status)) this.final[status as keyof Counts]++;
      else {
        open[status as keyof Counts]++;
        stillOpen.add(chunk, index);
      }
    };
    const long = new SubmissionSelection(this.id);
    const short: { id: string; chunk: number; index: number }[] = [];
    for (const { chunk, from, to } of this.open.ranges())
      for (let index = from; index < to; index++) {
        if (to - from >= PAGE_FROM) long.add(chunk, index);
        else short.push({ id: jobIdOf({ submission: this.id, chunk, index }), chunk, index });
      }
    for await (const lines of selectedLines(this.client, long))
      for (const { status, ref } of lines) add(status, ref.chunk, ref.index);
    for (let at = 0; at < short.length; at += MAX_IDS) {
      const some = short.slice(at, at + MAX_IDS);
      const jobs = await jobsById(
        this.client,
        some.map(({ id }) => id),
      );
      for (const [i, { chunk, index }] of some.entries())
        add((jobs[i] as JobStatusInfo).status, chunk, index);
    }
    this.open = stillOpen;
    const counts = { ...this.final };
    for (const status of Object.keys(open) as (keyof Counts)[]) counts[status] += open[status];
    return counts;
  }
}

/** Up to 100 jobs, in the order of their IDs. Throws for one that doesn't exist. */
export async function jobsById(client: ApiClient, ids: readonly string[]): Promise<JobStatusInfo[]> {
  const { jobs, unknown } = await client.jobsStatus(ids);
  const byId = new Map(jobs.map((job) => [job.jobId, job]));
  return ids.map((id) => {
    const job = byId.get(id);
    if (job === undefined || unknown.includes(id)) throw unknownIdError(id);
    return job;
  });
}
