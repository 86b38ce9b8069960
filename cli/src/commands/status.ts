/** `batchml status`: how far submissions and jobs are. */
import type { JobStatusInfo } from '@batchml/backend/wire';
import { parseJobId } from '@batchml/backend/words';
import type { ApiClient } from '../client/client.ts';
import { jobsById } from '../client/job-tally.ts';
import { SubmissionSelection } from '../client/selection.ts';
import { type Selected, StatusPoll } from '../client/status-poll.ts';
import { type Write, writeResult } from '../client/whole-results.ts';
import type { Context } from '../context.ts';
import { usageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { exitCodeFor, type SubmissionStatus } from '../outcome.ts';
import { jobRow, showJobs, showSubmissions } from '../ui/status-view.ts';
import { defineCommand } from './command.ts';
import { connect, type ProfileFlags } from './connect.ts';
import { addProfileOption, numberOption } from './options/shared.ts';
import { selected } from './selected.ts';
import { addUp, describe, watch } from './status/watch.ts';

interface StatusFlags extends ProfileFlags {
  readonly watch?: true;
  readonly interval: number;
  readonly timeout?: number;
}

/** Jobs named one by one are listed one by one, up to so many. */
const MAX_LISTED = 100;

export const statusCommand = defineCommand<StatusFlags>({
  name: 'status',
  summary: 'how far submissions and jobs are',
  details: 'Without an ID: the newest submission. The exit code says whether jobs have failed.',
  argument: ['[ids...]', 'job and submission IDs; - reads them from standard input'],
  options: (command) => {
    const seconds = { max: Number.MAX_SAFE_INTEGER, fractions: true };
    command
      .option('--watch', 'until every job is final')
      .addOption(
        numberOption('--interval <s>', 'time between two looks', { ...seconds, min: 0.1 }).default(2),
      )
      .addOption(
        numberOption('--timeout <s>', 'watch no longer than this (exit code 8)', { ...seconds, min: 0 }),
      );
    addProfileOption(command);
  },
  examples: [
    ['batchml status', 'the newest submission'],
    ['batchml submit reviews.jsonl | batchml status - --watch', 'send it and watch it'],
    ['batchml status s-20260801120000-3f9a2c.0.17', 'one job; in a pipe its result comes last'],
  ],
  run: status,
});

async function status(context: Context, args: readonly string[], flags: StatusFlags): Promise<number> {
  if (flags.timeout !== undefined && !flags.watch) throw usageError('--timeout is for --watch');
  const client = await connect(context, flags);
  const all = args.length === 0 ? await newest(client) : await selected(context, client, args);
  if (all.length === 0) return sayNone(context);
  const poll = new StatusPoll(client, all);
  if (flags.watch) return watch(context, poll, flags, args.includes('-'));
  return show(context, client, await poll.look(), await listedJobs(client, all));
}

async function sayNone({ terminal, json, deps }: Context): Promise<number> {
  terminal.note('nothing was submitted yet; the first: batchml submit FILE');
  if (json) await terminal.json(describe('status', [], deps.now()));
  return EXIT.ok;
}

async function newest(client: ApiClient): Promise<Selected[]> {
  const { submissions } = await client.submissions(1);
  return submissions.map((info) => ({
    info,
    whole: true,
    selection: new SubmissionSelection(info.submissionId),
  }));
}

/** Jobs that were named one by one, where they are few. */
async function listedJobs(client: ApiClient, all: readonly Selected[]): Promise<JobStatusInfo[]> {
  const named = all.map(({ selection }) => selection).filter((selection) => !selection.whole);
  const count = named.reduce((sum, { jobs }) => sum + jobs, 0);
  if (count === 0 || count > MAX_LISTED) return [];
  return jobsById(
    client,
    named.flatMap((selection) => selection.firstIds(MAX_LISTED)),
  );
}

async function show(
  { terminal, json, deps }: Context,
  client: ApiClient,
  all: SubmissionStatus[],
  jobs: JobStatusInfo[],
): Promise<number> {
  const { counts } = addUp(all);
  const only = jobs.length === 1 ? jobs[0] : undefined;
  const write: Write = (text) => terminal.data(text);
  if (json) {
    const listed = jobs.length > 0 ? { jobs } : {};
    const text = JSON.stringify({ ...describe('status', all, deps.now()), ...listed });
    // The one job stands at the end, and its result as the model wrote it at its end.
    const end = '}]}';
    const head = text.slice(0, text.length - end.length);
    if (only && (await resultAfter(client, only, `${head},"result":`, write))) await write(`${end}\n`);
    else await write(`${text}\n`);
    return exitCodeFor(counts);
  }
  // Jobs that were named are shown themselves; submissions only where something else was named too.
  if (jobs.length === 0 || all.some(({ partial }) => !partial)) await showSubmissions(terminal, all);
  if (only && !terminal.outIsTty) {
    const row = jobRow(only);
    if (await resultAfter(client, only, `${row}\t`, write)) await write('\n');
    else await write(`${row}\n`);
  } else if (jobs.length > 0) await showJobs(terminal, jobs);
  if (only?.status === 'Processed' && terminal.outIsTty)
    terminal.note(`its result: batchml results ${only.jobId}`);
  return exitCodeFor(counts);
}

/** Writes a job's result after `head`, if it has one. */
async function resultAfter(
  client: ApiClient,
  { jobId, status }: JobStatusInfo,
  head: string,
  write: Write,
): Promise<boolean> {
  const ref = parseJobId(jobId);
  return status === 'Processed' && ref !== undefined && writeResult(client, ref, head, write);
}
