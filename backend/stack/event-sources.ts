/** What rings the functions: the stream, and a queue each. */
import type { Stack } from 'aws-cdk-lib';
import type { CfnStream } from 'aws-cdk-lib/aws-kinesis';
import { CfnEventSourceMapping, type CfnFunction } from 'aws-cdk-lib/aws-lambda';
import type { QueueName, Queues } from './queues.ts';

interface QueueSource {
  /** Messages of one invocation. */
  readonly batchSize: number;
  /** Invocations at once, 2 or more (Lambda, MaximumConcurrency). */
  readonly atOnce: number;
}

/** Few at once in all: an account may have as few as ten, and the API needs some of them. */
const QUEUE_SOURCES: Readonly<Record<QueueName, QueueSource>> = {
  // A step looks at all open work, whoever rang: one for many bells, and hardly ever two at once.
  Gather: { batchSize: 10, atOnce: 2 },
  Start: { batchSize: 10, atOnce: 2 },
  // One large object an invocation: three write all that a new table takes (4,000 rows a second).
  Results: { batchSize: 1, atOnce: 3 },
  // One transform job an invocation: a long settling keeps nobody else waiting.
  Settle: { batchSize: 1, atOnce: 3 },
};

export function addStreamSource(stack: Stack, stream: CfnStream, gather: CfnFunction, queues: Queues): void {
  new CfnEventSourceMapping(stack, 'StreamToGather', {
    eventSourceArn: stream.attrArn,
    functionName: gather.ref,
    // LATEST would lose the bells that come while the mapping is made.
    startingPosition: 'TRIM_HORIZON',
    batchSize: 1000,
    maximumBatchingWindowInSeconds: 1,
    parallelizationFactor: 1,
    // Endless by default: a bell that can't be answered would hold up those behind it.
    maximumRetryAttempts: 5,
    maximumRecordAgeInSeconds: 3600,
    bisectBatchOnFunctionError: true,
    functionResponseTypes: ['ReportBatchItemFailures'],
    destinationConfig: { onFailure: { destination: queues.streamDeadLetters.attrArn } },
  });
}

export function addQueueSource(stack: Stack, name: QueueName, queues: Queues, target: CfnFunction): void {
  const { batchSize, atOnce } = QUEUE_SOURCES[name];
  new CfnEventSourceMapping(stack, `${name}QueueSource`, {
    eventSourceArn: queues[name].queue.attrArn,
    functionName: target.ref,
    batchSize,
    scalingConfig: { maximumConcurrency: atOnce },
    functionResponseTypes: ['ReportBatchItemFailures'],
  });
}
