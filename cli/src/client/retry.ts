/** Repeating what may be repeated: waits with jitter, at least as long as the server asks. */

/** Longest single wait, in ms; what `Retry-After` asks for is cut to it too. */
export const MAX_WAIT_MS = 60_000;
const FIRST_WAIT_MS = 200;
const MAX_BACKOFF_MS = 10_000;

export interface RetryOptions {
  readonly attempts: number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** Whether and after how long at least a failure is worth another try. */
export type RetryVerdict = { readonly retry: false } | { readonly retry: true; readonly afterMs?: number };

/** The wait before try `attempt` + 1 (attempts count from 1): between half and all of an exponential step. */
export function backoffMs(attempt: number, random: number, afterMs = 0): number {
  const step = Math.min(MAX_BACKOFF_MS, FIRST_WAIT_MS * 2 ** Math.min(attempt - 1, 20));
  return Math.min(MAX_WAIT_MS, Math.max(afterMs, step * (0.5 + random / 2)));
}

/** `Retry-After` as ms: seconds or an HTTP date. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(MAX_WAIT_MS, Math.max(0, ms));
}

/** Tries until it works, the verdict says no, or the attempts are used up; throws the last failure. */
export async function withRetry<T>(
  work: () => Promise<T>,
  verdict: (error: unknown) => RetryVerdict,
  { attempts, sleep, random, signal }: RetryOptions,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const decision = verdict(error);
      if (!decision.retry || attempt >= attempts) throw error;
      await sleep(backoffMs(attempt, random(), decision.afterMs), signal);
      if (signal.aborted) throw signal.reason;
    }
  }
}
