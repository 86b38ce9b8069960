/** What every handler has around it. */
import type { Context } from 'aws-lambda';
import { errorFacts } from './log.ts';
import { type Runtime, runtimeFromEnvironment } from './runtime.ts';

/** What of Lambda's context is used. */
export type Invocation = Pick<Context, 'awsRequestId' | 'getRemainingTimeInMillis'>;
export type Handler<Event, Answer> = (event: Event, context: Invocation) => Promise<Answer>;

/** Logs what an invocation throws, and publishes what it counted. */
export function invoked<Event, Answer>(
  { log, meter }: Runtime,
  act: Handler<Event, Answer>,
): Handler<Event, Answer> {
  return async (event, context) => {
    log.begin(context);
    try {
      return await act(event, context);
    } catch (error) {
      log.error('the invocation failed', errorFacts(error));
      throw error;
    } finally {
      meter.publish();
    }
  };
}

/** The handler that Lambda calls: made of the environment when it is first called. */
export function fromEnvironment<Event, Answer>(
  create: (runtime: Runtime) => Handler<Event, Answer>,
  { accepts = false } = {},
): Handler<Event, Answer> {
  let made: Handler<Event, Answer> | undefined;
  return (event, context) => {
    made ??= create(runtimeFromEnvironment(accepts));
    return made(event, context);
  };
}
