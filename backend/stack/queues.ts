/** Queues of bells, each with a dead-letter queue, and their policies. */
import type { Stack } from 'aws-cdk-lib';
import { CfnQueue } from 'aws-cdk-lib/aws-sqs';

/** How long bells of new chunks are gathered, from the stream or from the gather queue (event-sources.ts). */
export const BELL_WINDOW_SECONDS = 1;
/** Receives after which a message is a dead letter. */
const MAX_RECEIVES = 5;
/** The longest that SQS keeps a message (CreateQueue, MessageRetentionPeriod). */
const FORTNIGHT_SECONDS = 14 * 86_400;

export const QUEUE_NAMES = ['Gather', 'Start', 'Results', 'Settle'] as const;
export type QueueName = (typeof QUEUE_NAMES)[number];

export interface BellQueue {
  readonly queue: CfnQueue;
  readonly deadLetters: CfnQueue;
}
export type Queues = Readonly<Record<QueueName, BellQueue>> & {
  /** Records of the stream that gather gave up. There also without a stream: they outlive it, and it costs nothing. */
  readonly streamDeadLetters: CfnQueue;
};

/** @param timeouts seconds that the function behind each queue may take */
export function addQueues(stack: Stack, timeouts: Readonly<Record<QueueName, number>>): Queues {
  const made = QUEUE_NAMES.map((name) => {
    const deadLetters = addDeadLetters(stack, `${name}DeadLetters`);
    const queue = new CfnQueue(stack, `${name}Queue`, {
      // Six times the function's time-out and the batching window: what the Lambda guide asks for, so that throttled
      // invocations lose nothing.
      visibilityTimeout: 6 * timeouts[name] + (name === 'Gather' ? BELL_WINDOW_SECONDS : 0),
      sqsManagedSseEnabled: true,
      // Reconcile rings every minute: an older bell has no more to say.
      messageRetentionPeriod: 86_400,
      redrivePolicy: { deadLetterTargetArn: deadLetters.attrArn, maxReceiveCount: MAX_RECEIVES },
    });
    return [name, { queue, deadLetters }] as const;
  });
  return {
    ...(Object.fromEntries(made) as Record<QueueName, BellQueue>),
    streamDeadLetters: addDeadLetters(stack, 'StreamDeadLetters'),
  };
}

function addDeadLetters(stack: Stack, id: string): CfnQueue {
  return new CfnQueue(stack, id, {
    messageRetentionPeriod: FORTNIGHT_SECONDS,
    sqsManagedSseEnabled: true,
  });
}
