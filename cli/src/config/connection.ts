/** Which API a command talks to, and with which key: environment, else a profile. */
import { usageError } from '../errors.ts';
import { checkKey, readKeyFile } from './api-key.ts';
import { baseUrl } from './base-url.ts';
import type { Environment } from './environment.ts';
import { configDir } from './paths.ts';
import { type Profile, readProfiles } from './profiles.ts';

export interface Target {
  readonly endpoint: string;
  /** `BATCHML_ENDPOINT`, or the profile's name. */
  readonly origin: string;
  readonly profileName: string | undefined;
  readonly profile: Profile | undefined;
  /** Reads the key. */
  readonly key: () => Promise<string>;
}

function checkEndpoint(endpoint: string, name: string): string {
  return baseUrl(endpoint, {
    name,
    notOne: (shown) => `${name}: not an http or https URL: ${shown}`,
    withoutUser: 'the API takes its key by itself: BATCHML_API_KEY, or a profile',
  });
}

/** The API in use, or undefined where none is set up. */
export async function findTarget(env: Environment, flag?: string): Promise<Target | undefined> {
  if (flag === undefined && (env.endpoint !== undefined || env.apiKey !== undefined)) {
    const { endpoint, apiKey } = env;
    if (endpoint === undefined || apiKey === undefined) {
      const [set, missing] =
        endpoint === undefined
          ? ['BATCHML_API_KEY', 'BATCHML_ENDPOINT']
          : ['BATCHML_ENDPOINT', 'BATCHML_API_KEY'];
      throw usageError(`${set} is set, but ${missing} is not`, { next: [`set both, or unset ${set}`] });
    }
    return {
      endpoint: checkEndpoint(endpoint, 'BATCHML_ENDPOINT'),
      origin: 'BATCHML_ENDPOINT',
      profileName: undefined,
      profile: undefined,
      key: async () => checkKey(apiKey, 'BATCHML_API_KEY'),
    };
  }
  const folder = configDir(env);
  const { active, profiles } = await readProfiles(folder);
  const named = flag ?? env.profile;
  const name = named ?? active;
  if (name === undefined) return undefined;
  const profile = profiles[name];
  if (profile === undefined) {
    if (named === undefined) return undefined;
    const known = Object.keys(profiles);
    throw usageError(`there is no profile ${name}`, {
      why: known.length === 0 ? `none is set up in ${folder}` : `there are: ${known.join(', ')}`,
    });
  }
  return {
    endpoint: checkEndpoint(profile.endpoint, `profile ${name}`),
    origin: `profile ${name}`,
    profileName: name,
    profile,
    key: async () =>
      checkKey(
        profile.key ?? (await readKeyFile(profile.keyFile ?? '')),
        profile.key === undefined ? `${profile.keyFile}` : `profile ${name}`,
      ),
  };
}

/** The API in use; an error says how to get one. */
export async function requireTarget(env: Environment, flag?: string): Promise<Target> {
  const target = await findTarget(env, flag);
  if (target !== undefined) return target;
  throw usageError('there is no API to talk to', {
    code: 'no_endpoint',
    why: 'no profile is set up, and BATCHML_ENDPOINT and BATCHML_API_KEY are not set',
    next: ['start one: batchml local --model URL'],
  });
}
