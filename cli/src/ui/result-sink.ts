/** Where result lines go: standard output, or a file that appears whole or not at all. */
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { orAborted } from '../interrupts.ts';
import type { Terminal } from './terminal.ts';

export interface ResultSink {
  /** `undefined`: standard output. */
  readonly path: string | undefined;
  /** What is written can be read there later: it isn't `/dev/null` or a pipe. */
  readonly keeps: boolean;
  write(text: string | Uint8Array): Promise<void>;
  /** All is written: the file takes its name. */
  finish(): Promise<void>;
  /** Nothing of the file stays. After `finish` it does nothing. */
  abort(): Promise<void>;
}

function stdoutSink(terminal: Terminal, signal: AbortSignal): ResultSink {
  return {
    path: undefined,
    keeps: false,
    // A reader that takes its time must not keep Ctrl-C waiting.
    write: (text) => orAborted(terminal.data(text), signal),
    finish: () => terminal.flush(),
    abort: async () => {},
  };
}

interface FileParts {
  readonly path: string;
  readonly temporary: string;
  readonly file: FileHandle;
  /** The path as the user gave it. */
  readonly target: string;
}

/** Errors of the file system speak of the path as the user gave it, not of the temporary one. */
async function named<T>(target: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) Object.assign(error, { path: target });
    throw error;
  }
}

class FileSink implements ResultSink {
  readonly path: string;
  private readonly temporary: string;
  private readonly file: FileHandle;
  private readonly target: string;
  private open = true;

  constructor({ path, temporary, file, target }: FileParts) {
    this.path = path;
    this.temporary = temporary;
    this.file = file;
    this.target = target;
  }

  get keeps(): boolean {
    return this.temporary !== this.path;
  }

  async write(text: string | Uint8Array): Promise<void> {
    await named(this.target, () => this.file.appendFile(text));
  }

  async finish(): Promise<void> {
    await named(this.target, async () => {
      // What isn't a file (`/dev/null`, a pipe) can't be synced.
      if (this.keeps) await this.file.sync();
      await this.close();
      try {
        if (this.keeps) await rename(this.temporary, this.path);
      } catch (error) {
        await rm(this.temporary, { force: true });
        throw error;
      }
    });
  }

  async abort(): Promise<void> {
    if (!this.open) return;
    await this.close();
    if (this.keeps) await rm(this.temporary, { force: true });
  }

  private async close(): Promise<void> {
    this.open = false;
    await this.file.close();
  }
}

/** What stands at the path now: its true path, and whether it is something other than a plain file (`/dev/null`). */
async function lookAt(path: string): Promise<{ path: string; special: boolean }> {
  try {
    const stats = await stat(path);
    return { path: await realpath(path), special: !stats.isFile() };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { path, special: false };
    throw error;
  }
}

export interface SinkOptions {
  readonly terminal: Terminal;
  readonly cwd: string;
  /** Part of the temporary name. */
  readonly unique: string;
  readonly signal: AbortSignal;
}

/** Opens the sink for `--output`; `-` and undefined are standard output. */
export async function openSink(target: string | undefined, options: SinkOptions): Promise<ResultSink> {
  if (target === undefined || target === '-') return stdoutSink(options.terminal, options.signal);
  return named(target, async () => {
    const { path, special } = await lookAt(resolve(options.cwd, target));
    const temporary = special ? path : `${path}.${options.unique}.part`;
    const file = await open(temporary, special ? 'w' : 'wx');
    return new FileSink({ path, temporary, file, target });
  });
}
