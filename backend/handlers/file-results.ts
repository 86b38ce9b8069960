/** Files outputs: S3 tells of new objects under `result/`, reconcile of those that were filed in part. */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { advance } from '../pipeline/advance.ts';
import { fromEnvironment, type Handler, invoked } from './lambda.ts';
import { answerEach } from './messages.ts';
import type { Runtime } from './runtime.ts';

/** Outputs filed at a time: each is held whole in memory. */
const AT_A_TIME = 2;

export function create(runtime: Runtime): Handler<SQSEvent, SQSBatchResponse> {
  return invoked(runtime, ({ Records }, context) =>
    answerEach(runtime, Records, context, AT_A_TIME, (ports, bell) => advance(ports, bell)),
  );
}

export const handler = fromEnvironment(create);
