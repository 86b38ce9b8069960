/** The local server's API key: made once, kept in the data folder, readable by its owner only. */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { usageError } from '../errors.ts';
import { readFileIfAny } from './private-file.ts';

export const apiKeyPath = (dataDir: string): string => join(dataDir, 'api-key');

/** Reads the key from its file. */
export async function readKeyFile(path: string): Promise<string> {
  const key = (await readFileIfAny(path))?.trim();
  if (key === undefined || key === '')
    throw usageError(`there is no API key in ${path}`, {
      code: 'no_key',
      next: ['start the server, which makes one: batchml local --model URL'],
    });
  return key;
}

/** The data folder's key; makes one (32 random bytes) where there is none. Two that start at once agree on one. */
export async function ensureKey(dataDir: string, randomHex: (bytes: number) => string): Promise<string> {
  const path = apiKeyPath(dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(`${randomHex(32)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readKeyFile(path);
}
