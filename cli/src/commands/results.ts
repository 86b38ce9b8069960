/** `batchml results`: a line for each job, in input order, with its result or its error. */
import type { ApiClient } from '../client/client.ts';
import { growingResults } from '../client/growing-results.ts';
import { resultPages } from '../client/result-pages.ts';
import { selectedLines } from '../client/selected-jobs.ts';
import { type Selected, StatusPoll } from '../client/status-poll.ts';
import { wholeResults } from '../client/whole-results.ts';
import { type Context, sameCommand } from '../context.ts';
import { CliError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import {
  addCounts,
  type Counts,
  exitCodeFor,
  finalOf,
  isOver,
  NO_COUNTS,
  type SubmissionStatus,
} from '../outcome.ts';
import { formatCount, plural, shellQuote } from '../ui/format.ts';
import { progressLine } from '../ui/outcome-text.ts';
import { openSink, type ResultSink } from '../ui/result-sink.ts';
import { defineCommand } from './command.ts';
import { connect, type ProfileFlags } from './connect.ts';
import { addProfileOption } from './options/shared.ts';
import { Pace } from './pace.ts';
import { selected } from './selected.ts';
import { addUp } from './status/watch.ts';

interface ResultsFlags extends ProfileFlags {
  readonly wait?: true;
  readonly failed?: true;
  readonly output?: string;
}

export const resultsCommand = defineCommand<ResultsFlags>({
  name: 'results',
  summary: 'the result or error of each job, in input order',
  details:
    'JSON Lines: line, jobId, customId, status, and result or error. A result is printed whole, whatever its size. ' +
    'Unfinished ones need --wait (else exit 8).',
  argument: ['[ids...]', 'job and submission IDs; - reads them from standard input'],
  options: (command) => {
    command
      .option('--wait', 'print results as they come, in order')
      .option('--failed', 'failed jobs only')
      .option('--output <file>', 'to a file, which appears when complete (default: stdout)');
    addProfileOption(command);
  },
  examples: [
    ['batchml results s-20260801120000-3f9a2c > results.jsonl', 'of a finished submission'],
    ['batchml submit reviews.jsonl | batchml results - --wait | jq .result', 'as they come'],
    ['batchml results s-20260801120000-3f9a2c --failed', 'what failed, and why'],
  ],
  run: results,
});

async function results(context: Context, args: readonly string[], flags: ResultsFlags): Promise<number> {
  const { deps, terminal, progress, interrupts } = context;
  const client = await connect(context, flags);
  const all = await selected(context, client, args);
  if (!flags.wait) await refuseUnfinished(context, client, all, args.includes('-'));
  else
    interrupts.onInterrupt(() => {
      progress.stop();
      terminal.say('no longer waiting; the jobs go on. Their results later:');
      terminal.say(`  ${again(context, all, args.includes('-'))}`);
    });
  const sink = await openSink(flags.output, {
    terminal,
    cwd: deps.cwd,
    unique: deps.randomHex(4),
    signal: interrupts.signal,
  });
  try {
    let counts = NO_COUNTS;
    for (const one of all) counts = addCounts(counts, await writeOne(context, client, one, flags, sink));
    await sink.finish();
    progress.stop();
    terminal.note(
      `${progressLine(counts, finalOf(counts))}${sink.path === undefined ? '' : `: ${sink.path}`}`,
    );
    return exitCodeFor(counts);
  } finally {
    progress.stop();
    await sink.abort();
  }
}

function again(context: Context, all: readonly Selected[], fromStdin: boolean): string {
  if (!fromStdin) return sameCommand(context);
  return `batchml results ${all.map(({ info }) => shellQuote(info.submissionId)).join(' ')} --wait`;
}

/** Without `--wait`: all or nothing. */
async function refuseUnfinished(
  context: Context,
  client: ApiClient,
  all: readonly Selected[],
  fromStdin: boolean,
): Promise<void> {
  const statuses = await new StatusPoll(client, all).look();
  const open = statuses.filter((one) => !isOver(one));
  if (open.length === 0) return;
  const { counts, total } = addUp(open);
  const names = open.map((one) => one.submissionId);
  throw new CliError(`${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} not finished`, {
    code: 'still_running',
    exitCode: EXIT.running,
    why: `${formatCount(finalOf(counts))} of ${plural(total, 'job')} are final${openNote(open)}`,
    next: [fromStdin ? again(context, all, true) : `${sameCommand(context)} --wait`],
    data: { counts, total },
  });
}

function openNote(open: readonly SubmissionStatus[]): string {
  return open.some(isOpen) ? '; not all jobs have been sent' : '';
}

const isOpen = (status: SubmissionStatus): boolean => !status.partial && status.state === 'Open';

/** Writes all that comes; gives what the generator returns. */
async function writeAll<T>(
  pages: AsyncGenerator<string, T>,
  write: (text: string) => Promise<void>,
): Promise<T> {
  for (;;) {
    const { value, done } = await pages.next();
    if (done) return value;
    await write(value);
  }
}

/** Writes one submission's lines, or those of its selected jobs; their counts by status. */
async function writeOne(
  context: Context,
  client: ApiClient,
  one: Selected,
  { wait, failed }: ResultsFlags,
  sink: ResultSink,
): Promise<Counts> {
  const { progress, terminal } = context;
  const id = one.info.submissionId;
  const pace = new Pace(context);
  let told = false;
  const poll = new StatusPoll(client, [one]);
  const look = async (): Promise<SubmissionStatus> => {
    const [status] = await poll.look();
    const { counts, total } = status as SubmissionStatus;
    if (wait) progress.update(`${id}: ${progressLine(counts, total)}`);
    if (wait && !told && isOpen(status as SubmissionStatus)) {
      told = true;
      terminal.note(
        `${id} is still being sent. If nobody sends it any more, end it:\n  batchml cancel ${id}`,
      );
    }
    return status as SubmissionStatus;
  };
  // Of failures only, none can be told to be pending.
  if (wait && failed) while (!isOver(await look())) await pace.wait();
  const whenPending = async (): Promise<void> => {
    await pace.wait();
    await look();
  };
  const query = { ...(failed ? { status: 'Failed' } : {}), ...(wait && !failed ? { whenPending } : {}) };
  const openNow = async (): Promise<boolean> => isOpen(await look());
  const pacing = (): Promise<void> => pace.wait();
  const write = wholeResults(client, (text) => {
    pace.moved();
    return sink.write(text);
  });
  if (one.whole) {
    const growing =
      wait && !failed ? growingResults(client, id, { isOpen: openNow, wait: pacing }) : undefined;
    const start = growing && (await writeAll(growing, write));
    const from = start === undefined ? {} : { cursor: start };
    for await (const page of resultPages(client, id, { ...query, ...from })) await write(page);
  } else
    for await (const lines of selectedLines(client, one.selection, query))
      await write(`${lines.map(({ text }) => text).join('\n')}\n`);
  for (;;) {
    const status = await look();
    if (!wait || isOver(status)) return status.counts;
    await pace.wait();
  }
}
