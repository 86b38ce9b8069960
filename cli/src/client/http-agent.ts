/** undici's part of HTTP; a module of its own, so that it is loaded with the first request. */
import { Agent, type Dispatcher } from 'undici';

const ANSWER_TIMEOUT_MS = 120_000;

export function createAgent(): Dispatcher {
  return new Agent({
    connections: 8,
    connect: { timeout: 10_000 },
    keepAliveTimeout: 30_000,
    headersTimeout: ANSWER_TIMEOUT_MS,
    bodyTimeout: ANSWER_TIMEOUT_MS,
  });
}
