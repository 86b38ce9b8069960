/**
 * A result that no answer of the API holds, copied from its address block by block: no more of it is in memory than a
 * block. A copy that is cut goes on where it was; an address that has ended is asked for again.
 */
import type { ResultLink } from '@batchml/backend/wire';
import { CliError } from '../errors.ts';
import { ApiError, UnreachableError } from './api-errors.ts';
import type { ApiClient } from './client.ts';

export type WriteBytes = (bytes: Uint8Array) => Promise<void>;

/** Addresses of one result that may end before it is copied. */
const RENEWALS = 3;
/** What Amazon S3 answers when an address has ended (AccessDenied), or the session that signed it (ExpiredToken). */
const ENDED: ReadonlySet<number> = new Set([403, 400]);

/** The bytes meant: `size` is undefined where they are all that there is. */
interface Span {
  readonly from: number;
  readonly size: number | undefined;
}

function spanOf({ resultRange }: ResultLink): Span {
  if (resultRange === undefined) return { from: 0, size: undefined };
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(resultRange) ?? [];
  if (from === undefined || to === undefined)
    throw new Error(`the API gave a range that is none: ${resultRange}`);
  return { from: Number(from), size: Number(to) - Number(from) + 1 };
}

/** Writes the result, once its first bytes are there; throws where it isn't there whole. */
export async function copyResult(
  client: ApiClient,
  jobId: string,
  link: ResultLink,
  write: WriteBytes,
): Promise<void> {
  const copy = new Copy(client, jobId, link, write);
  try {
    await client.retrying(() => copy.goOn());
  } catch (error) {
    if (error instanceof ApiError || error instanceof UnreachableError) throw unreadable(jobId, error);
    throw error;
  }
}

class Copy {
  private readonly client: ApiClient;
  private readonly jobId: string;
  private readonly write: WriteBytes;
  private link: ResultLink;
  private renewals = 0;
  private done = 0;

  constructor(client: ApiClient, jobId: string, link: ResultLink, write: WriteBytes) {
    this.client = client;
    this.jobId = jobId;
    this.link = link;
    this.write = write;
  }

  /** Copies what isn't copied yet. */
  async goOn(): Promise<void> {
    const answer = await this.ask();
    const { from, size } = spanOf(this.link);
    const length = Number(answer.headers.get('content-length') ?? Number.NaN);
    // Without a range it is all that there is; some servers answer so to one with a range, too.
    let skip = answer.status === 206 ? 0 : from + this.done;
    const end = size ?? length + (answer.status === 206 ? this.done : 0);
    if (Number.isNaN(end)) throw this.wrong('it does not say how long it is');
    const blocks = (answer.body ?? new ReadableStream<Uint8Array>()).getReader();
    try {
      while (this.done < end) {
        const { value, done } = await this.read(blocks);
        if (done) throw cut(this.client.endpoint);
        const rest = value.subarray(Math.min(skip, value.length), skip + end - this.done);
        skip -= Math.min(skip, value.length);
        if (rest.length === 0) continue;
        await this.write(rest);
        this.done += rest.length;
      }
    } finally {
      // What is left of it isn't wanted, whether it was cut, was too long or could not be written.
      void blocks.cancel().catch(() => undefined);
    }
  }

  private async read<T>(blocks: { read(): Promise<T> }): Promise<T> {
    try {
      return await this.client.orStopped(blocks.read());
    } catch (error) {
      throw UnreachableError.from(this.client.endpoint, error) ?? error;
    }
  }

  /** An answer that has the bytes from here on. */
  private async ask(): Promise<Response> {
    for (;;) {
      const answer = await this.client.open(this.link.resultUrl, this.range());
      if (answer.ok) return this.checked(answer);
      const text = await answer.text().catch(() => '');
      if (!ENDED.has(answer.status) || this.renewals === RENEWALS) throw this.wrong(text, answer.status);
      this.renewals++;
      const { resultUrl, resultRange } = await this.client.job(this.jobId);
      if (resultUrl === undefined) throw this.wrong('the API gives no other', answer.status);
      this.link = { resultUrl, resultRange };
    }
  }

  private range(): string | undefined {
    const { from, size } = spanOf(this.link);
    if (size !== undefined) return `bytes=${from + this.done}-${from + size - 1}`;
    return this.done === 0 ? undefined : `bytes=${this.done}-`;
  }

  private checked(answer: Response): Response {
    if (answer.status === 200) return answer;
    const { from } = spanOf(this.link);
    const part = answer.headers.get('content-range') ?? '';
    if (answer.status === 206 && part.startsWith(`bytes ${from + this.done}-`)) return answer;
    throw this.wrong(`${answer.status} ${part}`.trim());
  }

  private wrong(what: string, status = 404): ApiError {
    const code = /<Code>(\w+)<\/Code>/.exec(what)?.[1];
    return new ApiError(status, 'result_unreadable', `its address answered: ${code ?? what.slice(0, 200)}`);
  }
}

function cut(endpoint: string): Error {
  const error = Object.assign(new Error('cut'), { code: 'UND_ERR_SOCKET' });
  return UnreachableError.from(endpoint, error) ?? error;
}

function unreadable(jobId: string, error: CliError): CliError {
  return new CliError(`the result of ${jobId} can't be read`, {
    code: 'result_unreadable',
    why: error instanceof ApiError ? error.message : [error.message, error.why].join(': '),
    next: [`see that the job is there, and ask again: batchml results ${jobId}`],
    data: { jobId },
    cause: error,
  });
}
