/** Settles: a transform job has ended, or a batch, a transform job or a submission has a next step. One bell at a time. */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { advance } from '../pipeline/advance.ts';
import { fromEnvironment, type Handler, invoked } from './lambda.ts';
import { answerEach } from './messages.ts';
import type { Runtime } from './runtime.ts';

export function create(runtime: Runtime): Handler<SQSEvent, SQSBatchResponse> {
  const { trigger } = runtime.config;
  return invoked(runtime, ({ Records }, context) =>
    answerEach(runtime, Records, context, 1, (ports, bell) => advance(ports, bell, { trigger })),
  );
}

export const handler = fromEnvironment(create);
