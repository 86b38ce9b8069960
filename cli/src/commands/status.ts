/** `batchml status`: how far submissions and jobs are. */
import type { Job } from '@batchml/backend/wire';
import type { ApiClient } from '../client/client.ts';
import { jobsById } from '../client/job-tally.ts';
import { SubmissionSelection } from '../client/selection.ts';
import { type Selected, StatusPoll } from '../client/status-poll.ts';
import type { Context } from '../context.ts';
import { usageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { exitCodeFor, type SubmissionStatus } from '../outcome.ts';
import { showJobs, showSubmissions } from '../ui/status-view.ts';
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
    ['batchml status s-20260801120000-3f9a2c.0.17', 'one job'],
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
  return show(context, await poll.look(), await listedJobs(client, all));
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
async function listedJobs(client: ApiClient, all: readonly Selected[]): Promise<Job[]> {
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
  all: SubmissionStatus[],
  jobs: Job[],
): Promise<number> {
  const { counts } = addUp(all);
  if (json) {
    const listed = jobs.length > 0 ? { jobs } : {};
    await terminal.json({ ...describe('status', all, deps.now()), ...listed });
    return exitCodeFor(counts);
  }
  // Jobs that were named are shown themselves; submissions only where something else was named too.
  if (jobs.length === 0 || all.some(({ partial }) => !partial)) await showSubmissions(terminal, all);
  if (jobs.length > 0) await showJobs(terminal, jobs);
  return exitCodeFor(counts);
}
