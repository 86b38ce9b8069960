/** `batchml retry`: failed jobs go into the queue once more. */
import type { SubmissionInfo } from '@batchml/backend/wire';
import type { ApiClient } from '../client/client.ts';
import { jobIdOf } from '../client/selection.ts';
import type { Selected } from '../client/status-poll.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { plural, shellQuote } from '../ui/format.ts';
import { defineCommand } from './command.ts';
import { connectToChange, type ProfileFlags } from './connect.ts';
import { addProfileOption } from './options/shared.ts';
import { selected } from './selected.ts';

/** Job IDs of one request. */
const MAX_IDS = 100;

/** The API's answer: the submission as it is now, and whether this request queued anything. */
interface Answer {
  readonly submission: SubmissionInfo;
  readonly retried: boolean;
}

interface Retried {
  readonly submissionId: string;
  /** Jobs that were failed when it was asked for, and no more after it. */
  readonly retried: number;
  readonly generation: number;
}

export const retryCommand = defineCommand<ProfileFlags>({
  name: 'retry',
  summary: 'try failed jobs again',
  details:
    'With the model and settings that they were accepted with. Jobs that have not failed stay as they are.',
  argument: ['[ids...]', 'job and submission IDs; - reads them from standard input'],
  options: addProfileOption,
  examples: [
    ['batchml retry s-20260801120000-3f9a2c', 'all failed jobs of a submission'],
    ['batchml results ID --failed | jq -r .jobId | head -10 | batchml retry -', 'some of them'],
  ],
  run: retry,
});

async function retry(context: Context, args: readonly string[], flags: ProfileFlags): Promise<number> {
  const { terminal, progress, json, interrupts } = context;
  const client = await connectToChange(context, flags);
  const all = await selected(context, client, args);
  interrupts.onInterrupt(() => terminal.say('stopping; what is queued again stays queued'));
  const done: Retried[] = [];
  for (const one of all) {
    progress.phase(`queueing failed jobs of ${one.info.submissionId}`);
    done.push(summary(one.info, one.whole ? await retryWhole(client, one) : await retryJobs(client, one)));
  }
  progress.stop();
  for (const { submissionId, retried } of done)
    terminal.note(
      retried === 0
        ? `${submissionId}: nothing to retry; another retry is under way or nothing failed`
        : `${submissionId}: ${plural(retried, 'failed job')} queued again`,
    );
  const again = done.filter(({ retried }) => retried > 0).map(({ submissionId }) => shellQuote(submissionId));
  if (again.length > 0) terminal.note(`next:\n  batchml status ${again.join(' ')} --watch`);
  if (json) await terminal.json({ submissions: done });
  return EXIT.ok;
}

/** The generation seen is passed: a request that is repeated, or came second, starts nothing more. */
function retryWhole(client: ApiClient, { info }: Selected): Promise<Answer> {
  return client.retry(info.submissionId, { generation: info.generation });
}

async function retryJobs(client: ApiClient, { info, selection }: Selected): Promise<Answer> {
  let now = info;
  let any = false;
  let ids: string[] = [];
  const flush = async (): Promise<void> => {
    if (ids.length === 0) return;
    const what = { generation: now.generation, jobIds: ids };
    const { submission, retried } = await client.retry(info.submissionId, what);
    now = submission;
    any ||= retried;
    ids = [];
  };
  for (const ref of selection.refs()) {
    ids.push(jobIdOf(ref));
    if (ids.length === MAX_IDS) await flush();
  }
  await flush();
  return { submission: now, retried: any };
}

function summary(before: SubmissionInfo, { submission: after, retried }: Answer): Retried {
  return {
    submissionId: after.submissionId,
    retried: retried ? Math.max(0, before.counts.Failed - after.counts.Failed) : 0,
    generation: after.generation,
  };
}
