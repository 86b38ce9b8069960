/** Alarms: each says that somebody must look. All are published to the notices' topic. */
import { Fn, type Stack } from 'aws-cdk-lib';
import { CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import type { CfnTopic } from 'aws-cdk-lib/aws-sns';
import type { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import type { Choices } from './conditions.ts';
import { HANDLERS, type Handler, SHAPES } from './functions.ts';
import { type Metric, ofApi, ofFunction, ofQueue, own } from './metrics.ts';
import { QUEUE_NAMES, type Queues } from './queues.ts';

interface AlarmShape {
  readonly says: string;
  readonly metric: Metric;
  readonly statistic: 'Sum' | 'Maximum';
  /** Rings at this value or above. @default 1 */
  readonly threshold?: number;
  /** How many periods of five minutes in a row. @default 1 */
  readonly periods?: number;
}

const PERIOD_SECONDS = 300;
/** A stream's bells are answered within seconds; reconcile makes good what was missed after a minute. */
const ITERATOR_AGE_MS = 10 * 60_000;
/** Without a schedule. */
const OLDEST_WAITING_SECONDS = 4 * 3600;

export function addAlarms(
  stack: Stack,
  functions: Readonly<Record<Handler, CfnFunction>>,
  queues: Queues,
  topic: CfnTopic,
  { scheduled, oldestWaitingSeconds, stream }: Choices,
): void {
  const add = (id: string, shape: AlarmShape): CfnAlarm => {
    const { says, metric, statistic, threshold = 1, periods = 1 } = shape;
    return new CfnAlarm(stack, `${id}Alarm`, {
      alarmDescription: `batchml: ${says}`,
      namespace: metric.namespace,
      metricName: metric.name,
      dimensions: Object.entries(metric.dimensions).map(([name, value]) => ({ name, value })),
      statistic,
      period: PERIOD_SECONDS,
      evaluationPeriods: periods,
      threshold,
      comparisonOperator: 'GreaterThanOrEqualToThreshold',
      treatMissingData: 'notBreaching',
      alarmActions: [topic.ref],
      okActions: [topic.ref],
    });
  };
  const addDeadLetters = (name: string, { node, attrQueueName }: CfnQueue) =>
    add(`${name}DeadLetters`, {
      says: `messages that could not be handled are in ${node.id}`,
      metric: ofQueue(attrQueueName, 'ApproximateNumberOfMessagesVisible'),
      statistic: 'Maximum',
    });

  for (const name of QUEUE_NAMES) addDeadLetters(name, queues[name].deadLetters);
  for (const handler of HANDLERS)
    add(`${SHAPES[handler].id}Errors`, {
      says: `the function ${handler} failed`,
      metric: ofFunction(functions[handler].ref, 'Errors'),
      statistic: 'Sum',
    });
  add('ApiServerErrors', {
    says: 'the API answered with errors of its own (5xx)',
    metric: ofApi('5XXError'),
    statistic: 'Sum',
  });
  add('FailedJobs', {
    says: 'jobs failed: batchml results --failed says why',
    metric: own('JobsFailed'),
    statistic: 'Sum',
  });
  add('OldestWaiting', {
    says: 'the oldest job has waited longer than it should',
    metric: own('OldestWaitingJobSeconds'),
    statistic: 'Maximum',
    threshold: Fn.conditionIf(
      scheduled.logicalId,
      oldestWaitingSeconds,
      OLDEST_WAITING_SECONDS,
    ) as unknown as number,
    periods: 3,
  });
  const ofStream = [
    addDeadLetters('Stream', queues.streamDeadLetters),
    add('IteratorAge', {
      says: 'gather is behind the stream',
      metric: ofFunction(functions.gather.ref, 'IteratorAge'),
      statistic: 'Maximum',
      threshold: ITERATOR_AGE_MS,
    }),
  ];
  for (const alarm of ofStream) alarm.cfnOptions.condition = stream;
}
