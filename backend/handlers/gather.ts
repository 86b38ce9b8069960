/** Gathers: one step an invocation, whatever rang: records of the stream, or messages of the queue. */
import type { KinesisStreamEvent, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { chunkOf } from '../aws/events.ts';
import { gather } from '../pipeline/gather.ts';
import { fromEnvironment, type Handler, invoked } from './lambda.ts';
import { errorFacts } from './log.ts';
import { failures, type Heard, hear } from './messages.ts';
import type { Runtime } from './runtime.ts';
import { type HeardStream, hearStream } from './stream.ts';

type Event = KinesisStreamEvent | SQSEvent;
const isStream = (event: Event): event is KinesisStreamEvent => 'kinesis' in (event.Records[0] ?? {});

export function create(runtime: Runtime): Handler<Event, SQSBatchResponse> {
  return invoked(runtime, async (event) => {
    const { chunks, rung, refused } = isStream(event)
      ? await hearStream(runtime, event.Records)
      : queueHeard(await hear(runtime, event.Records));
    if (rung.length === 0) return failures(refused);
    try {
      await runtime.work((ports) => gather(ports, chunks));
      runtime.log.info('gathered', { bells: rung.length });
      return failures(refused);
    } catch (error) {
      runtime.log.error('gathering failed', errorFacts(error));
      return failures([...refused, ...rung]);
    }
  });
}

/** Without a stream these name the chunks: the index may not show them yet. */
const queueHeard = ({ bells, refused }: Heard): HeardStream => ({
  chunks: bells.flatMap(({ bell }) => chunkOf(bell) ?? []),
  rung: bells.flatMap(({ messages }) => messages),
  refused,
});

export const handler = fromEnvironment(create);
