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
  /** Profiles of deployed stacks: which one, where, and the AWS profile with which it was deployed. */
  readonly stack?: string;
  readonly account?: string;
  readonly region?: string;
  readonly awsProfile?: string;
}

export interface Profiles {
  /** Name of the profile in use where neither `--profile` nor `BATCHML_PROFILE` names one. */
  readonly active: string | undefined;
  readonly profiles: Readonly<Record<string, Profile>>;
}

/** The profile that `batchml local` keeps; taken where nothing else says which. */
export const LOCAL_PROFILE = 'local';

/** Whether it is a pipeline of this machine. */
export const isLocalProfile = ({ dataDir }: Profile): boolean => dataDir !== undefined;

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

/** Sets a profile, and makes it the active one where none is, or if asked. Gives the profiles as they are now. */
export async function saveProfile(
  configDir: string,
  name: string,
  profile: Profile,
  unique: string,
  { activate = false }: { readonly activate?: boolean } = {},
): Promise<Profiles> {
  const old = await readProfiles(configDir);
  const profiles = { ...old.profiles, [name]: profile };
  const active = !activate && old.active !== undefined && old.active in profiles ? old.active : name;
  return writeProfiles(configDir, { active, profiles }, unique);
}

/** Removes a profile; no other becomes the active one in its place. Gives the profiles as they are now. */
export async function removeProfile(configDir: string, name: string, unique: string): Promise<Profiles> {
  const { active, profiles } = await readProfiles(configDir);
  const { [name]: _, ...rest } = profiles;
  return writeProfiles(configDir, { active: active === name ? undefined : active, profiles: rest }, unique);
}

/** Changes profiles that are there; which one is active stays as it is. */
export async function updateProfiles(
  configDir: string,
  changed: Readonly<Record<string, Profile>>,
  unique: string,
): Promise<Profiles> {
  const { active, profiles } = await readProfiles(configDir);
  return writeProfiles(configDir, { active, profiles: { ...profiles, ...changed } }, unique);
}

/** Makes a profile the active one; the caller knows that it is there. */
export async function activateProfile(configDir: string, name: string, unique: string): Promise<Profiles> {
  const { profiles } = await readProfiles(configDir);
  return writeProfiles(configDir, { active: name, profiles }, unique);
}

async function writeProfiles(configDir: string, all: Profiles, unique: string): Promise<Profiles> {
  await writePrivateFile(profilesPath(configDir), `${JSON.stringify(all, null, 2)}\n`, unique);
  return all;
}
