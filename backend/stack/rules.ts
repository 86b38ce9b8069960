/** EventBridge: ends of transform jobs, the schedule, reconcile, and notices of finished submissions. */
import { Aws, Fn, type Stack } from 'aws-cdk-lib';
import { CfnRule } from 'aws-cdk-lib/aws-events';
import { CfnEventInvokeConfig, type CfnFunction, CfnPermission } from 'aws-cdk-lib/aws-lambda';
import type { CfnTopic } from 'aws-cdk-lib/aws-sns';
import { SCHEMA_VERSION } from '../core/schema-version.ts';
import type { Choices } from './conditions.ts';
import { NAME_PREFIX } from './names.ts';
import type { BellQueue, Queues } from './queues.ts';

/** The event as a sentence, as people read it. */
const NOTICE_TEXT = {
  inputPathsMap: {
    id: '$.detail.submissionId',
    stack: '$.detail.stack',
    total: '$.detail.total',
    processed: '$.detail.counts.Processed',
    failed: '$.detail.counts.Failed',
    cancelled: '$.detail.counts.Cancelled',
  },
  inputTemplate:
    '"Submission <id> of <stack> is finished: <total> jobs, <processed> processed, <failed> failed, <cancelled> cancelled."',
};

export interface Rules {
  readonly transformEnded: CfnRule;
  readonly schedule: CfnRule;
}

export function addRules(
  stack: Stack,
  queues: Queues,
  reconcile: CfnFunction,
  topic: CfnTopic,
  choices: Choices,
): Rules {
  const transformEnded = new CfnRule(stack, 'TransformEndedRule', {
    description: 'batchml: a transform job of this stack has ended',
    state: 'ENABLED',
    eventPattern: {
      source: ['aws.sagemaker'],
      'detail-type': ['SageMaker Transform Job State Change'],
      detail: {
        TransformJobName: [{ prefix: `${NAME_PREFIX}-` }],
        TransformJobStatus: ['Completed', 'Failed', 'Stopped'],
      },
    },
    targets: [{ id: 'Settle', ...into(queues.Settle) }],
  });
  const bell = JSON.stringify({ v: SCHEMA_VERSION, kind: 'schedule' });
  const schedule = new CfnRule(stack, 'ScheduleRule', {
    description: 'batchml: starts what waits, with TriggerType schedule',
    state: Fn.conditionIf(choices.scheduled.logicalId, 'ENABLED', 'DISABLED').toString(),
    scheduleExpression: choices.scheduleExpression,
    targets: [{ id: 'Start', input: bell, ...into(queues.Start) }],
  });
  addReconcileRule(stack, reconcile);
  addNoticeRule(stack, topic, choices);
  return { transformEnded, schedule };
}

/** A queue as a target. What can't be delivered to it goes to its dead letters. */
const into = ({ queue, deadLetters }: BellQueue) => ({
  arn: queue.attrArn,
  deadLetterConfig: { arn: deadLetters.attrArn },
});

/** Every minute; one that failed is not repeated, as the next comes. */
function addReconcileRule(stack: Stack, reconcile: CfnFunction): void {
  const rule = new CfnRule(stack, 'ReconcileRule', {
    description: 'batchml: rings for everything that is open',
    state: 'ENABLED',
    scheduleExpression: 'rate(1 minute)',
    targets: [
      {
        id: 'Reconcile',
        arn: reconcile.attrArn,
        retryPolicy: { maximumEventAgeInSeconds: 60, maximumRetryAttempts: 0 },
      },
    ],
  });
  new CfnPermission(stack, 'ReconcileMayBeInvoked', {
    action: 'lambda:InvokeFunction',
    functionName: reconcile.ref,
    principal: 'events.amazonaws.com',
    sourceArn: rule.attrArn,
  });
  new CfnEventInvokeConfig(stack, 'ReconcileInvocations', {
    functionName: reconcile.ref,
    qualifier: '$LATEST',
    maximumEventAgeInSeconds: 60,
    maximumRetryAttempts: 0,
  });
}

function addNoticeRule(stack: Stack, topic: CfnTopic, { notices }: Choices): void {
  new CfnRule(stack, 'NoticeRule', {
    description: 'batchml: a submission is finished',
    state: Fn.conditionIf(notices.logicalId, 'ENABLED', 'DISABLED').toString(),
    eventPattern: {
      source: ['batchml'],
      'detail-type': ['Submission Finished'],
      detail: { stack: [Aws.STACK_NAME] },
    },
    targets: [{ id: 'Topic', arn: topic.ref, inputTransformer: NOTICE_TEXT }],
  });
}
