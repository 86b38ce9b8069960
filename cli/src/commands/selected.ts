/** The submissions that IDs name, as they are now. */
import { ApiError, unknownIdError } from '../client/api-errors.ts';
import type { ApiClient } from '../client/client.ts';
import { readSelection } from '../client/id-source.ts';
import type { Selection, SubmissionSelection } from '../client/selection.ts';
import type { Selected } from '../client/status-poll.ts';
import type { Context } from '../context.ts';
import { usageError } from '../errors.ts';
import { orAborted } from '../interrupts.ts';

/** IDs from the arguments, or from standard input for `-`. */
function selectionFrom(context: Context, args: readonly string[]): Promise<Selection> {
  const { deps, interrupts, terminal } = context;
  if (args.includes('-') && deps.stdin.isTTY)
    terminal.note('reading IDs from the terminal; Ctrl-D ends them');
  return orAborted(
    readSelection(args, () => deps.stdin),
    interrupts.signal,
  );
}

/** Looks a selected submission up. Throws when there is none of this ID. */
async function lookUp(client: ApiClient, selection: SubmissionSelection): Promise<Selected> {
  try {
    const info = await client.submission(selection.id);
    // While it is open, more jobs may come than were named.
    const all = info.state !== 'Open' && selection.jobs === info.total;
    return { selection, info, whole: selection.whole || all };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    const [first] = selection.whole ? [] : selection.firstIds(1);
    throw unknownIdError(first ?? selection.id);
  }
}

/** What the arguments name; at least one ID. Throws for a submission that doesn't exist. */
export async function selected(
  context: Context,
  client: ApiClient,
  args: readonly string[],
): Promise<readonly Selected[]> {
  if (args.length === 0)
    throw usageError('which one? Name a job or submission ID, or - for IDs on standard input', {
      next: ['see what there is: batchml list'],
    });
  const found: Selected[] = [];
  for (const one of await selectionFrom(context, args)) found.push(await lookUp(client, one));
  return found;
}
