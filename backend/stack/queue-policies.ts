/** Who may send to the queues, beside the functions' own roles: the bucket, and each rule to its target. */
import { Aws, Stack } from 'aws-cdk-lib';
import { type CfnQueue, CfnQueuePolicy } from 'aws-cdk-lib/aws-sqs';
import { BUCKET_ARN } from './bucket.ts';
import { allowService, denyPlainHttp, policy, type Statement } from './policy.ts';
import type { Queues } from './queues.ts';
import type { Rules } from './rules.ts';

/** @returns the policy of the results queue: S3 refuses a notification to a queue that it may not send to */
export function addQueuePolicies(queues: Queues, { transformEnded, schedule }: Rules): CfnQueuePolicy {
  const { Gather, Start, Results, Settle, streamDeadLetters } = queues;
  for (const queue of [Gather.queue, Gather.deadLetters, Results.deadLetters, streamDeadLetters])
    addPolicy(queue, []);
  for (const [{ queue, deadLetters }, rule] of [
    [Start, schedule],
    [Settle, transformEnded],
  ] as const)
    for (const target of [queue, deadLetters])
      addPolicy(target, [
        allowService('Rule', 'events.amazonaws.com', 'sqs:SendMessage', target.attrArn, [rule.attrArn]),
      ]);
  const { Condition, ...bucketSends } = allowService(
    'Bucket',
    's3.amazonaws.com',
    'sqs:SendMessage',
    Results.queue.attrArn,
    [BUCKET_ARN],
  );
  // A bucket's ARN tells no account, and its name could be another's once it is deleted.
  const account = { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } };
  return addPolicy(Results.queue, [{ ...bucketSends, Condition: { ...Condition, ...account } }]);
}

function addPolicy(queue: CfnQueue, statements: readonly Statement[]): CfnQueuePolicy {
  return new CfnQueuePolicy(Stack.of(queue), `${queue.node.id}Policy`, {
    queues: [queue.ref],
    policyDocument: policy([denyPlainHttp('sqs:*', [queue.attrArn]), ...statements]),
  });
}
