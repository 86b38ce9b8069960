/** `batchml submit`: every line becomes a job with an ID of its own. */

import { Option } from 'commander';
import { ApiError } from '../client/api-errors.ts';
import type { ApiClient } from '../client/client.ts';
import { jobIdOf } from '../client/selection.ts';
import { type Acknowledged, sendChunks } from '../client/sender.ts';
import type { Context } from '../context.ts';
import { CliError, ClosedPipeError, toCliError, usageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { orAborted } from '../interrupts.ts';
import { formatCount, plural, shellQuote } from '../ui/format.ts';
import { type CheckedInput, openChecked } from './checked-input.ts';
import { defineCommand } from './command.ts';
import { connect, type ProfileFlags } from './connect.ts';
import { addInputOptions, type InputFlags, inputOptions } from './options/input.ts';
import { maxRecordBytes } from './options/settings.ts';
import { addProfileOption } from './options/shared.ts';
import { addSubmissionIdOption } from './options/submission-id.ts';

interface SubmitFlags extends InputFlags, ProfileFlags {
  readonly submissionId?: string;
  readonly print?: 'jobs' | 'submission';
}

export const submitCommand = defineCommand<SubmitFlags>({
  name: 'submit',
  summary: 'send a file of records; each becomes a job',
  details: 'In a pipe it prints a job ID a line, on a terminal a receipt with the next commands.',
  argument: ['<file>', 'JSON Lines (or see --format); - reads standard input'],
  options: (command) => {
    addInputOptions(command);
    addSubmissionIdOption(command);
    command.addOption(
      new Option('--print <what>', 'job IDs, or the submission ID alone').choices(['jobs', 'submission']),
    );
    addProfileOption(command);
  },
  examples: [
    ['batchml submit reviews.jsonl', 'send it and go'],
    [
      'batchml submit reviews.jsonl | batchml results - --wait | jq .result',
      'send it and take the results as they come',
    ],
    ['id=$(batchml submit reviews.jsonl --print submission)', 'for scripts'],
  ],
  run: submit,
});

/** A new ID that sorts by time: `s-{UTC time}-{random}`. */
function newSubmissionId({ deps }: Context): string {
  const time = new Date(deps.now()).toISOString().replace(/[-:T]/g, '').slice(0, 14);
  return `s-${time}-${deps.randomHex(3)}`;
}

/** The output of one acknowledged chunk. */
function printed({ jobs, jobIds }: Acknowledged, submissionId: string, json: boolean): string {
  if (!json) return `${jobIds.join('\n')}\n`;
  return jobs
    .map(({ line, customId }, i) => `${JSON.stringify({ line, jobId: jobIds[i], submissionId, customId })}\n`)
    .join('');
}

/** What `send` has got done, for whoever must say it. */
interface Sent {
  jobs: number;
  closed: boolean;
}

async function submit(
  context: Context,
  [file = '-']: readonly string[],
  flags: SubmitFlags,
): Promise<number> {
  const { terminal, interrupts, progress, json } = context;
  const options = inputOptions(flags, maxRecordBytes());
  const client = await connect(context, flags);
  interrupts.onInterrupt(() => terminal.say('stopping; nothing was submitted'));
  const input = await openChecked(context, file, options);
  const id = flags.submissionId ?? newSubmissionId(context);
  const sent: Sent = { jobs: 0, closed: false };
  const total = input.summary.jobs;
  const again = againCommand(context, id, flags);
  interrupts.onInterrupt(() => {
    terminal.say(`stopping; ${formatCount(sent.jobs)} of ${plural(total, 'job')} were acknowledged`);
    terminal.say(`to send the rest (what is there stays as it is):\n  ${again}`);
  });
  try {
    await send(context, client, input, id, sent, flags);
  } catch (error) {
    if (interrupts.signal.aborted) throw interrupts.signal.reason;
    throw explain(error, id, sent, total, again);
  } finally {
    progress.stop();
    await input.dispose();
  }
  if (flags.print === 'submission')
    await (json ? terminal.json({ submissionId: id }) : terminal.data(`${id}\n`));
  terminal.note(`submitted ${plural(total, 'job')} as ${terminal.paint('bold', id)}`);
  if (terminal.outIsTty)
    terminal.note(
      [
        `next:`,
        `  batchml status ${id} --watch`,
        `  batchml results ${id} --wait`,
        `  batchml cancel ${id}`,
      ].join('\n'),
    );
  return EXIT.ok;
}

/** Sends all, printing the IDs of each chunk as soon as it and those before it are acknowledged. */
async function send(
  context: Context,
  client: ApiClient,
  input: CheckedInput,
  id: string,
  sent: Sent,
  { print }: SubmitFlags,
): Promise<void> {
  const { terminal, progress, json } = context;
  const { jobs, content } = input.summary;
  let printJobs = print === 'jobs' || (print === undefined && (json || !terminal.outIsTty));
  progress.phase(`sending to ${client.endpoint}`);
  await client.openSubmission(id, { content, name: input.label });
  for await (const ack of sendChunks(client, id, input.chunks())) {
    const first = ack.jobIds[0];
    if (first !== undefined && first !== jobIdOf({ submission: id, chunk: ack.n, index: 0 }))
      throw new Error(`the API answered with an ID that is not of this chunk: ${first}`);
    sent.jobs += ack.jobIds.length;
    if (printJobs) printJobs = await tryToPrint(context, printed(ack, id, json));
    progress.update(`sent ${formatCount(sent.jobs)}/${formatCount(jobs)}`);
  }
  await client.closeSubmission(id, jobs);
  sent.closed = true;
}

/** Whether somebody still reads. A submission is sent whole even if nobody reads its IDs any more (`| head -1`). */
async function tryToPrint({ terminal, interrupts }: Context, text: string): Promise<boolean> {
  try {
    await orAborted(terminal.data(text), interrupts.signal);
    return true;
  } catch (error) {
    if (error instanceof ClosedPipeError) return false;
    throw error;
  }
}

/** The command that goes on where this one stopped. */
function againCommand({ argv }: Context, id: string, { submissionId }: SubmitFlags): string {
  const named = submissionId === undefined ? ['--submission-id', id] : [];
  return ['batchml', ...argv, ...named].map(shellQuote).join(' ');
}

function explain(error: unknown, id: string, sent: Sent, total: number, again: string): unknown {
  if (error instanceof ApiError && error.code === 'conflict')
    return usageError(`submission ${id} exists, with other content`, {
      code: 'conflict',
      why: error.message,
      next: ['take another name: --submission-id NAME'],
      cause: error,
    });
  const shown = CliError.is(error) || isSystemError(error) ? toCliError(error) : undefined;
  if (shown === undefined || shown.exitCode === EXIT.refused || shown.code === 'input_changed') return error;
  return new CliError(shown.message, {
    code: shown.code,
    exitCode: shown.exitCode,
    why: [shown.why, `${formatCount(sent.jobs)} of ${plural(total, 'job')} were acknowledged`]
      .filter(Boolean)
      .join('\n'),
    next: [...shown.next, `send the rest (what is there stays as it is): ${again}`],
    data: { ...shown.data, submissionId: id, acknowledged: sent.jobs },
    cause: error,
  });
}

function isSystemError(error: unknown): boolean {
  return typeof (error as { syscall?: unknown }).syscall === 'string';
}
