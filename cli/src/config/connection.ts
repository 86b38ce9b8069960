/**
 * Which API a command talks to, and with which key. The first of: `BATCHML_ENDPOINT` with `BATCHML_API_KEY`, `--profile`,
 * `BATCHML_PROFILE`, the active profile, the profile `local`.
 */
import { type CliError, usageError } from '../errors.ts';
import { checkKey, readKeyFile } from './api-key.ts';
import { baseUrl } from './base-url.ts';
import type { Environment } from './environment.ts';
import { configDir } from './paths.ts';
import { isLocalProfile, LOCAL_PROFILE, type Profile, readProfiles } from './profiles.ts';

export interface Target {
  readonly endpoint: string;
  /** `BATCHML_ENDPOINT`, or the profile's name. */
  readonly origin: string;
  readonly profileName: string | undefined;
  readonly profile: Profile | undefined;
  /** A pipeline of this machine. */
  readonly local: boolean;
  /** What would have been taken if something else had not won over it: `--profile prod`. */
  readonly passedOver: string | undefined;
  /** Reads the key. */
  readonly key: () => Promise<string>;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

function checkEndpoint(endpoint: string, name: string): string {
  return baseUrl(endpoint, {
    name,
    notOne: (shown) => `${name}: not an http or https URL: ${shown}`,
    withoutUser: 'the API takes its key by itself: BATCHML_API_KEY, or a profile',
  });
}

/** The API of the environment variables; undefined where none is set. */
function fromEnvironment({ endpoint, apiKey }: Environment, flag: string | undefined): Target | undefined {
  if (endpoint === undefined && apiKey === undefined) return undefined;
  if (endpoint === undefined || apiKey === undefined) {
    const [set, missing] =
      endpoint === undefined
        ? ['BATCHML_API_KEY', 'BATCHML_ENDPOINT']
        : ['BATCHML_ENDPOINT', 'BATCHML_API_KEY'];
    throw usageError(`${set} is set, but ${missing} is not`, { next: [`set both, or unset ${set}`] });
  }
  const checked = checkEndpoint(endpoint, 'BATCHML_ENDPOINT');
  return {
    endpoint: checked,
    origin: 'BATCHML_ENDPOINT',
    profileName: undefined,
    profile: undefined,
    local: LOOPBACK.test(new URL(checked).hostname),
    passedOver: flag === undefined ? undefined : `--profile ${flag}`,
    key: async () => checkKey(apiKey, 'BATCHML_API_KEY'),
  };
}

/** The API in use, or undefined where none is set up. */
export async function findTarget(env: Environment, flag?: string): Promise<Target | undefined> {
  const set = fromEnvironment(env, flag);
  if (set !== undefined) return set;
  const folder = configDir(env);
  const { active, profiles } = await readProfiles(folder);
  const named = flag ?? env.profile;
  const name = named ?? (active !== undefined && Object.hasOwn(profiles, active) ? active : LOCAL_PROFILE);
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (profile === undefined) {
    if (named === undefined) return undefined;
    throw unknownProfile(name, Object.keys(profiles), folder);
  }
  return {
    endpoint: checkEndpoint(profile.endpoint, `profile ${name}`),
    origin: `profile ${name}`,
    profileName: name,
    profile,
    local: isLocalProfile(profile),
    passedOver: undefined,
    key: async () =>
      checkKey(
        profile.key ?? (await readKeyFile(profile.keyFile ?? '')),
        profile.key === undefined ? `${profile.keyFile}` : `profile ${name}`,
      ),
  };
}

export function unknownProfile(name: string, known: readonly string[], folder: string): CliError {
  return usageError(`there is no profile ${name}`, {
    why: known.length === 0 ? `none is set up in ${folder}` : `there are: ${known.join(', ')}`,
  });
}

/** The API in use; an error says how to get one. */
export async function requireTarget(env: Environment, flag?: string): Promise<Target> {
  const target = await findTarget(env, flag);
  if (target !== undefined) return target;
  throw usageError('there is no API to talk to', {
    code: 'no_endpoint',
    why: 'no profile is set up, and BATCHML_ENDPOINT and BATCHML_API_KEY are not set',
    next: ['start one: batchml local --model URL', 'or make one in your AWS account: batchml deploy'],
  });
}
