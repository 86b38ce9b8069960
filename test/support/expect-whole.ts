/** What must hold of every submission that is finished, whatever happened on the way. */
import { expect } from 'vitest';
import { isFinal, JOB_STATUSES, type JobStatus } from '../../backend/core/job.ts';
import { linesOf, recordOfInputLine } from '../../backend/core/object-lines.ts';
import { isFinished, type StatusCounts, type Submission } from '../../backend/core/submission.ts';
import type { JobView, Ledger } from '../../backend/ports/ledger.ts';
import { numberOf } from './memory-pipeline.ts';

/** What is looked at of a pipeline, wherever it runs. */
export interface Looked {
  readonly ports: { readonly ledger: Ledger };
  submission(id: string): Promise<Submission>;
  counts(id: string): Promise<StatusCounts>;
  jobs(id: string): Promise<JobView[]>;
}

/**
 * Every job of numbered records is final, in input order, with the result of `doubling` or an error and never both; the
 * counters say what the listing says.
 * @param succeeds which numbers must be Processed, the others Failed; `any`: whatever they are
 */
export async function expectWhole(
  pipeline: Looked,
  id: string,
  succeeds: ((n: number) => boolean) | 'any',
): Promise<void> {
  const submission = await pipeline.submission(id);
  expect(isFinished(submission)).toBe(true);
  const numbers = await numbersOf(pipeline, id);
  const jobs = await pipeline.jobs(id);
  const listed = Object.fromEntries(JOB_STATUSES.map((status) => [status, 0])) as Record<JobStatus, number>;
  const wrong: JobView[] = [];
  for (const [i, job] of jobs.entries()) {
    const n = numbers[i] as number;
    listed[job.status]++;
    const expected = succeeds === 'any' ? job.status : succeeds(n) ? 'Processed' : 'Failed';
    if (job.line !== i + 1 || job.status !== expected || !isEnd(job, n)) wrong.push(job);
  }
  expect(wrong).toEqual([]);
  expect(await pipeline.counts(id)).toEqual(listed);
  expect(submission.counters.total).toBe(jobs.length);
}

/** Whether a job of a number has ended as jobs do. */
function isEnd({ status, result, error, endedAt }: JobView, n: number): boolean {
  return (
    isFinal(status) &&
    endedAt !== undefined &&
    result === (status === 'Processed' ? `{"twice":${n * 2}}` : undefined) &&
    (error !== undefined) === (status === 'Failed')
  );
}

/** Numbers of a submission's records, in input order. */
async function numbersOf({ ports: { ledger } }: Looked, id: string): Promise<number[]> {
  const numbers: number[] = [];
  for (const { n } of await ledger.chunks(id, 0, 10_000))
    for (const line of linesOf(String(await ledger.chunkLines(id, n))))
      numbers.push(numberOf(recordOfInputLine('auto', line)));
  return numbers;
}
