/** Profiles in a test's home, as the command line finds them. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Profile } from '../../cli/src/config/profiles.ts';

/** Nothing in the environment but the home folder. */
export const BARE = { BATCHML_ENDPOINT: undefined, BATCHML_API_KEY: undefined };

const fileOf = (home: string): string => join(home, '.config/batchml/profiles.json');

export async function writeProfiles(
  home: string,
  profiles: Readonly<Record<string, Profile>>,
  active?: string,
): Promise<void> {
  await mkdir(join(home, '.config/batchml'), { recursive: true });
  await writeFile(fileOf(home), JSON.stringify({ active, profiles }), { mode: 0o600 });
}

export async function savedProfiles(
  home: string,
): Promise<{ active?: string; profiles: Record<string, Profile> }> {
  return JSON.parse(await readFile(fileOf(home), 'utf8'));
}
