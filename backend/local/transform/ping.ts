/** Waiting for a model server: SageMaker sends nothing before `GET /ping` was answered with 200. */
import type { Dispatcher } from 'undici';
import type { Clock } from '../../ports/clock.ts';
import { describeReply, isSuccess, send } from './send.ts';
import { pause, seconds } from './time.ts';

/** The model server never became ready. The message says what was tried and what came of it. */
export class ModelNotReadyError extends Error {
  readonly code = 'MODEL_NOT_READY';
  override readonly name = 'ModelNotReadyError';
}

const TRY_MS = 2000;
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 500;

export interface PingOptions {
  /** When waiting began (epoch ms): the time-out counts from there. @default now */
  readonly from?: number;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Asks `GET {url}/ping` until the answer is 2xx, every 50 to 500 ms. Throws ModelNotReadyError after `timeoutMs`.
 * @returns false when the signal was aborted before
 */
export async function waitForPing(
  url: string,
  timeoutMs: number,
  { dispatcher, clock, signal, from = clock.now() }: PingOptions,
): Promise<boolean> {
  for (let wait = FIRST_PAUSE_MS; !signal.aborted; wait = Math.min(wait * 1.5, LAST_PAUSE_MS)) {
    const left = timeoutMs - (clock.now() - from);
    const timeout = Math.max(Math.min(TRY_MS, left), FIRST_PAUSE_MS);
    const reply = await send({
      url: `${url}/ping`,
      method: 'GET',
      timeoutMs: timeout,
      dispatcher,
      clock,
      signal,
    });
    if (signal.aborted) break;
    if (reply.kind === 'answer' && isSuccess(reply.status)) return true;
    if (clock.now() + wait - from >= timeoutMs)
      throw new ModelNotReadyError(
        `the model did not answer GET ${url}/ping with HTTP 200 within ${seconds(timeoutMs)}; ` +
          `the last try: ${describeReply(reply)}`,
      );
    await pause(clock, wait, signal);
  }
  return false;
}
