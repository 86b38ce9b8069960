/** What can be checked without asking anybody: this program, its files, its folders. */
import { constants } from 'node:fs';
import { access, readFile, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Environment } from '../../config/environment.ts';
import { configDir } from '../../config/paths.ts';
import { profilesPath, readProfiles } from '../../config/profiles.ts';
import { toCliError } from '../../errors.ts';
import { formatBytes, plural, shellQuote } from '../../ui/format.ts';
import { VERSION } from '../../version.ts';
import type { Check } from './check.ts';

/** `engines` in package.json. */
const LEAST_NODE = [20, 19] as const;
const LEAST_FREE_BYTES = 512 * 1024 * 1024;

export function checkNode(version = process.version): Check {
  const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
  const [least, leastMinor] = LEAST_NODE;
  const enough = major > least || (major === least && minor >= leastMinor);
  return enough
    ? { name: 'node', status: 'ok', detail: version }
    : {
        name: 'node',
        status: 'fail',
        detail: `${version} is too old`,
        next: `install Node ${LEAST_NODE.join('.')} or later`,
      };
}

export function checkVersion(): Check {
  return { name: 'batchml', status: 'ok', detail: VERSION };
}

function originOf({ batchmlHome, xdgConfigHome }: Environment): string {
  if (batchmlHome !== undefined) return 'BATCHML_HOME';
  return xdgConfigHome === undefined ? 'HOME' : 'XDG_CONFIG_HOME';
}

/** The file of profiles: where, why there, whether it can be read, and by whom. */
export async function checkConfig(env: Environment): Promise<Check> {
  const name = 'config';
  try {
    const path = profilesPath(configDir(env));
    const where = `${path} (by ${originOf(env)})`;
    const { profiles } = await readProfiles(configDir(env));
    const stats = await stat(path).catch(() => undefined);
    if (stats === undefined)
      return { name, status: 'ok', detail: `${where}: none yet; local and deploy make it` };
    const detail = `${where}: ${plural(Object.keys(profiles).length, 'profile')}`;
    if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0)
      return {
        name,
        status: 'warn',
        detail: `${detail}; others can read the keys in it`,
        next: `chmod 600 ${shellQuote(path)}`,
      };
    return { name, status: 'ok', detail };
  } catch (error) {
    return failed(name, error);
  }
}

/** The data folder of pipelines on this machine: whether it can be written, by whom it is used, and how much room is left. */
export async function checkDataDir(folder: string): Promise<Check> {
  const name = 'data';
  try {
    const there = await nearest(folder);
    await access(there, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(there);
    const free = bavail * bsize;
    const use = there === folder ? await holder(folder) : ': none yet; local and run make it';
    const detail = `${folder}${use}, ${formatBytes(free)} free`;
    if (free < LEAST_FREE_BYTES)
      return {
        name,
        status: 'warn',
        detail,
        next: 'free some space, or take another folder: --data-dir DIR',
      };
    return { name, status: 'ok', detail };
  } catch (error) {
    return failed(name, error);
  }
}

/** The folder, or the innermost one above it that exists. */
async function nearest(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at)) {
    const found = await stat(at).catch(() => undefined);
    if (found?.isDirectory()) return at;
    if (found !== undefined) throw Object.assign(new Error('it is no folder'), { code: 'ENOTDIR', path: at });
    if (dirname(at) === at) return at;
  }
}

/** Who says that it uses the folder. */
async function holder(folder: string): Promise<string> {
  try {
    const { pid, command } = JSON.parse(await readFile(join(folder, 'lock'), 'utf8')) as Record<
      string,
      unknown
    >;
    process.kill(Number(pid), 0);
    return `: in use by process ${pid} (${command})`;
  } catch {
    return '';
  }
}

/** A check that fails with an error. */
export function failed(name: string, error: unknown): Check {
  const { message, why, next } = toCliError(error);
  const last = next.at(-1);
  return {
    name,
    status: 'fail',
    detail:
      why === undefined || why === 'this is not expected'
        ? message
        : `${message}${message.endsWith('?') ? '' : ':'} ${why}`,
    ...(last === undefined || last.startsWith('--debug') ? {} : { next: last }),
  };
}
