/** Tables of submissions and jobs: aligned for people, tab-separated for programs. */
import type { JobStatusInfo } from '@batchml/backend/wire';
import type { SubmissionStatus } from '../outcome.ts';
import { clip, formatCount } from './format.ts';
import { printable } from './printable.ts';
import { type Column, formatTable, formatTsv } from './table.ts';
import type { Paint, Terminal } from './terminal.ts';

const COLUMNS: readonly Column[] = [
  { title: 'Submission' },
  { title: 'State' },
  { title: 'Jobs', align: 'right' },
  { title: 'Queued', align: 'right' },
  { title: 'Processing', align: 'right' },
  { title: 'Processed', align: 'right' },
  { title: 'Failed', align: 'right' },
  { title: 'Cancelled', align: 'right' },
  { title: 'Created' },
  { title: 'Name' },
];

function cells(status: SubmissionStatus, number: (n: number) => string): string[] {
  const { submissionId, state, total, counts, createdTime, name = '' } = status;
  const { Queued, Processing, Processed, Failed, Cancelled } = counts;
  const numbers = [total, Queued, Processing, Processed, Failed, Cancelled].map(number);
  return [submissionId, state, ...numbers, createdTime, name];
}

function forPeople(status: SubmissionStatus, paint: Paint): string[] {
  const row = cells(status, formatCount);
  if (status.counts.Failed > 0) row[6] = paint('red', row[6] as string);
  if (status.state === 'Finished') row[1] = paint('green', 'Finished');
  row[8] = status.createdTime.slice(0, 19).replace('T', ' ');
  row[9] = printable(clip(status.name ?? '', 40));
  return row;
}

export async function showSubmissions(terminal: Terminal, all: readonly SubmissionStatus[]): Promise<void> {
  if (!terminal.outIsTty) {
    await terminal.data(formatTsv(all.map((status) => cells(status, String))));
    return;
  }
  const paint = terminal.paintOut;
  const rows = all.map((status) => forPeople(status, paint));
  await terminal.data(`${await formatTable(COLUMNS, rows, paint)}\n`);
}

const JOB_COLUMNS: readonly Column[] = [
  { title: 'Job' },
  { title: 'Status' },
  { title: 'Line', align: 'right' },
  { title: 'Custom ID' },
  { title: 'Error' },
];

function jobCells({ jobId, status, line, customId = '', error }: JobStatusInfo): string[] {
  return [jobId, status, String(line), customId, error ? `${error.code}: ${error.message}` : ''];
}

/** A job's line for programs, without its line break. */
export const jobRow = (job: JobStatusInfo): string => formatTsv([jobCells(job)]).replace(/\n$/, '');

export async function showJobs(terminal: Terminal, jobs: readonly JobStatusInfo[]): Promise<void> {
  // What goes to programs is made harmless with its tabs and line breaks.
  if (!terminal.outIsTty) return terminal.data(formatTsv(jobs.map(jobCells)));
  const rows = jobs.map((job) => {
    const cells = jobCells(job);
    return [...cells.slice(0, -1), clip(cells.at(-1) ?? '', 80)].map(printable);
  });
  await terminal.data(`${await formatTable(JOB_COLUMNS, rows, terminal.paintOut)}\n`);
}
