/** The local server's API key: made once, kept in the data folder, readable by its owner only. */
import { randomUUID } from 'node:crypto';
import { link, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { usageError } from '../errors.ts';
import { readFileIfAny, writeSynced } from './private-file.ts';

export const apiKeyPath = (dataDir: string): string => join(dataDir, 'api-key');

/** Reads the key from its file. */
export async function readKeyFile(path: string): Promise<string> {
  const key = await keyIn(path);
  if (key === undefined)
    throw usageError(`there is no API key in ${path}`, {
      code: 'no_key',
      next: ['start the server, which makes one: batchml local --model URL'],
    });
  return key;
}

/** A key as it can be sent; one that can't is not quoted. */
export function checkKey(key: string, origin: string): string {
  const at = key.search(/[^\x20-\x7e]/);
  if (at < 0) return key;
  throw usageError(`the API key of ${origin} can't be one`, {
    code: 'bad_key',
    why: `a key is printable ASCII, and character ${at + 1} of ${key.length} is not`,
    next: ['set it anew, without line breaks or typographic quotes'],
  });
}

/**
 * The data folder's key; makes one (32 random bytes) where there is none. The file appears whole or not at all, and two
 * that start at once agree on it.
 */
export async function ensureKey(dataDir: string, randomHex: (bytes: number) => string): Promise<string> {
  const path = apiKeyPath(dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const known = await keyIn(path);
  if (known !== undefined) return known;
  const made = randomHex(32);
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeSynced(temporary, `${made}\n`);
    for (;;) {
      if (await placed(temporary, path)) return made;
      const other = await keyIn(path);
      if (other !== undefined) return other;
      await removeEmpty(path);
    }
  } finally {
    await rm(temporary, { force: true });
  }
}

/** An empty file, as a crash of an older version left it, counts as none. */
async function keyIn(path: string): Promise<string | undefined> {
  return (await readFileIfAny(path))?.trim() || undefined;
}

/** Gives the file its name, unless another one has it: unlike renaming, linking replaces nothing. */
async function placed(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // Some file systems have no links (exFAT, network folders).
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
    await rename(temporary, path);
    return true;
  }
}

/** Takes an empty file away; one that somebody has replaced in the meantime goes back. */
async function removeEmpty(path: string): Promise<void> {
  const aside = `${path}.${randomUUID()}.tmp`;
  try {
    await rename(path, aside);
    if ((await keyIn(aside)) !== undefined) await placed(aside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  } finally {
    await rm(aside, { force: true });
  }
}
