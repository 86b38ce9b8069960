/** The stack's settings: which option sets which parameter of the template. A test compares it with the template. */
import { BATCH_STRATEGIES, CONTENT_TYPES, SCHEDULE_RATES, TRIGGERS } from '@batchml/backend/words';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { numberIn } from '../commands/options/shared.ts';
import { usageError } from '../errors.ts';

interface Setting {
  /** Parameter of the template. */
  readonly parameter: string;
  readonly flags: string;
  readonly description: string;
  readonly range?: { readonly min: number; readonly max: number };
  readonly choices?: readonly string[];
  /** Values of the option that the parameter calls otherwise. */
  readonly words?: Readonly<Record<string, string>>;
  readonly pattern?: { readonly is: RegExp; readonly must: string };
}

const ON_OFF = ['on', 'off'];
const RETENTION_DAYS = [7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731].map(String);

export const SETTINGS: readonly Setting[] = [
  {
    parameter: 'ContentType',
    flags: '--content-type <type>',
    description: 'Content-Type sent to the model (at first application/jsonlines)',
    choices: CONTENT_TYPES,
  },
  {
    parameter: 'BatchStrategy',
    flags: '--batch-strategy <strategy>',
    description: 'many records a request or one (at first MultiRecord)',
    choices: BATCH_STRATEGIES,
  },
  {
    parameter: 'MaxPayloadMB',
    flags: '--max-payload-mb <mb>',
    description: 'most MB a request; 0 asks the container (at first 0)',
    range: { min: 0, max: 100 },
  },
  {
    parameter: 'MaxConcurrentTransforms',
    flags: '--max-concurrent-transforms <n>',
    description: 'requests at a time to an instance; 0 asks the container (at first 0)',
    range: { min: 0, max: 100 },
  },
  {
    parameter: 'InvocationsTimeoutSeconds',
    flags: '--invocations-timeout <s>',
    description: 'longest request (at first 600)',
    range: { min: 1, max: 3600 },
  },
  {
    parameter: 'InvocationsMaxRetries',
    flags: '--invocations-max-retries <n>',
    description: 'repeats of a failed request (at first 0)',
    range: { min: 0, max: 3 },
  },
  {
    parameter: 'TriggerType',
    flags: '--trigger <what>',
    description: 'starts batches: s3 as they come, schedule at the end of each period (at first s3)',
    choices: TRIGGERS,
  },
  {
    parameter: 'ScheduleRate',
    flags: '--schedule-rate <period>',
    description: 'with --trigger schedule: every full minute, hour, ... in UTC (at first hour)',
    choices: SCHEDULE_RATES,
  },
  {
    parameter: 'KinesisBatchSize',
    flags: '--batch-size <n>',
    description: 'most jobs a batch (at first 5000)',
    range: { min: 1, max: 10_000 },
  },
  {
    parameter: 'KinesisMaximumBatchingWindowInSeconds',
    flags: '--batch-window <s>',
    description: 'longest wait for a batch to fill (at first 60)',
    range: { min: 0, max: 300 },
  },
  {
    parameter: 'JobStreamShardCount',
    flags: '--shard-count <n>',
    description: 'shards of a stream that rings for new work, or on-demand; 0: no stream (at first 0)',
    range: { min: 0, max: 500 },
    words: { 'on-demand': '-1' },
  },
  {
    parameter: 'InstanceType',
    flags: '--instance-type <type>',
    description: 'machine of a transform job (at first ml.m5.large)',
    pattern: {
      is: /^ml\.[a-z0-9-]+\.[a-z0-9-]+$/,
      must: 'It must be a SageMaker instance type, such as ml.m5.large.',
    },
  },
  {
    parameter: 'InstanceCount',
    flags: '--instance-count <n>',
    description: 'machines of one transform job (at first 1)',
    range: { min: 1, max: 100 },
  },
  {
    parameter: 'MaxTransformJobs',
    flags: '--max-transform-jobs <n>',
    description: 'transform jobs at a time (at first 2)',
    range: { min: 1, max: 100 },
  },
  {
    parameter: 'MaxWaitHours',
    flags: '--max-wait-hours <h>',
    description: 'longest wait of an accepted job to be started (at first 24)',
    range: { min: 1, max: 168 },
  },
  {
    parameter: 'MaxTransformHours',
    flags: '--max-transform-hours <h>',
    description: 'longest run of one transform job (at first 24)',
    range: { min: 1, max: 48 },
  },
  {
    parameter: 'ApiThrottleRate',
    flags: '--throttle-rate <n>',
    description: 'API requests a second (at first 100)',
    range: { min: 1, max: 10_000 },
  },
  {
    parameter: 'ApiThrottleBurst',
    flags: '--throttle-burst <n>',
    description: 'API requests at once (at first 200)',
    range: { min: 1, max: 5_000 },
  },
  {
    parameter: 'ApiDailyQuota',
    flags: '--daily-quota <n>',
    description: 'API requests a day; 0 sets no limit (at first 0)',
    range: { min: 0, max: 100_000_000 },
  },
  {
    parameter: 'ApiLogging',
    flags: '--api-logging <switch>',
    description: 'access log of the API (at first off)',
    choices: ON_OFF,
  },
  {
    parameter: 'RetentionDays',
    flags: '--retention-days <days>',
    description: 'how long jobs, results and logs are kept (at first 30)',
    choices: RETENTION_DAYS,
  },
  {
    parameter: 'LogLevel',
    flags: '--log-level <level>',
    description: 'of the functions (at first INFO)',
    choices: ['DEBUG', 'INFO', 'WARN', 'ERROR'],
  },
  {
    parameter: 'TracingMode',
    flags: '--tracing <switch>',
    description: 'traces of the functions, by X-Ray (at first off)',
    choices: ON_OFF,
    words: { on: 'Active', off: 'PassThrough' },
  },
  {
    parameter: 'NoticeEmail',
    flags: '--notice-email <address>',
    description: 'mails of finished submissions and alarms; none stops them',
    words: { none: '' },
    pattern: { is: /^(none|[^@\s]+@[^@\s]+\.[^@\s]+)$/, must: 'It must be an e-mail address, or none.' },
  },
];

/** Parameters that are not settings: `deploy` finds their values. */
export const OWN_PARAMETERS = ['ModelName', 'ModelRoleArn', 'AssetsBucket', 'AssetsPrefix'] as const;

function optionOf({ flags, description, range, choices, words = {}, pattern }: Setting): Option {
  const option = new Option(flags, description);
  if (range !== undefined) {
    const number = numberIn({ ...range, or: Object.keys(words) });
    return option.argParser((text: string) => (Object.hasOwn(words, text) ? text : number(text)));
  }
  if (choices !== undefined) return option.choices(choices);
  return option.argParser((text: string) => {
    if (pattern !== undefined && !pattern.is.test(text)) throw new InvalidArgumentError(pattern.must);
    return text;
  });
}

export function addStackSettings(command: Command): void {
  for (const setting of SETTINGS) command.addOption(optionOf(setting));
}

/** The name of a parameter's option: `--batch-size`. */
export function flagOf(parameter: string): string {
  if (parameter === 'ModelName') return '--model';
  return SETTINGS.find((setting) => setting.parameter === parameter)?.flags.split(' ')[0] ?? parameter;
}

/** Values of parameters, from the options that were given. */
export function givenParameters(options: Readonly<Record<string, unknown>>): Record<string, string> {
  const given: Record<string, string> = {};
  for (const setting of SETTINGS) {
    const value = options[optionOf(setting).attributeName()];
    if (value !== undefined) given[setting.parameter] = setting.words?.[String(value)] ?? String(value);
  }
  return given;
}

/** What holds after the deployment: given, else previous, else the template's default. */
export function effectiveParameters(
  given: Readonly<Record<string, string>>,
  previous: Readonly<Record<string, string>>,
  parameters: Readonly<Record<string, { readonly Default?: string | number }>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).flatMap(([name, { Default }]) => {
      const value = given[name] ?? previous[name] ?? Default;
      return value === undefined ? [] : [[name, String(value)]];
    }),
  );
}

export interface ChangeSetParameter {
  readonly ParameterKey: string;
  readonly ParameterValue?: string;
  readonly UsePreviousValue?: boolean;
}

/**
 * Parameters of a change set. What isn't given keeps its previous value; what the previous template didn't have, and a
 * new stack, takes the default.
 */
export function changeSetParameters(
  given: Readonly<Record<string, string>>,
  previous: Readonly<Record<string, string>>,
  names: readonly string[],
): ChangeSetParameter[] {
  return names.flatMap((name): ChangeSetParameter[] => {
    const value = given[name];
    if (value !== undefined) return [{ ParameterKey: name, ParameterValue: value }];
    return name in previous ? [{ ParameterKey: name, UsePreviousValue: true }] : [];
  });
}

/**
 * Settings that don't go together, before anything is asked of AWS.
 * @param previous values of a stack that is updated
 */
export function checkSettings(
  given: Readonly<Record<string, string>>,
  effective: Readonly<Record<string, string>>,
  previous: Readonly<Record<string, string>>,
): void {
  checkShards(Number(previous['JobStreamShardCount'] ?? 0), Number(effective['JobStreamShardCount'] ?? 0));
  const payload = Number(effective['MaxPayloadMB'] ?? 0);
  const concurrent = Number(effective['MaxConcurrentTransforms'] ?? 0);
  // CreateTransformJob, MaxPayloadInMB.
  if (payload * concurrent > 100)
    throw usageError(
      `--max-payload-mb ${payload} times --max-concurrent-transforms ${concurrent} is over 100`,
      {
        why: 'SageMaker holds that much for an instance at a time',
        next: ['lower one of them'],
      },
    );
  if (given['ScheduleRate'] !== undefined && effective['TriggerType'] !== 'schedule')
    throw usageError('--schedule-rate is for --trigger schedule alone', {
      next: [`--trigger schedule --schedule-rate ${given['ScheduleRate']}`],
    });
}

/** Shards at most double and at least halve in one update (UpdateShardCount). From none or on demand they may be any. */
function checkShards(before: number, after: number): void {
  if (before <= 0 || after <= 0 || (after <= 2 * before && after >= before / 2)) return;
  throw usageError(`--shard-count ${after} is too far from ${before}`, {
    why: 'Kinesis at most doubles and at least halves the shards of a stream at a time',
    next: [
      `--shard-count ${after > before ? 2 * before : Math.ceil(before / 2)}, and further in the next deployment`,
      '--shard-count 0 and then what you want: no work is lost without a stream',
    ],
  });
}
