/** The only reader of environment variables: once, into a frozen object. An empty value counts as unset. */

export interface Environment {
  /** `BATCHML_ENDPOINT`: URL of the API; needs `BATCHML_API_KEY`. Both win over the active profile. */
  readonly endpoint: string | undefined;
  /** `BATCHML_API_KEY`. */
  readonly apiKey: string | undefined;
  /** `BATCHML_PROFILE`: the profile to use instead of the active one. */
  readonly profile: string | undefined;
  /** `BATCHML_HOME`: one folder for configuration and data, instead of the XDG folders. */
  readonly batchmlHome: string | undefined;
  /** `XDG_CONFIG_HOME`, where absolute. */
  readonly xdgConfigHome: string | undefined;
  /** `XDG_DATA_HOME`, where absolute. */
  readonly xdgDataHome: string | undefined;
  /** `HOME`, or `USERPROFILE` on Windows. */
  readonly home: string | undefined;
  /** `NO_COLOR` is set to anything: no colours. */
  readonly noColor: boolean;
  /** `AWS_PROFILE`: the profile of AWS's own tools. */
  readonly awsProfile: string | undefined;
  /** `AWS_REGION`, else `AWS_DEFAULT_REGION`. */
  readonly awsRegion: string | undefined;
  /** `AWS_ACCESS_KEY_ID` is set: credentials come from the environment, unless a profile is named. */
  readonly awsKeySet: boolean;
  /** `CI` is set: no animation. */
  readonly ci: boolean;
  /** `TERM` is `dumb`: no colours, no animation. */
  readonly dumb: boolean;
}

/** The XDG rules: a relative path is invalid and is to be ignored. */
function absolute(value: string | undefined): string | undefined {
  return value !== undefined && (value.startsWith('/') || /^[A-Za-z]:[\\/]/.test(value)) ? value : undefined;
}

export function parseEnvironment(env: Readonly<Record<string, string | undefined>>): Environment {
  const get = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  return Object.freeze({
    endpoint: get('BATCHML_ENDPOINT'),
    apiKey: get('BATCHML_API_KEY'),
    profile: get('BATCHML_PROFILE'),
    batchmlHome: get('BATCHML_HOME'),
    xdgConfigHome: absolute(get('XDG_CONFIG_HOME')),
    xdgDataHome: absolute(get('XDG_DATA_HOME')),
    home: get('HOME') ?? get('USERPROFILE'),
    noColor: get('NO_COLOR') !== undefined,
    awsProfile: get('AWS_PROFILE'),
    awsRegion: get('AWS_REGION') ?? get('AWS_DEFAULT_REGION'),
    awsKeySet: get('AWS_ACCESS_KEY_ID') !== undefined,
    ci: get('CI') !== undefined && get('CI') !== 'false',
    dumb: get('TERM') === 'dumb',
  });
}
