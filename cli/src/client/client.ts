/** The client of batchml's HTTP API. Every request may be repeated without harm, so every request is retried. */
import type { Job, JobsStatus, OpenInfo, SubmissionInfo, SubmissionsPage } from '@batchml/backend/wire';
import { DEFAULT_SETTINGS, type Settings } from '@batchml/backend/words';
import { orAborted } from '../interrupts.ts';
import { ApiError, refusedError, strangerError, UnreachableError } from './api-errors.ts';
import { type RetryVerdict, retryAfterMs, withRetry } from './retry.ts';

/** `stream`: the body comes as it is read; else it is all there once the answer is. */
export type Fetch = (request: Request, how?: { readonly stream?: boolean }) => Promise<Response>;

export interface ClientOptions {
  readonly endpoint: string;
  readonly key: string;
  readonly fetch: Fetch;
  readonly now: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** From 0 to 1, for jitter. @default Math.random */
  readonly random?: () => number;
  readonly signal: AbortSignal;
  /** Tries of one request before giving up. @default 8 */
  readonly attempts?: number;
}

/** A page of results as NDJSON text: the very lines that `batchml results` prints. */
export interface ResultPage {
  readonly text: string;
  /** Where to go on; undefined when the listing ended. */
  readonly cursor: string | undefined;
  /** The page stopped before a job that isn't final. */
  readonly pending: boolean;
}

export interface ResultQuery {
  readonly cursor?: string | undefined;
  readonly limit?: number;
  readonly status?: string;
  /** Stop before the first job that isn't final. */
  readonly final?: boolean;
}

interface Call {
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly contentType?: string;
  readonly accept?: string;
  readonly range?: string | undefined;
  readonly stream?: boolean;
}

const NDJSON = 'application/x-ndjson';
const DEFAULT_ATTEMPTS = 8;

export class ApiClient {
  private readonly options: ClientOptions;
  /** The API has answered before: from then on a refused connection is an outage, not a wrong address. */
  private answered = false;

  constructor(options: ClientOptions) {
    this.options = options;
  }

  get endpoint(): string {
    return this.options.endpoint;
  }

  /** The model and settings that new submissions are accepted with; undefined where the API doesn't tell. */
  async pin(): Promise<{ readonly model: string | undefined; readonly settings: Settings } | undefined> {
    try {
      const { model, settings } = await this.json<{ model?: string; settings?: Partial<Settings> }>(
        'GET',
        '/settings',
      );
      return settings === undefined ? undefined : { model, settings: { ...DEFAULT_SETTINGS, ...settings } };
    } catch (error) {
      if (error instanceof ApiError && error.refusal) return undefined;
      throw error;
    }
  }

  /** The settings alone. */
  async settings(): Promise<Settings | undefined> {
    return (await this.pin())?.settings;
  }

  /** How much work is open, and of which schema version. */
  openWork(): Promise<OpenInfo> {
    return this.json('GET', '/open');
  }

  openSubmission(id: string, about: { content?: string; name?: string }): Promise<SubmissionInfo> {
    return this.json('PUT', `/submissions/${id}`, about);
  }

  async sendChunk(id: string, n: number, body: string | Uint8Array<ArrayBuffer>): Promise<readonly string[]> {
    const call = { body, contentType: NDJSON };
    const answer = await this.call('POST', `/submissions/${id}/chunks/${n}`, call);
    return ((await answer.json()) as { jobIds: string[] }).jobIds;
  }

  /** @param chunks how many chunks carried the jobs */
  closeSubmission(id: string, jobs: number, chunks: number): Promise<SubmissionInfo> {
    return this.json('POST', `/submissions/${id}/close`, { jobs, chunks });
  }

  submission(id: string): Promise<SubmissionInfo> {
    return this.json('GET', `/submissions/${id}`);
  }

  /** The submission, or undefined where there is none of this ID. */
  async findSubmission(id: string): Promise<SubmissionInfo | undefined> {
    try {
      return await this.submission(id);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  submissions(limit: number, cursor?: string): Promise<SubmissionsPage> {
    const query = new URLSearchParams({ limit: String(limit), ...(cursor === undefined ? {} : { cursor }) });
    return this.json('GET', `/submissions?${query}`);
  }

  async results(id: string, { cursor, limit = 500, status, final }: ResultQuery): Promise<ResultPage> {
    const query = new URLSearchParams({ limit: String(limit) });
    if (cursor !== undefined) query.set('cursor', cursor);
    if (status !== undefined) query.set('status', status);
    if (final === true) query.set('final', 'true');
    const answer = await this.call('GET', `/submissions/${id}/jobs?${query}`, { accept: NDJSON });
    return {
      text: await answer.text(),
      cursor: answer.headers.get('x-batchml-cursor') ?? undefined,
      pending: answer.headers.get('x-batchml-pending') === 'true',
    };
  }

  /** Statuses of up to 100 jobs by their IDs. */
  jobsStatus(jobIds: readonly string[]): Promise<JobsStatus> {
    return this.json('POST', '/jobs/status', { jobIds });
  }

  job(jobId: string): Promise<Job> {
    return this.json('GET', `/job/${jobId}`);
  }

  async cancelJob(jobId: string): Promise<number> {
    return (await this.json<{ cancelled: number }>('DELETE', `/job/${jobId}`)).cancelled;
  }

  cancelSubmission(id: string): Promise<SubmissionInfo> {
    return this.json('POST', `/submissions/${id}/cancel`);
  }

  /** Failed jobs of the generation seen, all or those named, once more. */
  retry(
    id: string,
    what: { generation: number; jobIds?: readonly string[] },
  ): Promise<{ submission: SubmissionInfo; retried: boolean }> {
    return this.json('POST', `/submissions/${id}/retry`, what);
  }

  /**
   * Asks once for what an address holds, as a stream. A path is one of this API's, where what isn't 2xx is an error; any
   * other address is asked without the key, and whatever it answers is given.
   */
  open(address: string, range?: string): Promise<Response> {
    if (address.startsWith('/')) return this.once('GET', address, { range, stream: true });
    return this.send(
      new URL(address),
      { method: 'GET', headers: range === undefined ? {} : { range } },
      true,
    );
  }

  /** Repeats what may be repeated, as every request is. */
  retrying<T>(work: () => Promise<T>): Promise<T> {
    const { sleep, signal, random = Math.random, attempts = DEFAULT_ATTEMPTS } = this.options;
    return withRetry(work, (error) => this.verdict(error), { attempts, sleep, random, signal });
  }

  /** The promise, or what stops this client. */
  orStopped<T>(promise: Promise<T>): Promise<T> {
    return orAborted(promise, this.options.signal);
  }

  private async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const call = body === undefined ? {} : { body: JSON.stringify(body), contentType: 'application/json' };
    const answer = await this.call(method, path, call);
    const text = await answer.text();
    try {
      return JSON.parse(text) as T;
    } catch {
      throw strangerError(this.options.endpoint, `it answered no JSON: ${text.trim().slice(0, 200)}`);
    }
  }

  private call(method: string, path: string, call: Call): Promise<Response> {
    return this.retrying(() => this.once(method, path, call));
  }

  private verdict(error: unknown): RetryVerdict {
    if (error instanceof UnreachableError) return { retry: this.answered || !error.nobody };
    if (!(error instanceof ApiError) || (error.status < 500 && error.status !== 429)) return { retry: false };
    return error.retryAfterMs === undefined ? { retry: true } : { retry: true, afterMs: error.retryAfterMs };
  }

  private async once(method: string, path: string, call: Call): Promise<Response> {
    const { endpoint, key } = this.options;
    const headers: Record<string, string> = { 'x-api-key': key };
    if (call.contentType !== undefined) headers['content-type'] = call.contentType;
    if (call.accept !== undefined) headers['accept'] = call.accept;
    if (call.range !== undefined) headers['range'] = call.range;
    const body = call.body === undefined ? {} : { body: call.body };
    const answer = await this.send(new URL(`${endpoint}${path}`), { method, headers, ...body }, call.stream);
    this.answered = true;
    if (answer.ok) return answer;
    throw await this.failure(answer);
  }

  private async send(url: URL, init: RequestInit, stream = false): Promise<Response> {
    const { endpoint, fetch, signal } = this.options;
    signal.throwIfAborted();
    try {
      return await orAborted(fetch(new Request(url, init), { stream }), signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const own = `${url}`.startsWith(endpoint);
      throw UnreachableError.from(own ? endpoint : url.origin, error) ?? error;
    }
  }

  private async failure(answer: Response): Promise<Error> {
    if (answer.status === 403) return refusedError(this.options.endpoint);
    const text = await answer.text().catch(() => '');
    const wait = retryAfterMs(answer.headers.get('retry-after'), this.options.now());
    try {
      const { error } = JSON.parse(text) as { error: { code: string; message: string } };
      return new ApiError(answer.status, error.code, error.message, wait);
    } catch {
      const what = `${answer.status}: ${text.trim().slice(0, 200) || answer.statusText || 'no message'}`;
      if (answer.status === 404) return strangerError(this.options.endpoint, `it answered ${what}`);
      return new ApiError(answer.status, `http_${answer.status}`, `the API answered ${what}`, wait);
    }
  }
}
