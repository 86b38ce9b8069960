/** The stack's functions: the real handlers, each with a runtime of its own over the services. */
import type { Context } from 'aws-lambda';
import type { Clients } from '../../../backend/aws/clients.ts';
import { readConfig } from '../../../backend/aws/config.ts';
import { create as api } from '../../../backend/handlers/api.ts';
import { create as fileResults } from '../../../backend/handlers/file-results.ts';
import { create as gather } from '../../../backend/handlers/gather.ts';
import type { Log } from '../../../backend/handlers/log.ts';
import { Meter } from '../../../backend/handlers/meter.ts';
import { create as reconcile } from '../../../backend/handlers/reconcile.ts';
import { createRuntime, type Runtime } from '../../../backend/handlers/runtime.ts';
import { create as settle } from '../../../backend/handlers/settle.ts';
import { create as start } from '../../../backend/handlers/start.ts';
import type { Clock } from '../../../backend/ports/clock.ts';
import type { Store } from '../../../backend/ports/store.ts';
import { deadLettersUrl, type Services } from './services.ts';

export type LambdaFunction = (event: never, context: Context) => Promise<unknown>;

/** By what rings them: the API, reconcile, and the queues (the stream rings `gather` too). */
export interface Functions {
  readonly api: LambdaFunction;
  readonly gather: LambdaFunction;
  readonly start: LambdaFunction;
  readonly results: LambdaFunction;
  readonly settle: LambdaFunction;
  readonly reconcile: LambdaFunction;
}

/** What functions logged and measured. */
export interface Told {
  readonly warnings: string[];
  readonly errors: string[];
  readonly measured: Record<string, number>;
}

export function clientsOf({ s3, sagemaker, kinesis, sqs, logs, events }: Services): Clients {
  return {
    dynamo: { send: () => Promise.reject(new Error('the store of the tests is no DynamoDB')) } as never,
    s3: s3.client,
    sagemaker: sagemaker.client,
    kinesis: kinesis.client,
    sqs: sqs.client,
    logs: logs.client,
    events: events.client,
  };
}

/**
 * @param store where the functions keep state
 * @param clients what their other calls go through
 * @param told takes what they tell
 * @param firstId their IDs begin there: functions that were deployed before have made others
 */
export function functionsOf(
  { clock, store }: { readonly clock: Clock; readonly store: Store },
  clients: Clients,
  environment: Readonly<Record<string, string>>,
  told: Told,
  firstId = 0,
): Functions {
  let ids = firstId;
  const say = (message: string, facts: object = {}) => `${message} ${JSON.stringify(facts)}`;
  const log: Log = {
    begin: () => undefined,
    info: () => undefined,
    warn: (message, facts) => void told.warnings.push(say(message, facts)),
    error: (message, facts) => void told.errors.push(say(message, facts)),
  };
  const meter = new Meter(
    (name, _unit, value) => {
      told.measured[name] = (told.measured[name] ?? 0) + value;
    },
    () => undefined,
  );
  const runtime = (queue?: string): Runtime =>
    createRuntime(
      readConfig({ ...environment, ...(queue ? { BATCHML_DEAD_LETTERS: deadLettersUrl(queue) } : {}) }, true),
      {
        clients,
        store,
        clock,
        random: () => `r${String(ids++).padStart(6, '0')}`,
        patience: { now: () => clock.now(), pause: async () => undefined, jitter: () => 0.5 },
        log,
        meter,
      },
    );
  return {
    api: api(runtime()),
    gather: gather(runtime('gather')),
    start: start(runtime('start')),
    results: fileResults(runtime('results')),
    settle: settle(runtime('settle')),
    reconcile: reconcile(runtime()),
  };
}
