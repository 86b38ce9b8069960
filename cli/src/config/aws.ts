/** Which credentials and region of AWS a command uses, and who said so. Loads nothing of the SDK. */
import type { Deps } from '../deps.ts';
import type { Environment } from './environment.ts';
import type { Profile } from './profiles.ts';

export interface AwsChoice {
  /** Profile of AWS's own tools; undefined: what the SDK's default chain finds. */
  readonly profile: string | undefined;
  /** What named it. */
  readonly profileFrom: string | undefined;
  /** `AWS_ACCESS_KEY_ID` is set, and no profile is named. */
  readonly keysInEnvironment: boolean;
  /** Undefined: what the SDK finds in the AWS profile. */
  readonly region: string | undefined;
  readonly regionFrom: string | undefined;
}

/**
 * Credentials: `--aws-profile`, else `AWS_PROFILE`, else keys of the environment, else what was saved with the profile.
 * The region of a deployed stack is a fact: no variable changes it.
 */
export function chooseAws(
  env: Pick<Environment, 'awsProfile' | 'awsRegion' | 'awsKeySet'>,
  { awsProfile: flag, region: regionFlag }: { readonly awsProfile?: string; readonly region?: string },
  saved: { readonly name: string; readonly profile: Profile } | undefined,
): AwsChoice {
  const ours = saved && `profile ${saved.name}`;
  const savedProfile = env.awsKeySet ? undefined : saved?.profile.awsProfile;
  const [profile, profileFrom] = first(
    [flag, '--aws-profile'],
    [env.awsProfile, 'AWS_PROFILE'],
    [savedProfile, ours],
  );
  const [region, regionFrom] = first(
    [regionFlag, '--region'],
    [saved?.profile.region, ours],
    [env.awsRegion, 'AWS_REGION'],
  );
  return {
    profile,
    profileFrom,
    keysInEnvironment: env.awsKeySet && profile === undefined,
    region,
    regionFrom,
  };
}

function first(
  ...found: readonly (readonly [value: string | undefined, from: string | undefined])[]
): readonly [string | undefined, string | undefined] {
  return found.find(([value]) => value !== undefined) ?? [undefined, undefined];
}

/** A request that isn't answered within these is tried again. In ms. */
const CONNECT_MS = 5_000;
const ANSWER_MS = 30_000;

const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** What every client of the SDK is made with. */
export function awsConfig({ profile, region }: AwsChoice, aws: Deps['aws'], attempts = 4) {
  return {
    ...(profile === undefined ? {} : { profile }),
    ...(region === undefined ? {} : { region }),
    ...aws,
    maxAttempts: attempts,
    // Without one of its own the SDK writes to the console.
    logger: SILENT,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      requestTimeout: ANSWER_MS,
      throwOnRequestTimeout: true,
    },
  };
}
