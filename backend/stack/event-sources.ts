/** What rings the functions: a queue each, and the stream where there is one. */
import { Fn, type Stack } from 'aws-cdk-lib';
import type { CfnStream } from 'aws-cdk-lib/aws-kinesis';
import { CfnEventSourceMapping, type CfnFunction } from 'aws-cdk-lib/aws-lambda';
import type { Choices } from './conditions.ts';
import { BELL_WINDOW_SECONDS, type QueueName, type Queues } from './queues.ts';

interface QueueSource {
  /** Messages of one invocation. */
  readonly batchSize: number;
  /** Invocations at once, 2 or more (Lambda, MaximumConcurrency). */
  readonly atOnce: number;
}

/** Few at once in all: an account may have as few as ten, and the API needs some of them. */
const QUEUE_SOURCES: Readonly<Record<QueueName, QueueSource>> = {
  // A step looks at all open work, whoever rang: one for many bells, and hardly ever two at once. Without a stream it is
  // heard as `CHUNK_BELLS` says.
  Gather: { batchSize: 10, atOnce: 2 },
  Start: { batchSize: 10, atOnce: 2 },
  // One large object an invocation: three write all that a new table takes (4,000 rows a second).
  Results: { batchSize: 1, atOnce: 3 },
  // One transform job an invocation: a long settling keeps nobody else waiting.
  Settle: { batchSize: 1, atOnce: 3 },
};

/**
 * Without a stream the gather queue takes a bell for each chunk: a thousand a second where each record comes by a request of
 * its own. In tens, at two at once, they would pile up to be heard for hours, each ten by a step that looks at all open work.
 *
 * The window is short: it only has to be there, as a batch over 10 asks for one of a second or more, and at such a rate a
 * second gathers a thousand bells. What waits longer for company waits in the table, by the setting of its own submission.
 * Where next to nothing comes, Lambda may wait 20 s for any window (Lambda guide, Amazon SQS event sources): a transform job's
 * start takes minutes. The batch is as large as it may be, so that what has piled up is gone in few steps.
 */
const CHUNK_BELLS = { batchSize: 10_000, windowSeconds: BELL_WINDOW_SECONDS };

export function addStreamSource(
  stack: Stack,
  stream: CfnStream,
  gather: CfnFunction,
  queues: Queues,
  choices: Choices,
): void {
  const source = new CfnEventSourceMapping(stack, 'StreamToGather', {
    eventSourceArn: stream.attrArn,
    functionName: gather.ref,
    // LATEST would lose the bells that come while the mapping is made.
    startingPosition: 'TRIM_HORIZON',
    batchSize: 1000,
    maximumBatchingWindowInSeconds: BELL_WINDOW_SECONDS,
    parallelizationFactor: 1,
    // Endless by default: a bell that can't be answered would hold up those behind it.
    maximumRetryAttempts: 5,
    maximumRecordAgeInSeconds: 3600,
    bisectBatchOnFunctionError: true,
    functionResponseTypes: ['ReportBatchItemFailures'],
    destinationConfig: { onFailure: { destination: queues.streamDeadLetters.attrArn } },
  });
  source.cfnOptions.condition = choices.stream;
}

export function addQueueSource(
  stack: Stack,
  name: QueueName,
  queues: Queues,
  target: CfnFunction,
  choices: Choices,
): void {
  const { batchSize, atOnce } = QUEUE_SOURCES[name];
  const unlessStream = (chunkBells: number, otherwise: number) =>
    name === 'Gather'
      ? (Fn.conditionIf(choices.stream.logicalId, otherwise, chunkBells) as unknown as number)
      : otherwise;
  new CfnEventSourceMapping(stack, `${name}QueueSource`, {
    eventSourceArn: queues[name].queue.attrArn,
    functionName: target.ref,
    batchSize: unlessStream(CHUNK_BELLS.batchSize, batchSize),
    maximumBatchingWindowInSeconds: unlessStream(CHUNK_BELLS.windowSeconds, 0),
    scalingConfig: { maximumConcurrency: atOnce },
    functionResponseTypes: ['ReportBatchItemFailures'],
  });
}
