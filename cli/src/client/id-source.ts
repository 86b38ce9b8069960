/** IDs from arguments or, for `-`, from standard input, one a line. */
import type { InputStream } from '../deps.ts';
import { usageError } from '../errors.ts';
import { Selection } from './selection.ts';

/** Longer than any ID: something else was piped in. */
const MAX_LINE = 1000;

async function readIds(stdin: InputStream, selection: Selection): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of stdin) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) addLine(selection, line);
    if (rest.length > MAX_LINE) addLine(selection, rest);
  }
  addLine(selection, rest + decoder.decode());
}

/** A line of `submit`: an ID, or with `--json` an object that names the job. */
function addLine(selection: Selection, line: string): void {
  const text = line.trim();
  if (text === '') return;
  if (!text.startsWith('{')) {
    selection.add(text);
    return;
  }
  let jobId: unknown;
  try {
    jobId = (JSON.parse(text) as { jobId?: unknown }).jobId;
  } catch {
    // Said below.
  }
  if (typeof jobId !== 'string')
    throw usageError(`standard input: neither an ID nor an object with a jobId: ${text.slice(0, 100)}`, {
      code: 'bad_id',
    });
  selection.add(jobId);
}

export async function readSelection(args: readonly string[], stdin: () => InputStream): Promise<Selection> {
  const selection = new Selection();
  if (args.filter((arg) => arg === '-').length > 1)
    throw usageError('`-` (standard input) can be named once');
  for (const arg of args) {
    if (arg === '-') await readIds(stdin(), selection);
    else selection.add(arg);
  }
  if (args.length > 0 && selection.size === 0)
    throw usageError('standard input has no IDs', {
      code: 'no_ids',
      why: 'what should have written them may have failed',
    });
  return selection;
}
