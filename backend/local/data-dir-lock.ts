/**
 * One process at a time uses a data folder: a lock file that names its holder. A holder that died (`kill -9`) leaves it
 * behind; it is taken over when no process of that number, started at that time, is there any more.
 */
import { linkSync, mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Holder {
  readonly pid: number;
  readonly command: string;
  /** When the process started, by the kernel's count; tells a process from a later one of the same number. */
  readonly started: string | undefined;
}

/** The folder is in use. */
export class DataDirInUseError extends Error {
  readonly code = 'DATA_DIR_IN_USE';
  readonly pid: number;
  constructor(dir: string, { pid, command }: Holder) {
    super(`the data folder ${dir} is in use by process ${pid} (${command})`);
    this.pid = pid;
  }
}

/** A takeover takes milliseconds; one that was interrupted is passed over after this long. */
const TAKEOVER_MS = 5_000;

/**
 * Takes the folder's lock.
 * @param command what this process is called in another one's error
 * @returns gives it back
 * @throws DataDirInUseError
 */
export function lockDataDir(dir: string, command: string): () => void {
  const path = join(dir, 'lock');
  const own = `${path}.${process.pid}`;
  writeFileSync(own, JSON.stringify({ pid: process.pid, command, started: statOf(process.pid)?.started }), {
    mode: 0o600,
  });
  try {
    for (;;) {
      if (tryLink(own, path)) break;
      const holder = readHolder(path);
      if (holder && isAlive(holder)) throw new DataDirInUseError(dir, holder);
      takeOver(path);
    }
  } finally {
    rmSync(own, { force: true });
  }
  return () => {
    if (readHolder(path)?.pid === process.pid) rmSync(path, { force: true });
  };
}

/** Whether the lock file could be made: linking is atomic, and the file has its content from the start. */
function tryLink(own: string, path: string): boolean {
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a dead holder's lock. One process at a time does, and looks again: the lock may be a new holder's by now. */
function takeOver(path: string): void {
  const guard = `${path}.takeover`;
  try {
    mkdirSync(guard, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (Date.now() - (statSync(guard, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > TAKEOVER_MS)
      rmSync(guard, { recursive: true, force: true });
    return;
  }
  try {
    const holder = readHolder(path);
    if (!holder || !isAlive(holder)) rmSync(path, { force: true });
  } finally {
    rmdirSync(guard);
  }
}

function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Not ours to signal, but there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const stat = statOf(pid);
  if (!stat) return true;
  // A zombie has died, and only waits for its parent to hear of it.
  if (stat.state === 'Z' || stat.state === 'X') return false;
  return started === undefined || stat.started === started;
}

/** State letter and start time of a process from /proc (fields 3 and 22 of stat); undefined where there is no /proc. */
function statOf(pid: number): { state: string | undefined; started: string | undefined } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0], started: fields[19] };
  } catch {
    return undefined;
  }
}
