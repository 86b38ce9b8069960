/** Opens an input file and reads it to its end: what is wrong with it is said before anything is sent. */
import { resolve } from 'node:path';
import type { Context } from '../context.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { InputChangedError, type InputChunk, readChunks } from '../input/chunks.ts';
import type { InputOptions } from '../input/input.ts';
import { type InputFile, openInput } from '../input/source.ts';
import { type InputSummary, validateInput } from '../input/validate.ts';
import { orAborted } from '../interrupts.ts';
import { formatBytes, formatCount, plural } from '../ui/format.ts';

export interface CheckedInput {
  /** The file as it was named, or `<stdin>`. */
  readonly label: string;
  readonly summary: InputSummary;
  /** The same chunks each time. */
  chunks(): AsyncGenerator<InputChunk>;
  dispose(): Promise<void>;
}

/** Most characters of a submission's name. */
const MAX_NAME = 256;

/** What the submission is called: the file, or the end of a long path. */
export function nameOf({ label }: CheckedInput): string {
  return label.slice(-MAX_NAME);
}

function badInput(
  label: string,
  { problems, problemCount, jobs }: InputSummary,
  next: readonly string[],
): CliError {
  const lines = problems.map(({ line, message }) => `${label}:${line}: ${message}`);
  const more = problemCount - problems.length;
  return new CliError(`${label} has ${plural(problemCount, 'bad line')} (and ${formatCount(jobs)} good)`, {
    code: 'bad_input',
    exitCode: EXIT.usage,
    why: [...lines, ...(more > 0 ? [`and ${formatCount(more)} more`] : [])].join('\n'),
    next: ['fix or remove them; nothing was sent', ...next],
    data: { problems: problems.map((problem) => ({ file: label, ...problem })), problemCount },
  });
}

async function open(context: Context, file: string): Promise<InputFile> {
  const { deps, terminal, progress } = context;
  if (file === '-') {
    if (deps.stdin.isTTY) terminal.note('reading records from the terminal; Ctrl-D ends them');
    else progress.phase('reading standard input');
    return openInput('-', { stdin: deps.stdin, tmpDir: deps.tmpDir });
  }
  const path = resolve(deps.cwd, file);
  try {
    return await openInput(path, { stdin: emptyStream(), tmpDir: deps.tmpDir });
  } catch (error) {
    // Named as the user did.
    if ((error as NodeJS.ErrnoException).path === path) Object.assign(error as object, { path: file });
    throw error;
  }
}

async function* emptyStream(): AsyncGenerator<Uint8Array> {}

export async function openChecked(
  context: Context,
  file: string,
  options: InputOptions,
  /** What else to do about records that are no rows. */
  rowsNext: readonly string[],
): Promise<CheckedInput> {
  const { terminal, progress, interrupts } = context;
  const input = await orAborted(open(context, file), interrupts.signal);
  const label = file === '-' ? input.label : file;
  try {
    progress.phase(`checking ${label}`);
    const summary = await orAborted(validateInput(input.open(), options), interrupts.signal);
    progress.stop();
    if (summary.problemCount > 0) throw badInput(label, summary, options.rows ? rowsNext : []);
    if (summary.jobs === 0)
      throw usageError(`${label} has no records`, {
        code: 'empty_input',
        why: 'every line is blank, or there is none',
      });
    terminal.note(`${label}: ${plural(summary.jobs, 'record')}, ${formatBytes(summary.bytes)}`);
    return {
      label,
      summary,
      chunks: () => readAgain(label, input, options),
      dispose: () => input.dispose(),
    };
  } catch (error) {
    await input.dispose();
    throw error;
  }
}

/** Chunks of a later pass; a file that changed in between stops the sending. */
async function* readAgain(
  label: string,
  input: InputFile,
  options: InputOptions,
): AsyncGenerator<InputChunk> {
  try {
    yield* readChunks(input.open(), options);
  } catch (error) {
    if (!(error instanceof InputChangedError)) throw error;
    throw usageError(`${label} changed while it was being sent`, {
      code: 'input_changed',
      why: error.message,
      next: ['let nobody write to the file, then send it under another submission ID'],
      cause: error,
    });
  }
}
