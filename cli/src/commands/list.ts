/** `batchml list`: submissions, newest first. */
import type { SubmissionInfo } from '@batchml/backend/wire';
import { statusOf } from '../client/status-poll.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { showSubmissions } from '../ui/status-view.ts';
import { defineCommand } from './command.ts';
import { connect, type ProfileFlags } from './connect.ts';
import { addProfileOption, numberOption } from './options/shared.ts';

interface ListFlags extends ProfileFlags {
  readonly limit: number;
}

/** Most of one page. */
const PAGE = 100;

export const listCommand = defineCommand<ListFlags>({
  name: 'list',
  summary: 'submissions, newest first',
  options: (command) => {
    command.addOption(numberOption('--limit <n>', 'so many', { min: 1, max: 10_000 }).default(20));
    addProfileOption(command);
  },
  examples: [
    ['batchml list', 'the newest 20'],
    ['batchml list --json | jq -r .submissions[].submissionId', 'their IDs'],
  ],
  run: list,
});

async function list(context: Context, _args: readonly string[], flags: ListFlags): Promise<number> {
  const { terminal, json } = context;
  const client = await connect(context, flags);
  const found: SubmissionInfo[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.submissions(Math.min(PAGE, flags.limit - found.length), cursor);
    found.push(...page.submissions);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined && found.length < flags.limit);
  if (json) await terminal.json({ submissions: found, more: cursor !== undefined });
  else if (found.length > 0) await showSubmissions(terminal, found.map(statusOf));
  else terminal.note('nothing was submitted yet; the first: batchml submit FILE');
  if (!json && cursor !== undefined) terminal.note('there are more: --limit N');
  return EXIT.ok;
}
