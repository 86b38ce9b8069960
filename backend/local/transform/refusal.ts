/** What an object's failure is told as, from a model's answer that is not a result. */
import type { DataLogEntry } from '../../core/data-log.ts';
import { clipMessage } from '../../core/job.ts';
import type { Reply } from './send.ts';

/** An object's failure, as the data log has it. */
export type ObjectFailure = Omit<DataLogEntry, 'batch'>;

/** The failure that a reply stands for; undefined for a 2xx answer. */
export function failureOf(reply: Exclude<Reply, { kind: 'stopped' | 'unsent' }>): ObjectFailure | undefined {
  switch (reply.kind) {
    case 'answer': {
      if (reply.status >= 200 && reply.status < 300) return undefined;
      const kind = reply.status >= 400 && reply.status < 500 ? 'ClientError' : 'ServerError';
      return { kind, status: reply.status, message: refusalMessage(reply.status, reply.text) };
    }
    case 'timeout':
      return { kind: 'ModelTimeout', status: undefined, message: reply.why };
    case 'disconnected':
      return { kind: 'ModelDisconnected', status: undefined, message: reply.why };
    case 'unreadable':
      return { kind: 'BadOutput', status: undefined, message: reply.why };
  }
}

/**
 * The model's own words in the body of a refusal: the message of the usual JSON shapes (`message`, `error`,
 * `error.message`, `detail`), an HTML page's text, or the body as it is. At most 1,000 characters.
 */
export function refusalMessage(status: number, body: string): string {
  // What is cut off here is cut off the message anyway; it spares the tag stripping a page of megabytes.
  const text = body.length > 100_000 ? body.slice(0, 100_000) : body;
  const said = clipMessage(jsonMessage(text) ?? (/^\s*</.test(text) ? htmlText(text) : text));
  return said === '' ? `HTTP ${status} with an empty body` : said;
}

function jsonMessage(text: string): string | undefined {
  if (!/^\s*[{"]/.test(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value === 'string') return value;
  const { message, error, detail } = value as { message?: unknown; error?: unknown; detail?: unknown };
  const nested = (error as { message?: unknown } | null | undefined)?.message;
  return [message, error, nested, detail].find(
    (said): said is string => typeof said === 'string' && said.trim() !== '',
  );
}

function htmlText(html: string): string {
  return html
    .replace(/<(style|script|head)\b[^]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ');
}
