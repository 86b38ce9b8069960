/** The functions' environment, parsed once. */
import { z } from 'zod';
import { SCHEDULE_RATES, TRIGGERS, type Trigger, withSchedule } from '../core/schedule.ts';
import { CONTENT_TYPES, DEFAULT_SETTINGS, type Pin, type Settings } from '../core/settings.ts';

/** URLs of the queues that bells ring on. */
export interface QueueUrls {
  readonly gather: string;
  readonly start: string;
  readonly results: string;
  readonly settle: string;
}

export const LOG_LEVELS = ['DEBUG', 'INFO', 'WARN', 'ERROR'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface Config {
  readonly stack: string;
  readonly table: string;
  readonly bucket: string;
  /** Name of the stream that chunks' bells go to; undefined: there is none, they go to the gather queue. */
  readonly stream: string | undefined;
  readonly queues: QueueUrls;
  /** What SageMaker's names of this stack's transform jobs begin with. */
  readonly namePrefix: string;
  readonly trigger: Trigger;
  readonly retentionDays: number;
  readonly logLevel: LogLevel;
  /** Where messages that can't be read go at once; without it the queue's own redrive takes them there. */
  readonly deadLetters: string | undefined;
  /** What newly accepted work is pinned to; only the function that accepts it has one. */
  readonly pin: Pin | undefined;
}

/** The environment isn't what it must be; the message names every variable that is wrong. */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(`the environment is not complete: ${problems.join('; ')}`);
    this.name = 'ConfigError';
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

const text = z.string({ error: 'must be set' });
const url = z.url({ protocol: /^https?$/, error: 'must be the URL of a queue' });
const number = (least: number, most: number) =>
  z.coerce
    .number({ error: 'must be a number' })
    .min(least, `must be ${least} or more`)
    .max(most, `must be ${most} or less`);
const whole = (least: number, most = Number.MAX_SAFE_INTEGER) =>
  number(least, most).int('must be a whole number');

const common = {
  BATCHML_STACK: text,
  BATCHML_TABLE: text,
  BATCHML_BUCKET: text,
  BATCHML_STREAM: z.string().optional(),
  BATCHML_GATHER_QUEUE: url,
  BATCHML_START_QUEUE: url,
  BATCHML_RESULTS_QUEUE: url,
  BATCHML_SETTLE_QUEUE: url,
  // With `-` and 32 hex digits it must fit 63 characters (CreateTransformJob, TransformJobName).
  BATCHML_NAME_PREFIX: text.regex(
    /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,29}$/,
    'must be at most 30 letters, digits and inner hyphens',
  ),
  BATCHML_TRIGGER: z.enum(TRIGGERS, { error: `must be one of ${TRIGGERS.join(', ')}` }).default('s3'),
  BATCHML_SCHEDULE_RATE: z
    .enum(SCHEDULE_RATES, { error: `must be one of ${SCHEDULE_RATES.join(', ')}` })
    .optional(),
  BATCHML_RETENTION_DAYS: whole(1).default(30),
  BATCHML_LOG_LEVEL: z
    .string()
    .transform((level) => level.toUpperCase())
    .pipe(z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` }))
    .default('INFO'),
  BATCHML_DEAD_LETTERS: url.optional(),
};

const D = DEFAULT_SETTINGS;
/** Ranges are those of CreateTransformJob and of Settings. */
const pinned = {
  BATCHML_MODEL: text,
  BATCHML_CONTENT_TYPE: z
    .enum(CONTENT_TYPES, { error: `must be one of ${CONTENT_TYPES.join(', ')}` })
    .default('application/jsonlines'),
  BATCHML_BATCH_STRATEGY: z
    .enum(['MultiRecord', 'SingleRecord'], { error: 'must be MultiRecord or SingleRecord' })
    .default('MultiRecord'),
  BATCHML_MAX_PAYLOAD_MB: whole(0, 100).default(D.maxPayloadMb),
  BATCHML_MAX_CONCURRENT_TRANSFORMS: whole(0, 100).default(D.maxConcurrentTransforms),
  BATCHML_INSTANCE_TYPE: z.string().default(D.instanceType),
  BATCHML_INSTANCE_COUNT: whole(1, 100).default(D.instanceCount),
  BATCHML_MAX_TRANSFORM_JOBS: whole(1).default(D.maxTransformJobs),
  BATCHML_BATCH_SIZE: whole(1, 10_000).default(D.batchSize),
  BATCHML_BATCH_WINDOW_SECONDS: number(0, 300).default(D.batchWindowSeconds),
  BATCHML_MAX_WAIT_HOURS: number(0.01, 87_600).default(D.maxWaitHours),
  BATCHML_MAX_TRANSFORM_HOURS: number(0.01, 87_600).default(D.maxTransformHours),
  BATCHML_INVOCATIONS_TIMEOUT_SECONDS: whole(1, 3600).default(D.invocationsTimeoutSeconds),
  BATCHML_INVOCATIONS_MAX_RETRIES: whole(0, 3).default(D.invocationsMaxRetries),
  BATCHML_ISOLATION_BUDGET: whole(0).default(D.isolationBudget),
};

const commonSchema = z.object(common).superRefine((env, issues) => {
  if (env.BATCHML_TRIGGER === 'schedule' && env.BATCHML_SCHEDULE_RATE === undefined)
    issues.addIssue({
      code: 'custom',
      path: ['BATCHML_SCHEDULE_RATE'],
      message: 'must be set with the trigger schedule',
    });
});
const pinSchema = z.object(pinned).superRefine((env, issues) => {
  // CreateTransformJob, MaxPayloadInMB; 6 is what it is when left out.
  if (env.BATCHML_MAX_CONCURRENT_TRANSFORMS * (env.BATCHML_MAX_PAYLOAD_MB || 6) > 100)
    issues.addIssue({
      code: 'custom',
      path: ['BATCHML_MAX_CONCURRENT_TRANSFORMS'],
      message: 'times BATCHML_MAX_PAYLOAD_MB (6 when 0) must be 100 or less',
    });
});

/**
 * Reads the environment; empty variables count as absent.
 * @param accepts the function accepts work, so it must know what to pin it to
 * @throws ConfigError with all that is wrong
 */
export function readConfig(environment: Environment, accepts = false): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const env = commonSchema.safeParse(given);
  const pin = accepts || given['BATCHML_MODEL'] !== undefined ? pinSchema.safeParse(given) : undefined;
  if (!env.success || pin?.success === false) throw new ConfigError([env, pin].flatMap(problemsOf));
  const { data } = env;
  const rate = data.BATCHML_TRIGGER === 'schedule' ? data.BATCHML_SCHEDULE_RATE : undefined;
  const trigger: Trigger = rate === undefined ? 's3' : Object.freeze({ schedule: rate });
  return Object.freeze({
    stack: data.BATCHML_STACK,
    table: data.BATCHML_TABLE,
    bucket: data.BATCHML_BUCKET,
    stream: data.BATCHML_STREAM,
    queues: Object.freeze({
      gather: data.BATCHML_GATHER_QUEUE,
      start: data.BATCHML_START_QUEUE,
      results: data.BATCHML_RESULTS_QUEUE,
      settle: data.BATCHML_SETTLE_QUEUE,
    }),
    namePrefix: data.BATCHML_NAME_PREFIX,
    trigger,
    retentionDays: data.BATCHML_RETENTION_DAYS,
    logLevel: data.BATCHML_LOG_LEVEL,
    deadLetters: data.BATCHML_DEAD_LETTERS,
    pin: pin && pinOf(pin.data, trigger),
  });
}

function pinOf(env: z.infer<typeof pinSchema>, trigger: Trigger): Pin {
  const contentType = env.BATCHML_CONTENT_TYPE;
  const settings: Settings = {
    contentType,
    // One JSON text is one record.
    batchStrategy: contentType === 'application/json' ? 'SingleRecord' : env.BATCHML_BATCH_STRATEGY,
    maxPayloadMb: env.BATCHML_MAX_PAYLOAD_MB,
    maxConcurrentTransforms: env.BATCHML_MAX_CONCURRENT_TRANSFORMS,
    invocationsTimeoutSeconds: env.BATCHML_INVOCATIONS_TIMEOUT_SECONDS,
    invocationsMaxRetries: env.BATCHML_INVOCATIONS_MAX_RETRIES,
    batchSize: env.BATCHML_BATCH_SIZE,
    batchWindowSeconds: env.BATCHML_BATCH_WINDOW_SECONDS,
    maxTransformJobs: env.BATCHML_MAX_TRANSFORM_JOBS,
    maxWaitHours: env.BATCHML_MAX_WAIT_HOURS,
    maxTransformHours: env.BATCHML_MAX_TRANSFORM_HOURS,
    instanceType: env.BATCHML_INSTANCE_TYPE,
    instanceCount: env.BATCHML_INSTANCE_COUNT,
    isolationBudget: env.BATCHML_ISOLATION_BUDGET,
  };
  const timed = trigger === 's3' ? settings : withSchedule(settings, trigger.schedule);
  return Object.freeze({ model: env.BATCHML_MODEL, settings: Object.freeze(timed) });
}

function problemsOf(parsed: z.ZodSafeParseResult<unknown> | undefined): string[] {
  return parsed?.error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`) ?? [];
}
