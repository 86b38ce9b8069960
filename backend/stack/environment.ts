/** Environment variables of the functions; `backend/aws/config.ts` reads them. */
import { Aws, Fn } from 'aws-cdk-lib';
import type { CfnTable } from 'aws-cdk-lib/aws-dynamodb';
import type { CfnStream } from 'aws-cdk-lib/aws-kinesis';
import type { CfnBucket } from 'aws-cdk-lib/aws-s3';
import type { Choices } from './conditions.ts';
import { NAME_PREFIX } from './names.ts';
import type { ParameterName } from './parameters.ts';
import { QUEUE_NAMES, type QueueName, type Queues } from './queues.ts';

export interface Stores {
  readonly table: CfnTable;
  readonly bucket: CfnBucket;
  /** There only under its condition. */
  readonly stream: CfnStream;
  readonly queues: Queues;
}

/** What new work is pinned to: only the API accepts work, the others go by what was pinned. */
const PIN: Readonly<Record<string, ParameterName>> = {
  BATCHML_MODEL: 'ModelName',
  BATCHML_CONTENT_TYPE: 'ContentType',
  BATCHML_BATCH_STRATEGY: 'BatchStrategy',
  BATCHML_MAX_PAYLOAD_MB: 'MaxPayloadMB',
  BATCHML_MAX_CONCURRENT_TRANSFORMS: 'MaxConcurrentTransforms',
  BATCHML_INSTANCE_TYPE: 'InstanceType',
  BATCHML_INSTANCE_COUNT: 'InstanceCount',
  BATCHML_MAX_TRANSFORM_JOBS: 'MaxTransformJobs',
  BATCHML_BATCH_SIZE: 'KinesisBatchSize',
  BATCHML_BATCH_WINDOW_SECONDS: 'KinesisMaximumBatchingWindowInSeconds',
  BATCHML_MAX_WAIT_HOURS: 'MaxWaitHours',
  BATCHML_MAX_TRANSFORM_HOURS: 'MaxTransformHours',
  BATCHML_INVOCATIONS_TIMEOUT_SECONDS: 'InvocationsTimeoutSeconds',
  BATCHML_INVOCATIONS_MAX_RETRIES: 'InvocationsMaxRetries',
};

const refs = (names: Readonly<Record<string, ParameterName>>) =>
  Object.fromEntries(Object.entries(names).map(([variable, name]) => [variable, Fn.ref(name)]));

/** Where things are and how the pipeline runs; the same for all. */
export function commonVariables(
  { table, bucket, stream, queues }: Stores,
  choices: Choices,
): Record<string, string> {
  return {
    BATCHML_TABLE: table.ref,
    BATCHML_BUCKET: bucket.ref,
    BATCHML_STREAM: Fn.conditionIf(choices.stream.logicalId, stream.ref, Aws.NO_VALUE).toString(),
    ...Object.fromEntries(
      QUEUE_NAMES.map((name) => [`BATCHML_${name.toUpperCase()}_QUEUE`, queues[name].queue.ref]),
    ),
    BATCHML_NAME_PREFIX: NAME_PREFIX,
    BATCHML_STACK: Aws.STACK_NAME,
    ...refs({
      BATCHML_TRIGGER: 'TriggerType',
      BATCHML_SCHEDULE_RATE: 'ScheduleRate',
      BATCHML_RETENTION_DAYS: 'RetentionDays',
      BATCHML_LOG_LEVEL: 'LogLevel',
    }),
  };
}

/** Where a function puts messages that it can't read. */
export const deadLettersVariable = ({ queues }: Stores, name: QueueName): Record<string, string> => ({
  BATCHML_DEAD_LETTERS: queues[name].deadLetters.ref,
});

export const pinVariables = (): Record<string, string> => refs(PIN);
