/** A model that has too much to do: it hasn't taken the records, so they are sent again later, for a limited time. */
import type { Clock } from '../../ports/clock.ts';
import { shortRefusal } from './refusal.ts';
import type { Answer, Reply } from './send.ts';
import { pause, seconds } from './time.ts';

const LONGEST_ASKED_MS = 60_000;
const BACKOFF_MS = { first: 200, longest: 10_000 };

/** The model was overloaded all the time. Says nothing of the records. */
export class ModelOverloadedError extends Error {
  readonly code = 'MODEL_OVERLOADED';
  override readonly name = 'ModelOverloadedError';
  /** When it first said so, in epoch ms. */
  readonly since: number;

  constructor(message: string, since: number) {
    super(message);
    this.since = since;
  }
}

interface Overload extends Answer {
  readonly status: 429 | 503;
}

/** Whether records weren't taken: HTTP 429, or 503 that says when to come back. A plain 503 may be any failure. */
export function isOverload(reply: Reply): reply is Overload {
  if (reply.kind !== 'answer') return false;
  return reply.status === 429 || (reply.status === 503 && reply.retryAfter !== undefined);
}

/**
 * What a Retry-After header (seconds or an HTTP date) asks for, in ms, at most 60 s. Undefined when it makes no sense
 * or asks for no wait at all: a model that is overloaded isn't to be asked without a break.
 */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return ms > 0 ? Math.min(ms, LONGEST_ASKED_MS) : undefined;
}

/** The waits for an overloaded model, which together may take so long. */
export class Patience {
  readonly #limitMs: number;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #since: number | undefined;
  #spentMs = 0;
  #turns = 0;

  constructor(limitMs: number, clock: Clock, signal: AbortSignal) {
    this.#limitMs = limitMs;
    this.#clock = clock;
    this.#signal = signal;
  }

  /**
   * Waits before a request that was answered by an overload is sent again. The last try is at the end of the time, even
   * if the model asks for a longer wait.
   * @param sentAt when that request was sent: a model may take its time to say that it has none
   * @throws ModelOverloadedError when the time is over
   */
  async wait(answer: Answer, sentAt: number): Promise<void> {
    const now = this.#clock.now();
    // The first answer is what starts it.
    if (this.#since === undefined) this.#since = now;
    else this.#spentMs += now - sentAt;
    const left = this.#limitMs - this.#spentMs;
    if (left <= 0) {
      const said = shortRefusal(answer);
      const message = `the model was overloaded for ${seconds(this.#limitMs)}: ${said}`;
      throw new ModelOverloadedError(message, this.#since);
    }
    const ms = Math.min(retryAfterMs(answer.retryAfter, now) ?? backoff(this.#turns), left);
    this.#turns++;
    this.#spentMs += ms;
    await pause(this.#clock, ms, this.#signal);
  }
}

/** Doubles from 0.2 s to 10 s; half of it by chance, so that requests refused together don't come back together. */
function backoff(turn: number): number {
  return Math.min(BACKOFF_MS.first * 2 ** turn, BACKOFF_MS.longest) * (0.5 + Math.random() / 2);
}
