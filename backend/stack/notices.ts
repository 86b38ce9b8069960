/** The topic that finished submissions and alarms are published to, and who hears of them. */
import { Aws, type Stack } from 'aws-cdk-lib';
import { CfnSubscription, CfnTopic, CfnTopicPolicy } from 'aws-cdk-lib/aws-sns';
import type { Choices } from './conditions.ts';
import { localArn } from './names.ts';
import type { Parameters } from './parameters.ts';
import { allow, allowService, denyPlainHttp, policy } from './policy.ts';

export function addTopic(stack: Stack, parameters: Parameters, { notices }: Choices): CfnTopic {
  const topic = new CfnTopic(stack, 'NoticeTopic', { displayName: `batchml ${Aws.STACK_NAME}` });
  new CfnTopicPolicy(stack, 'NoticeTopicPolicy', {
    topics: [topic.ref],
    policyDocument: policy([
      denyPlainHttp('sns:Publish', [topic.ref]),
      // Without a condition: EventBridge gives none to go by when it publishes (EventBridge, Amazon SNS permissions).
      {
        ...allow('SubmissionsFinished', ['sns:Publish'], [topic.ref]),
        Principal: { Service: 'events.amazonaws.com' },
      },
      allowService('Alarms', 'cloudwatch.amazonaws.com', 'sns:Publish', topic.ref, [
        localArn('cloudwatch', 'alarm:*'),
      ]),
    ]),
  });
  const subscription = new CfnSubscription(stack, 'NoticeSubscription', {
    topicArn: topic.ref,
    protocol: 'email',
    endpoint: parameters.NoticeEmail.valueAsString,
  });
  subscription.cfnOptions.condition = notices;
  return topic;
}
