/** A check of `batchml doctor`, and the time that it may take. */
import type { Context } from '../../context.ts';

export interface Check {
  readonly name: string;
  /** `skip`: there was nothing to check. */
  readonly status: 'ok' | 'warn' | 'fail' | 'skip';
  readonly detail: string;
  /** What to do about it. */
  readonly next?: string;
}

/** Longest time of a check that asks somebody else, in ms. */
export const MOST_MS = 10_000;

export class TooLongError extends Error {
  constructor() {
    super(`no answer within ${MOST_MS / 1000} s`);
  }
}

/** Does it within the time of one check; then it is told to stop, and is no longer waited for. */
export async function within<T>(
  { deps, interrupts }: Pick<Context, 'deps' | 'interrupts'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const done = new AbortController();
  const either = AbortSignal.any([stop.signal, interrupts.signal]);
  const late = deps.sleep(MOST_MS, AbortSignal.any([done.signal, interrupts.signal])).then(() => {
    interrupts.signal.throwIfAborted();
    throw new TooLongError();
  });
  try {
    return await Promise.race([work(either), late]);
  } finally {
    stop.abort();
    // The loser is nobody's business.
    late.catch(() => {});
    done.abort();
  }
}
