/** The metrics that alarms and the dashboard look at: the functions' own and those of the services. */
import { Aws } from 'aws-cdk-lib';
import { STAGE_NAME } from './rest-api.ts';

/** A metric as CloudWatch names it. */
export interface Metric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** What the functions count. */
export type OwnMetric =
  | 'JobsAccepted'
  | 'JobsProcessed'
  | 'JobsFailed'
  | 'OldestWaitingJobSeconds'
  | 'TransformJobsStarted'
  | 'SplitRounds';

export const own = (name: OwnMetric): Metric => ({
  namespace: 'batchml',
  name,
  dimensions: { stack: Aws.STACK_NAME },
});

export const ofFunction = (
  FunctionName: string,
  name: 'Errors' | 'Duration' | 'Throttles' | 'IteratorAge',
) => ({
  namespace: 'AWS/Lambda',
  name,
  dimensions: { FunctionName },
});

export const ofQueue = (
  QueueName: string,
  name: 'ApproximateNumberOfMessagesVisible' | 'ApproximateAgeOfOldestMessage',
): Metric => ({ namespace: 'AWS/SQS', name, dimensions: { QueueName } });

/** By the API's name, which is the stack's. */
export const ofApi = (name: 'Count' | '4XXError' | '5XXError' | 'Latency'): Metric => ({
  namespace: 'AWS/ApiGateway',
  name,
  dimensions: { ApiName: Aws.STACK_NAME, Stage: STAGE_NAME },
});
