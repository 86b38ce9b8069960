/** A runtime over the services of the tests, and what it logged and measured. */
import type { SQSEvent } from 'aws-lambda';
import type { Clients } from '../../backend/aws/clients.ts';
import { readConfig } from '../../backend/aws/config.ts';
import { SCHEMA_VERSION } from '../../backend/core/schema-version.ts';
import type { Facts, Log } from '../../backend/handlers/log.ts';
import { Meter } from '../../backend/handlers/meter.ts';
import { createRuntime, type Runtime, type RuntimeParts } from '../../backend/handlers/runtime.ts';
import { clientsOf } from '../support/aws/functions.ts';
import { contextOf } from '../support/aws/lambda-events.ts';
import { environment, makeServices, type Services } from '../support/aws/services.ts';
import { doubling } from '../support/memory-pipeline.ts';

export interface Said {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly facts: Facts;
}

export interface Harness {
  readonly services: Services;
  readonly runtime: Runtime;
  readonly said: Said[];
  /** By name, added up. */
  readonly measured: Record<string, number>;
}

export const context = contextOf('function', 'request-1');

export async function openHarness(
  env: Readonly<Record<string, string>> = {},
  parts: Partial<RuntimeParts> = {},
): Promise<Harness> {
  const services = makeServices(doubling((n) => n === 3));
  const clients: Clients = clientsOf(services);
  const said: Said[] = [];
  const say =
    (level: Said['level']) =>
    (message: string, facts: Facts = {}) => {
      said.push({ level, message, facts });
    };
  const log: Log = { begin: () => undefined, info: say('info'), warn: say('warn'), error: say('error') };
  const measured: Record<string, number> = {};
  const meter = new Meter((name, _unit, value) => {
    measured[name] = (measured[name] ?? 0) + value;
  });
  let ids = 0;
  const { clock } = services;
  const runtime = createRuntime(readConfig(environment(env), true), {
    clients,
    store: services.store,
    clock,
    random: () => `r${String(ids++).padStart(6, '0')}`,
    patience: { now: () => clock.now(), pause: async () => undefined, jitter: () => 0.5 },
    log,
    meter,
    ...parts,
  });
  return { services, runtime, said, measured };
}

/** A queue's event of messages `m-0`, `m-1`, ...: texts as they are, bells with their version. */
export function queueEvent(...bodies: readonly (string | object)[]): SQSEvent {
  return {
    Records: bodies.map((body, i) => ({
      messageId: `m-${i}`,
      body:
        typeof body === 'string'
          ? body
          : JSON.stringify('kind' in body ? { v: SCHEMA_VERSION, ...body } : body),
    })),
  } as SQSEvent;
}

export const failed = (...ids: string[]) => ({
  batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })),
});
