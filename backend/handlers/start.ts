/** Starts what waits: one step an invocation, whoever rang. The schedule's bell starts also what waits for the schedule. */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { advance } from '../pipeline/advance.ts';
import { fromEnvironment, type Handler, invoked } from './lambda.ts';
import { errorFacts } from './log.ts';
import { failures, hear } from './messages.ts';
import type { Runtime } from './runtime.ts';

export function create(runtime: Runtime): Handler<SQSEvent, SQSBatchResponse> {
  const { trigger } = runtime.config;
  return invoked(runtime, async ({ Records }) => {
    const { bells, refused } = await hear(runtime, Records);
    if (bells.length === 0) return failures(refused);
    const kind = bells.some(({ bell }) => bell.kind === 'schedule') ? 'schedule' : 'start';
    try {
      await runtime.work((ports) => advance(ports, { kind }, { trigger }));
      runtime.log.info('started what waits', { bell: kind, bells: bells.length });
      return failures(refused);
    } catch (error) {
      runtime.log.error('starting failed', { bell: kind, ...errorFacts(error) });
      return failures([...refused, ...bells.flatMap(({ messages }) => messages)]);
    }
  });
}

export const handler = fromEnvironment(create);
