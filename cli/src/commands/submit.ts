/** `batchml submit`: every line becomes a job with an ID of its own. */

import { DEFAULT_SETTINGS, type Settings } from '@batchml/backend/words';
import { Option } from 'commander';
import type { ApiClient } from '../client/client.ts';
import { jobIdOf } from '../client/selection.ts';
import { type Acknowledged, sendChunks } from '../client/sender.ts';
import type { Context } from '../context.ts';
import { ClosedPipeError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { orAborted } from '../interrupts.ts';
import { formatCount, plural, shellQuote } from '../ui/format.ts';
import { type CheckedInput, nameOf, openChecked } from './checked-input.ts';
import { defineCommand } from './command.ts';
import { connectToChange, type ProfileFlags } from './connect.ts';
import { addInputOptions, type InputFlags, inputOptions, rowsNext, type Taken } from './options/input.ts';
import { maxRecordBytes } from './options/settings.ts';
import { addProfileOption } from './options/shared.ts';
import { addSubmissionIdOption } from './options/submission-id.ts';
import { explainFailure } from './submit/failure.ts';

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

/** What may be sent, by the settings of the submission or the API; undefined where the API doesn't tell. */
function takenBy(settings: Settings | undefined): Taken {
  const contentType = settings?.contentType;
  return { contentType, maxRecordBytes: maxRecordBytes(settings ?? DEFAULT_SETTINGS), byApi: true };
}

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
}

async function submit(
  context: Context,
  [file = '-']: readonly string[],
  flags: SubmitFlags,
): Promise<number> {
  const { terminal, interrupts, progress, json } = context;
  inputOptions(flags, takenBy(undefined));
  const client = await connectToChange(context, flags);
  interrupts.onInterrupt(() => terminal.say('stopping; nothing was submitted'));
  // What is there keeps its settings; asking for them leaves nothing behind, whatever is wrong with the input.
  const known =
    flags.submissionId === undefined ? undefined : await client.findSubmission(flags.submissionId);
  const options = inputOptions(flags, takenBy(known?.settings ?? (await client.settings())));
  const input = await openChecked(context, file, options, rowsNext(true));
  const id = flags.submissionId ?? newSubmissionId(context);
  const sent: Sent = { jobs: 0 };
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
    throw await explainFailure(error, { client, id, total, acknowledged: sent.jobs, again });
  } finally {
    progress.stop();
    await input.dispose();
  }
  if (flags.print === 'submission')
    await (json ? terminal.json({ submissionId: id }) : terminal.data(`${id}\n`));
  const name = terminal.paint('bold', id);
  if (known === undefined || known.state === 'Open')
    terminal.note(`submitted ${plural(total, 'job')} as ${name}`);
  else
    terminal.note(
      `${name} was there already, with the same ${plural(total, 'job')}; nothing new was submitted`,
    );
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
  await client.openSubmission(id, { content, name: nameOf(input) });
  let chunks = 0;
  for await (const ack of sendChunks(client, id, input.chunks())) {
    const first = ack.jobIds[0];
    if (first !== undefined && first !== jobIdOf({ submission: id, chunk: ack.n, index: 0 }))
      throw new Error(`the API answered with an ID that is not of this chunk: ${first}`);
    sent.jobs += ack.jobIds.length;
    chunks++;
    if (printJobs) printJobs = await tryToPrint(context, printed(ack, id, json));
    progress.update(`sent ${formatCount(sent.jobs)}/${formatCount(jobs)}`);
  }
  await client.closeSubmission(id, jobs, chunks);
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
