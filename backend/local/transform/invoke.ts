/** Getting a mini-batch's answer: repeats where the settings allow them, and patience while the model is away. */
import type { Dispatcher } from 'undici';
import type { ContentType } from '../../core/settings.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Expected } from './answer-body.ts';
import { isOverload, Patience } from './overload.ts';
import { ModelNotReadyError } from './ping.ts';
import { failureOf, type ObjectFailure } from './refusal.ts';
import { type Answer, isSuccess, send } from './send.ts';
import { pause, unlessAborted } from './time.ts';

/** A model that answers ping and yet can't be reached this often in a row isn't there. */
const MAX_UNSENT = 10;
const BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 2000;

export interface Invocation {
  /** The model's URL; changes when the model is restarted. */
  readonly url: () => string;
  /** Waits until the model answers ping again, restarting it if it is a command. Throws ModelNotReadyError. */
  readonly becomeReady: () => Promise<unknown>;
  readonly contentType: ContentType;
  /** For one request; and for all the waits of one that finds the model overloaded. */
  readonly timeoutMs: number;
  /** Repeats after a 5xx, a time-out or a disconnect. */
  readonly maxRetries: number;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export type Invoked =
  | Answer
  | { readonly kind: 'failure'; readonly failure: ObjectFailure }
  | { readonly kind: 'stopped' };

/**
 * Sends one request to `/invocations`. While no connection comes about, or the model says that it is overloaded, the
 * records have not been inferred: it waits for ping, or as the model asks, and sends again, and that is no retry.
 * @param wanted whether its answer is still of use; asked before it is sent again
 * @throws ModelNotReadyError when ping doesn't come back
 * @throws ModelOverloadedError when the model stays overloaded for `timeoutMs`
 */
export async function invoke(
  invocation: Invocation,
  body: string,
  expected: Expected,
  wanted: () => boolean = () => true,
): Promise<Invoked> {
  const { contentType, timeoutMs, dispatcher, clock, signal } = invocation;
  let retries = 0;
  let unsent = 0;
  const patience = new Patience(timeoutMs, clock, signal);
  while (!signal.aborted && wanted()) {
    const sentAt = clock.now();
    const url = `${invocation.url()}/invocations`;
    const reply = await send({
      url,
      method: 'POST',
      contentType,
      body,
      expected,
      timeoutMs,
      dispatcher,
      clock,
      signal,
    });
    if (reply.kind === 'stopped') break;
    if (reply.kind === 'unsent') {
      if (++unsent > MAX_UNSENT)
        throw new ModelNotReadyError(`the model answers ping, but not POST ${url}: ${reply.why}`);
      if (unsent > 1) await pause(clock, backoff(unsent - 2), signal);
      await unlessAborted(invocation.becomeReady(), signal);
      continue;
    }
    unsent = 0;
    if (isOverload(reply)) {
      await patience.wait(reply, sentAt);
      continue;
    }
    if (reply.kind === 'answer' && isSuccess(reply.status)) return reply;
    const failure = failureOf(reply);
    if (retries >= invocation.maxRetries || !mayPass(failure)) return { kind: 'failure', failure };
    await pause(clock, backoff(retries++), signal);
  }
  return { kind: 'stopped' };
}

/** Whether the same request may fare better later: not after a 4xx, nor after an answer that can't be read. */
function mayPass({ kind }: ObjectFailure): boolean {
  return kind !== 'ClientError' && kind !== 'BadOutput';
}

/** Doubles from 100 ms to 2 s; half of it by chance, so that requests refused together don't come back together. */
function backoff(turn: number): number {
  return Math.min(BACKOFF_MS * 2 ** turn, MAX_BACKOFF_MS) * (0.5 + Math.random() / 2);
}
