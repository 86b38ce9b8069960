/** What an object's failure is told as, from a model's answer that is not a result. */
import type { DataLogEntry } from '../../core/data-log.ts';
import { clipMessage } from '../../core/job.ts';
import type { Answer, Reply } from './send.ts';

/** An object's failure, as the data log has it. */
export type ObjectFailure = Omit<DataLogEntry, 'batch'>;

const KINDS = {
  timeout: 'ModelTimeout',
  disconnected: 'ModelDisconnected',
  unreadable: 'BadOutput',
} as const;

/** The failure that a reply other than a success stands for. */
export function failureOf(reply: Exclude<Reply, { kind: 'stopped' | 'unsent' }>): ObjectFailure {
  if (reply.kind !== 'answer') return { kind: KINDS[reply.kind], status: undefined, message: reply.why };
  const { status, text } = reply;
  const kind = status >= 400 && status < 500 ? 'ClientError' : 'ServerError';
  return { kind, status, message: refusalMessage(status, text) };
}

/** A refusal as a short phrase: `HTTP 429 too many requests`. */
export function shortRefusal({ status, text }: Pick<Answer, 'status' | 'text'>): string {
  const said = refusalMessage(status, text).slice(0, 200);
  return said.startsWith(`HTTP ${status}`) ? said : `HTTP ${status} ${said}`;
}

/**
 * The model's own words in the body of a refusal: the message of the usual JSON shapes (`message`, `error`,
 * `error.message`, `detail`; FastAPI's list of what is wrong with which field), an HTML page's text, or the body as it is.
 * At most 1,000 characters.
 */
export function refusalMessage(status: number, body: string): string {
  const said = clipMessage(jsonMessage(body) ?? (/^\s*</.test(body) ? htmlText(body) : body));
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
  return [message, error, nested, detail, fieldMessages(detail)].find(
    (said): said is string => typeof said === 'string' && said.trim() !== '',
  );
}

/** FastAPI's `detail` of a 422, a list of `{"loc":["body","text"],"msg":"Field required"}`: `body.text: Field required; …`. */
function fieldMessages(detail: unknown): string | undefined {
  if (!Array.isArray(detail)) return undefined;
  const messages = detail.map((item: unknown) => {
    const { loc, msg } = Object(item) as { loc?: unknown; msg?: unknown };
    if (typeof msg !== 'string') return undefined;
    return Array.isArray(loc) && loc.length > 0 ? `${loc.join('.')}: ${msg}` : msg;
  });
  // Another list than FastAPI's is better told as it is than in part.
  return messages.includes(undefined) ? undefined : messages.join('; ');
}

/** Text of a page's first 20,000 characters: enough for a message, and too few to keep the patterns busy. */
function htmlText(html: string): string {
  return html
    .slice(0, 20_000)
    .replace(/<(style|script|head)\b[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^<>]*>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ');
}
