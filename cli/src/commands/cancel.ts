/** `batchml cancel`: jobs that haven't been started won't be. */
import type { ApiClient } from '../client/client.ts';
import { jobIdOf } from '../client/selection.ts';
import type { Selected } from '../client/status-poll.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { finalOf } from '../outcome.ts';
import { formatCount, plural } from '../ui/format.ts';
import { defineCommand } from './command.ts';
import { connectToChange, type ProfileFlags } from './connect.ts';
import { addProfileOption } from './options/shared.ts';
import { selected } from './selected.ts';

interface Cancelled {
  readonly submissionId: string;
  /** Jobs that this command cancelled. */
  readonly cancelled: number;
  /** Jobs that were final already. */
  readonly final: number;
  /** Jobs whose turn is yet to come: a large submission is cancelled bit by bit. */
  readonly cancelling?: number;
}

export const cancelCommand = defineCommand<ProfileFlags>({
  name: 'cancel',
  summary: 'cancel jobs that have not ended',
  details:
    'What has ended stays as it is. A transform job under way goes on; what the model still answers for a cancelled job is dropped.',
  argument: ['[ids...]', 'job and submission IDs; - reads them from standard input'],
  options: addProfileOption,
  examples: [
    ['batchml cancel s-20260801120000-3f9a2c', 'a submission'],
    ['batchml cancel s-20260801120000-3f9a2c.0.17', 'one job'],
  ],
  run: cancel,
});

async function cancel(context: Context, args: readonly string[], flags: ProfileFlags): Promise<number> {
  const { terminal, progress, json, interrupts } = context;
  const client = await connectToChange(context, flags);
  const all = await selected(context, client, args);
  interrupts.onInterrupt(() => terminal.say('stopping; what is cancelled stays cancelled'));
  const done: Cancelled[] = [];
  for (const one of all) {
    progress.phase(`cancelling ${one.info.submissionId}`);
    done.push(one.whole ? await cancelWhole(client, one) : await cancelJobs(context, client, one));
  }
  progress.stop();
  for (const { submissionId, cancelled, final, cancelling } of done) {
    const parts = [`cancelled ${plural(cancelled, 'job')}`];
    if (final > 0) parts.push(`${formatCount(final)} were final already`);
    if (cancelling !== undefined)
      parts.push(`${formatCount(cancelling)} more are being cancelled, see batchml status ${submissionId}`);
    terminal.note(`${submissionId}: ${parts.join(', ')}`);
  }
  if (json) await terminal.json({ submissions: done });
  return EXIT.ok;
}

async function cancelWhole(client: ApiClient, { info }: Selected): Promise<Cancelled> {
  const { submissionId, counts } = await client.cancelSubmission(info.submissionId);
  const cancelled = Math.max(0, counts.Cancelled - info.counts.Cancelled);
  const open = counts.Queued + counts.Processing;
  return {
    submissionId,
    cancelled,
    final: finalOf(counts) - cancelled,
    ...(open > 0 ? { cancelling: open } : {}),
  };
}

async function cancelJobs(
  { progress }: Context,
  client: ApiClient,
  { selection, info }: Selected,
): Promise<Cancelled> {
  let cancelled = 0;
  let looked = 0;
  let final = 0;
  for (const ref of selection.refs()) {
    const id = jobIdOf(ref);
    const worked = await client.cancelJob(id);
    cancelled += worked;
    final += 1 - worked;
    looked++;
    progress.update(`cancelling ${formatCount(looked)}/${formatCount(selection.jobs)}`);
  }
  return { submissionId: info.submissionId, cancelled, final };
}
