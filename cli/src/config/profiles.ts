/** Profiles: named APIs with their keys, in `profiles.json` of the configuration folder (mode 0600). */
import { join } from 'node:path';
import type { Settings } from '@batchml/backend/words';
import { usageError } from '../errors.ts';
import { readFileIfAny, writePrivateFile } from './private-file.ts';

export interface Profile {
  readonly endpoint: string;
  /** The API key itself; or `keyFile`. */
  readonly key?: string;
  /** File that holds the API key. */
  readonly keyFile?: string;
  /** `local` profiles: what the server was started with. */
  readonly dataDir?: string;
  readonly model?: string;
  readonly settings?: Settings;
}

export interface Profiles {
  /** Name of the profile in use where neither `--profile` nor `BATCHML_PROFILE` names one. */
  readonly active: string | undefined;
  readonly profiles: Readonly<Record<string, Profile>>;
}

export const profilesPath = (configDir: string): string => join(configDir, 'profiles.json');

function isProfile(value: unknown): value is Profile {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Record<string, unknown>)['endpoint'] === 'string'
  );
}

export async function readProfiles(configDir: string): Promise<Profiles> {
  const path = profilesPath(configDir);
  const text = await readFileIfAny(path);
  if (text === undefined) return { active: undefined, profiles: {} };
  try {
    const { active, profiles = {} } = JSON.parse(text) as Partial<Profiles>;
    if (Object.values(profiles).every(isProfile))
      return { active: typeof active === 'string' ? active : undefined, profiles };
  } catch {
    // Said below.
  }
  throw usageError(`${path} can't be read`, {
    why: 'it is not a file of profiles as batchml writes it',
    next: ['mend it or remove it, then: batchml local --model URL'],
  });
}

/** Sets a profile, and makes it the active one where none is. Gives the profiles as they are now. */
export async function saveProfile(
  configDir: string,
  name: string,
  profile: Profile,
  unique: string,
): Promise<Profiles> {
  const old = await readProfiles(configDir);
  const profiles = { ...old.profiles, [name]: profile };
  const active = old.active !== undefined && old.active in profiles ? old.active : name;
  const content = `${JSON.stringify({ active, profiles }, null, 2)}\n`;
  await writePrivateFile(profilesPath(configDir), content, unique);
  return { active, profiles };
}
