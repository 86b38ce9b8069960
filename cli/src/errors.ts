/** The one base of the command line's errors, and the one place that makes exit codes of any error. */
import { CommanderError } from 'commander';
import { EXIT } from './exit-codes.ts';

export interface CliErrorDetails {
  /** Stable word for scripts. */
  readonly code: string;
  /** @default 1 */
  readonly exitCode?: number;
  /** What is behind it, one line or more. */
  readonly why?: string;
  /** What can be done: commands, or short sentences; the most useful one last. */
  readonly next?: readonly string[];
  /** More fields for `--json`. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

const MARK: unique symbol = Symbol.for('batchml.CliError') as never;

/** An error that is shown to a person: the message says what failed, lower case and without a full stop. */
export class CliError extends Error {
  readonly [MARK] = true;
  readonly code: string;
  readonly exitCode: number;
  readonly why: string | undefined;
  readonly next: readonly string[];
  readonly data: Readonly<Record<string, unknown>>;

  constructor(message: string, details: CliErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.exitCode = details.exitCode ?? EXIT.failed;
    this.why = details.why;
    this.next = details.next ?? [];
    this.data = details.data ?? {};
  }

  static is(error: unknown): error is CliError {
    return typeof error === 'object' && error !== null && MARK in error;
  }
}

/** Wrong usage: exit code 2. */
export function usageError(message: string, details: Partial<CliErrorDetails> = {}): CliError {
  return new CliError(message, { code: 'usage', exitCode: EXIT.usage, ...details });
}

/** What to do about a full disk, here or where the API runs. */
export const DISK_FULL = {
  code: 'disk_full',
  next: ['free some space, then the same command goes on'],
} as const;

/** Whether an engine or an API says that it has no room left. */
export function isDiskFull(message: string): boolean {
  return message.includes('is the disk full?') || message.includes('database or disk is full');
}

export type SignalName = 'SIGINT' | 'SIGTERM';

/** Ctrl-C or its like. What it means was already said when it came. */
export class InterruptedError extends CliError {
  constructor(signal: SignalName) {
    super(`stopped by ${signal === 'SIGINT' ? 'Ctrl-C' : signal}`, {
      code: 'interrupted',
      exitCode: signal === 'SIGINT' ? EXIT.sigint : EXIT.sigterm,
    });
  }
}

/** Whoever read our standard output reads no more (`| head -1`). */
export class ClosedPipeError extends Error {
  constructor() {
    super('standard output was closed');
  }
}

function property(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[name] : undefined;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Usage errors of commander, in our words. */
function fromCommander(error: CommanderError): CliError {
  const [message = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const why = rest.join('\n').replace(/^\(|\)$/g, '');
  return usageError(message.replace(/\.$/, ''), {
    ...(why === '' ? {} : { why }),
    next: ['batchml --help'],
    cause: error,
  });
}

/** Errors of the local engine, by its codes. */
const ENGINE: Record<string, (message: string) => CliError> = {
  DATA_DIR_IN_USE: (message) =>
    new CliError(message, {
      code: 'data_dir_in_use',
      next: ['wait for it or stop it, or take another folder: --data-dir DIR'],
    }),
  DATA_DIR_LAYOUT: (message) =>
    new CliError(message, {
      code: 'data_dir_layout',
      next: ['take another folder (--data-dir DIR), or move this one away'],
    }),
  DATA_DIR_DAMAGED: (message) =>
    new CliError(message, {
      code: 'data_dir_damaged',
      next: ['put a copy of the folder back, or take another one (--data-dir DIR) and submit again'],
    }),
  PORT_IN_USE: (message) =>
    new CliError(message, {
      code: 'port_in_use',
      next: ['take another one: batchml local --port PORT (0 takes a free one)'],
    }),
  MODEL_NOT_READY: (why) =>
    new CliError('the model is not ready', {
      code: 'model_not_ready',
      why,
      next: ['see that it answers GET /ping with 200; --ping-timeout SECONDS waits longer'],
    }),
};

/** Errors of the operating system, in plain words. */
const SYSTEM: Record<string, readonly [why: string, exitCode: number, next?: string]> = {
  ENOENT: [
    'no such file or folder',
    EXIT.usage,
    'check how it is spelt; a relative path starts at the folder that you are in',
  ],
  EISDIR: ['it is a folder, not a file', EXIT.usage],
  ENOTDIR: ['a part of the path is not a folder', EXIT.usage],
  EACCES: ['permission denied', EXIT.usage],
  EPERM: ['permission denied', EXIT.usage],
  EROFS: ['the file system is read-only', EXIT.usage],
  ENOSPC: ['no space left on the disk', EXIT.failed, DISK_FULL.next[0]],
  EDQUOT: ['the disk quota is used up', EXIT.failed],
  EMFILE: ['too many open files', EXIT.failed],
};

/** Any error as one that can be shown; what we don't know is a fault of ours. */
export function toCliError(error: unknown): CliError {
  if (CliError.is(error)) return error;
  if (error instanceof CommanderError) return fromCommander(error);
  const code = property(error, 'code');
  const message = textOf(error);
  if (typeof code === 'string') {
    const engine = ENGINE[code];
    if (engine) return engine(message);
    const system = SYSTEM[code];
    if (system) {
      const path = property(error, 'path');
      return new CliError(typeof path === 'string' ? `${path}: ${system[0]}` : message, {
        code: code.toLowerCase(),
        exitCode: system[1],
        next: system[2] === undefined ? [] : [system[2]],
        cause: error,
      });
    }
  }
  if (isDiskFull(message)) return new CliError(message, { ...DISK_FULL, cause: error });
  return new CliError(message === '' ? 'something went wrong' : message, {
    code: 'internal',
    why: 'this is not expected',
    next: ['--debug shows where it happened'],
    cause: error,
  });
}
