/**
 * Lambda invocations whose calls to AWS a test may spoil. A call is one command of the SDK, or one call of the store. What may happen at one:
 *
 * - `die before`, `die after`: the invocation ends there, before or after the command took effect. Nothing that its code
 *   does later has an effect any more.
 * - `lost`: the command took effect, its answer got lost, and the SDK sent it again, as it does: a transaction carries a
 *   token and does nothing again, anything else is carried out twice, and the caller sees the second answer.
 * - `fail before`, `fail after`: the SDK gave up: the caller sees an error.
 * - `throttle`: the caller sees the service's throttling error, after the SDK's own tries.
 * - `pause`: the invocation hangs there until `resume` is called; for those outside it has timed out.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Between, CarryOut, Command } from './between.ts';

export const FAULTS = [
  'die before',
  'die after',
  'lost',
  'fail before',
  'fail after',
  'throttle',
  'pause',
] as const;
export type Fault = (typeof FAULTS)[number];

export interface Call {
  /** From 0, over all invocations. */
  readonly n: number;
  readonly service: string;
  readonly command: string;
  /** The function. */
  readonly by: string;
}

export type Outcome =
  | { readonly kind: 'answered'; readonly answer: unknown }
  | { readonly kind: 'failed'; readonly error: Error }
  /** It died, or hangs. */
  | { readonly kind: 'gone' };

interface Invocation {
  readonly name: string;
  dead: boolean;
  /** Ends it for those outside. */
  readonly leave: () => void;
}

/** Whose call it is. One for all: Node looks at each that there ever was whenever a promise is made. */
const CURRENT = new AsyncLocalStorage<Invocation>();

export class Invocations {
  /** Calls so far. */
  readonly calls: Call[] = [];
  /** What happens at a call; undefined: what ought to. */
  faultAt: (call: Call) => Fault | undefined = () => undefined;
  /** Faults that happened, by kind. */
  readonly faults: Partial<Record<Fault, number>> = {};
  /** Errors that functions ended with. */
  readonly failures: Error[] = [];
  readonly #paused: (() => void)[] = [];
  readonly #hanging = new Set<Promise<unknown>>();

  /** Makes a service's calls go through here. */
  watch(service: string, client: Between): void {
    client.around = (command, carryOut) => this.#call(service, command, carryOut);
  }

  /** Runs a function to its end, or until it died or hangs. */
  async invoke(name: string, run: () => Promise<unknown>): Promise<Outcome> {
    let leave: () => void = () => undefined;
    const left = new Promise<Outcome>((resolve) => {
      leave = () => resolve({ kind: 'gone' });
    });
    const invocation: Invocation = { name, dead: false, leave };
    const ended = CURRENT.run(invocation, async (): Promise<Outcome> => {
      try {
        return { kind: 'answered', answer: await run() };
      } catch (error) {
        if (!invocation.dead) this.failures.push(error as Error);
        return { kind: 'failed', error: error as Error };
      }
    });
    this.#hanging.add(ended);
    void ended.then(() => this.#hanging.delete(ended));
    const outcome = await Promise.race([left, ended]);
    return invocation.dead ? { kind: 'gone' } : outcome;
  }

  /** Lets what hangs go on, and waits until it has ended. Whether anything did. */
  async resume(): Promise<boolean> {
    const paused = this.#paused.splice(0);
    for (const go of paused) go();
    await Promise.all(this.#hanging);
    return paused.length > 0;
  }

  async #call(service: string, command: Command, carryOut: CarryOut): Promise<unknown> {
    const invocation = CURRENT.getStore();
    // The test's own looking.
    if (!invocation) return carryOut();
    if (invocation.dead) throw new Error('this invocation is dead');
    const call = { n: this.calls.length, service, command: command.name, by: invocation.name };
    this.calls.push(call);
    const fault = this.faultAt(call);
    if (fault === undefined) return carryOut();
    this.faults[fault] = (this.faults[fault] ?? 0) + 1;
    const die = (): never => {
      invocation.dead = true;
      invocation.leave();
      throw new Error(`died at ${service}.${command.name}`);
    };
    switch (fault) {
      case 'die before':
        return die();
      case 'die after':
        await quietly(carryOut);
        return die();
      case 'lost': {
        const first = await quietly(carryOut);
        return command.name === 'transact' ? first() : carryOut(true);
      }
      case 'fail before':
        throw failure('TimeoutError', 500, `no answer from ${service}`);
      case 'fail after':
        await quietly(carryOut);
        throw failure('TimeoutError', 500, `no answer from ${service}`);
      case 'throttle':
        throw failure(THROTTLES[service] ?? 'ThrottlingException', 400, 'Rate exceeded');
      case 'pause':
        invocation.leave();
        await new Promise<void>((resolve) => this.#paused.push(resolve));
        return carryOut();
    }
  }
}

/** What the services call it. */
const THROTTLES: Record<string, string> = {
  s3: 'SlowDown',
  kinesis: 'ProvisionedThroughputExceededException',
};

/** Carries out a command and keeps what came of it. */
async function quietly(carryOut: CarryOut): Promise<() => unknown> {
  try {
    const answer = await carryOut();
    return () => answer;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function failure(name: string, httpStatusCode: number, message: string): Error {
  return Object.assign(new Error(message), {
    name,
    $fault: httpStatusCode < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode, attempts: 3 },
    $retryable: {},
  });
}
