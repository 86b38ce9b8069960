/** A model server started from a command line, in a process group of its own that ends with this process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, stat } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

const TAIL_BYTES = 4096;
/** A line that names an error: `Error: Cannot find module`, `ModuleNotFoundError: ...`, `sh: 1: foo: not found`. */
const ERROR_LINE = /(^|\W)\w*(error|exception)\b.*:|not found|no such file/i;
const TAIL_LINES = 3;

/** A running (or ended) command. */
export interface ModelCommand {
  readonly url: string;
  /** Aborted when the command has exited. */
  readonly ended: AbortSignal;
  /** How it exited, e.g. `exited with code 1`; undefined while it runs. */
  howEnded(): string | undefined;
  /** Its last three lines of output, for a message. */
  lastLines(): Promise<string>;
  /** Asks the whole group to end (SIGTERM), and kills what is left after `graceMs`. */
  stop(graceMs: number): Promise<void>;
  /** Kills the whole group at once; synchronous, for an `exit` handler. */
  kill(): void;
}

/**
 * Starts a command line in a shell, told by `SAGEMAKER_BIND_TO_PORT` (as SageMaker's containers are) and `PORT` where
 * to listen. What it prints is appended to `logFile`.
 */
export async function startModelCommand(
  commandLine: string,
  env: Readonly<Record<string, string | undefined>>,
  logFile: string,
): Promise<ModelCommand> {
  const port = await freePort();
  const log = await open(logFile, 'a', 0o600);
  const logStart = (await log.stat()).size;
  const child = spawn(commandLine, {
    shell: true,
    detached: true,
    stdio: ['ignore', log.fd, log.fd, 'pipe'],
    env: { ...env, SAGEMAKER_BIND_TO_PORT: String(port), PORT: String(port), SAGEMAKER_BATCH: 'true' },
  });
  // A model that nobody uses must not keep this process alive.
  child.unref();
  const held = child.stdio[3] as Socket | null;
  held?.resume().unref();
  held?.once('error', () => undefined);
  const ended = new AbortController();
  let how: string | undefined;
  let stopping: Promise<void> | undefined;
  const guard = startGuard(child.pid);
  const end = (text: string) => {
    if (how !== undefined) return;
    how = text;
    ended.abort();
    // What it left behind is of no use, and its group's ID may soon be another's. stop() is more patient.
    if (stopping === undefined) dissolve();
  };
  const dissolve = () => {
    signalGroup(child, 'SIGKILL');
    guard?.stdin?.end('done\n');
  };
  child.once('error', (error) => end(`could not be started: ${error.message}`));
  child.once('exit', (code, signal) =>
    end(signal === null ? `exited with code ${code}` : `was ended by ${signal}`),
  );
  // Only now: a command may exit while this is waited for.
  await log.close();
  return {
    url: `http://127.0.0.1:${port}`,
    ended: ended.signal,
    howEnded: () => how,
    lastLines: () => tail(logFile, logStart),
    stop(graceMs) {
      if (how === undefined) stopping ??= endGroup(child, graceMs).then(dissolve);
      return stopping ?? Promise.resolve();
    },
    kill() {
      if (how === undefined) signalGroup(child, 'SIGKILL');
    },
  };
}

/**
 * Asks a group to end and waits until all of it has, or `graceMs` have passed. The shell often ends before the model
 * does; `close` comes once nobody holds the pipe any more that all of them inherited.
 */
async function endGroup(child: ChildProcess, graceMs: number): Promise<void> {
  const waiting = new AbortController();
  const { signal } = waiting;
  const closed = once(child, 'close', { signal });
  signalGroup(child, 'SIGTERM');
  await Promise.race([closed, wait(graceMs, undefined, { signal })]);
  waiting.abort();
}

/** A port that is free now. Another process could take it before the model does; the model then exits and is restarted. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

/**
 * A shell that kills the group when this process is gone without having said `done`: its end of the pipe closes however
 * this process ends, SIGKILL and a closed terminal included, where no handler of ours runs.
 */
function startGuard(pid: number | undefined): ChildProcess | undefined {
  if (pid === undefined || process.platform === 'win32') return undefined;
  const guard = spawn('/bin/sh', ['-c', 'read -r _ || kill -9 -"$0"', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without a guard the model still ends by stop() and by the exit handler.
  guard.once('error', () => undefined);
  guard.stdin?.once('error', () => undefined);
  guard.unref();
  (guard.stdin as Socket | null)?.unref();
  return guard;
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // No such group. Windows has none at all: there the shell is what can be reached.
    child.kill(signal);
  }
}

async function tail(path: string, from: number): Promise<string> {
  try {
    const { size } = await stat(path);
    const start = Math.max(from, size - TAIL_BYTES);
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
      const lines = buffer
        .toString('utf8', 0, bytesRead)
        .split('\n')
        .filter((line) => line.trim() !== '');
      const last = lines.slice(-TAIL_LINES);
      // Some runtimes print the error first and a long trace after it.
      const cause = lines.findLast((line) => ERROR_LINE.test(line));
      return (cause === undefined || last.includes(cause) ? last : [cause, ...last]).join('\n').trim();
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}
