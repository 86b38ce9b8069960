/** One HTTP request to a model server, and what became of it: told apart by whether the model can have seen it. */
import { type Dispatcher, request } from 'undici';
import type { Clock } from '../../ports/clock.ts';
import { DiskError, type Expected, readBody, readRefusal, UnreadableError } from './answer-body.ts';
import { seconds } from './time.ts';

export interface Answer {
  readonly kind: 'answer';
  readonly status: number;
  /** Of a refusal, no more than is quoted. */
  readonly text: string;
  /** Where the answer is instead, if it is large and `expected` said where to. */
  readonly file?: string;
  /** Its Retry-After header, where it has one. */
  readonly retryAfter?: string;
}

/**
 * - `answer`: a whole answer, of whatever status
 * - `unsent`: no connection came about, so the model has seen nothing
 * - `timeout`, `disconnected`: the model may have worked on it
 * - `unreadable`: an answer that can't be taken in
 * - `stopped`: the signal was aborted
 */
export type Reply =
  | Answer
  | { readonly kind: 'unsent'; readonly why: string }
  | { readonly kind: 'timeout' | 'disconnected' | 'unreadable'; readonly why: string }
  | { readonly kind: 'stopped' };

export interface Call {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  /** Sent as Content-Type and Accept. */
  readonly contentType?: string;
  readonly body?: string;
  /** What a success brings. @default one text, which is kept in memory */
  readonly expected?: Expected;
  /** For the whole of it, from connecting to the answer's last byte. */
  readonly timeoutMs: number;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Sends a request once. Never throws for what a server or network does.
 * @throws DiskError when a large answer can't be written down
 */
export async function send(call: Call): Promise<Reply> {
  const { url, method, contentType, body, expected, timeoutMs, dispatcher, clock, signal } = call;
  if (signal.aborted) return { kind: 'stopped' };
  const abort = new AbortController();
  const stop = () => abort.abort();
  let late = false;
  let answering = false;
  const cancel = clock.after(timeoutMs, () => {
    late = true;
    stop();
  });
  signal.addEventListener('abort', stop);
  try {
    const response = await request(url, {
      method,
      dispatcher,
      signal: abort.signal,
      body: body ?? null,
      headers: contentType === undefined ? {} : { 'content-type': contentType, accept: contentType },
    });
    answering = true;
    const retryAfter = [response.headers['retry-after']].flat()[0];
    const status = response.statusCode;
    const taken = isSuccess(status)
      ? await readBody(response.body, expected)
      : { text: await readRefusal(response.body) };
    const answer: Answer = { kind: 'answer', status, text: '', ...taken };
    return retryAfter === undefined ? answer : { ...answer, retryAfter };
  } catch (error) {
    if (error instanceof DiskError) throw error;
    if (error instanceof UnreadableError) return { kind: 'unreadable', why: error.message };
    if (signal.aborted) return { kind: 'stopped' };
    if (late) return { kind: 'timeout', why: `no answer within ${seconds(timeoutMs)}` };
    return classify(error as NetworkError, answering);
  } finally {
    cancel();
    signal.removeEventListener('abort', stop);
  }
}

type NetworkError = Error & { code?: string; syscall?: string; errors?: readonly NetworkError[] };

const NEVER_CONNECTED: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  UND_ERR_CONNECT_TIMEOUT: 'no connection within 10 s',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'no such host',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
};

function classify(error: NetworkError, answering: boolean): Reply {
  // With several addresses for a host Node gives one error that holds one for each.
  const { code = '', syscall } = error.errors?.[0] ?? error;
  const unreached = NEVER_CONNECTED[code];
  if (unreached !== undefined) return { kind: 'unsent', why: unreached };
  if (syscall === 'connect') return { kind: 'unsent', why: code };
  // 'Invalid EOF state' is a chunked answer that was cut off; other parser errors are no HTTP at all.
  if (error.name === 'HTTPParserError' && !error.message.includes('EOF'))
    return { kind: 'unreadable', why: `the model's answer is not HTTP: ${error.message}` };
  const when = answering ? 'in the middle of its answer' : 'without an answer';
  return { kind: 'disconnected', why: `the model closed the connection ${when}` };
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** What a reply says, as a short phrase for a message about a server that isn't ready. */
export function describeReply(reply: Reply): string {
  if (reply.kind === 'answer') return `HTTP ${reply.status}`;
  return reply.kind === 'stopped' ? 'stopped' : reply.why;
}
