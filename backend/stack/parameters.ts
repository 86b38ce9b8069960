/** The stack's parameters. Defaults are the pipeline's own settings unless a comment says why not. */
import { CfnParameter, type CfnParameterProps, type Stack } from 'aws-cdk-lib';
import { SCHEDULE_RATES, TRIGGERS } from '../core/schedule.ts';
import { BATCH_STRATEGIES, CONTENT_TYPES, DEFAULT_SETTINGS } from '../core/settings.ts';

/** Days that CloudWatch Logs can keep a log (PutRetentionPolicy), from a week to two years. */
export const RETENTION_DAYS = [7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731] as const;

const text = (description: string, more: CfnParameterProps = {}) => ({
  type: 'String',
  description,
  ...more,
});
const oneOf = (values: readonly string[], value: string, description: string) =>
  text(description, { allowedValues: [...values], default: value });
const number = (minValue: number, maxValue: number, value: number, description: string) => ({
  type: 'Number',
  description: `${description} (${minValue} to ${maxValue})`,
  minValue,
  maxValue,
  default: value,
});

const {
  batchSize,
  invocationsMaxRetries,
  invocationsTimeoutSeconds,
  maxConcurrentTransforms,
  maxPayloadMb,
  maxTransformHours,
  maxTransformJobs,
  maxWaitHours,
} = DEFAULT_SETTINGS;

const PROPS = {
  ModelName: text('Name of the SageMaker model that the jobs run through', {
    // CreateModel, ModelName.
    allowedPattern: '^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$',
    constraintDescription: 'must be the name of a SageMaker model, not its ARN',
  }),
  ModelRoleArn: text("The model's execution role, if the bucket's policy is to let it read and write there", {
    default: '',
    allowedPattern: '^$|^arn:aws[a-z-]*:iam::\\d{12}:role/.+$',
    constraintDescription: "must be a role's ARN, or empty",
  }),
  ContentType: oneOf(CONTENT_TYPES, 'application/jsonlines', 'How records are sent to the model'),
  BatchStrategy: oneOf(
    BATCH_STRATEGIES,
    'MultiRecord',
    'Whether one request to the model carries many records or one; application/json always carries one',
  ),
  MaxPayloadMB: number(0, 100, maxPayloadMb, 'Largest request to the model in MB; 0 asks the container'),
  MaxConcurrentTransforms: number(
    0,
    100,
    maxConcurrentTransforms,
    'Requests in flight to each instance; 0 asks the container. Times MaxPayloadMB at most 100',
  ),
  InvocationsTimeoutSeconds: number(
    1,
    3600,
    invocationsTimeoutSeconds,
    'Seconds that the model may take for one request',
  ),
  InvocationsMaxRetries: number(0, 3, invocationsMaxRetries, 'Repeats of a request that the model failed'),

  TriggerType: oneOf(TRIGGERS, 's3', 's3 starts batches as they come, schedule at the end of each period'),
  ScheduleRate: oneOf(SCHEDULE_RATES, 'hour', 'Period of the schedule (UTC); only with TriggerType schedule'),
  KinesisBatchSize: number(1, 10_000, batchSize, 'Most jobs in one batch, the unit that fails as a whole'),
  // Starting an instance takes minutes: a minute's gathering costs little and saves transform jobs.
  KinesisMaximumBatchingWindowInSeconds: number(
    0,
    300,
    60,
    'Longest time in seconds that a job waits for its batch to fill',
  ),
  JobStreamShardCount: number(
    -1,
    500,
    0,
    'Shards of a stream that rings for new work; 0: no stream, a queue rings. -1: a stream on demand',
  ),

  InstanceType: text('Machine that a transform job runs on', {
    default: DEFAULT_SETTINGS.instanceType,
    allowedPattern: '^ml\\.[a-z0-9-]+\\.[a-z0-9-]+$',
    constraintDescription: 'must be a SageMaker instance type, such as ml.m5.large',
  }),
  InstanceCount: number(1, 100, DEFAULT_SETTINGS.instanceCount, 'Machines of one transform job'),
  MaxTransformJobs: number(1, 100, maxTransformJobs, 'Transform jobs that may run at a time'),
  MaxWaitHours: number(1, 168, maxWaitHours, 'Hours that a job may wait before it is started, then it fails'),
  MaxTransformHours: number(
    1,
    48,
    maxTransformHours,
    'Hours that one transform job may run, then it is stopped',
  ),

  ApiThrottleRate: number(1, 10_000, 100, 'API requests a second'),
  ApiThrottleBurst: number(1, 5_000, 200, 'API requests at once'),
  ApiDailyQuota: number(0, 100_000_000, 0, 'API requests a day; 0 sets no limit'),
  ApiLogging: oneOf(
    ['on', 'off'],
    'off',
    'Access log of the API; on needs the CloudWatch role in the API Gateway settings of the account',
  ),

  RetentionDays: {
    type: 'Number',
    description: 'Days that jobs, results and logs are kept; longer than the period of a schedule',
    allowedValues: RETENTION_DAYS.map(String),
    default: '30',
  },
  LogLevel: oneOf(['DEBUG', 'INFO', 'WARN', 'ERROR'], 'INFO', 'Log level of the Lambda functions'),
  TracingMode: oneOf(
    ['PassThrough', 'Active'],
    'PassThrough',
    'Active traces the Lambda functions with X-Ray',
  ),
  NoticeEmail: text('Where to send a mail when a submission is finished or an alarm rings; empty: nowhere', {
    default: '',
    allowedPattern: '^$|^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$',
    constraintDescription: 'must be an e-mail address, or empty',
  }),

  AssetsBucket: text('Bucket that holds the code of the Lambda functions, in the Region of the stack', {
    allowedPattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$',
    constraintDescription: "must be a bucket's name",
  }),
  AssetsPrefix: text('What the names of the code objects begin with', {
    default: 'batchml/',
    allowedPattern: '^([A-Za-z0-9._-]+/)*$',
    constraintDescription: 'must end with a slash, or be empty',
  }),
} satisfies Record<string, CfnParameterProps>;

export type ParameterName = keyof typeof PROPS;
export type Parameters = Readonly<Record<ParameterName, CfnParameter>>;

/** How the CloudFormation console shows them. */
const GROUPS: readonly (readonly [label: string, names: readonly ParameterName[]])[] = [
  [
    'Model',
    [
      'ModelName',
      'ModelRoleArn',
      'ContentType',
      'BatchStrategy',
      'MaxPayloadMB',
      'MaxConcurrentTransforms',
      'InvocationsTimeoutSeconds',
      'InvocationsMaxRetries',
    ],
  ],
  [
    'Batches',
    [
      'TriggerType',
      'ScheduleRate',
      'KinesisBatchSize',
      'KinesisMaximumBatchingWindowInSeconds',
      'JobStreamShardCount',
    ],
  ],
  [
    'Transform jobs',
    ['InstanceType', 'InstanceCount', 'MaxTransformJobs', 'MaxWaitHours', 'MaxTransformHours'],
  ],
  ['API', ['ApiThrottleRate', 'ApiThrottleBurst', 'ApiDailyQuota', 'ApiLogging']],
  ['Operation', ['RetentionDays', 'LogLevel', 'TracingMode', 'NoticeEmail']],
  ['Code (set by batchml deploy)', ['AssetsBucket', 'AssetsPrefix']],
];

/** Adds the parameters and their order. */
export function addParameters(stack: Stack): Parameters {
  const made = Object.fromEntries(
    Object.entries(PROPS).map(([name, props]) => [name, new CfnParameter(stack, name, props)]),
  ) as Record<ParameterName, CfnParameter>;
  stack.addMetadata('AWS::CloudFormation::Interface', {
    ParameterGroups: GROUPS.map(([label, names]) => ({ Label: { default: label }, Parameters: names })),
  });
  return made;
}
