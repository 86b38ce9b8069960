/**
 * A small in-memory API, as batchml's API behaves towards a client:
 *
 * - Every route wants `x-api-key`, else 403 `{"message":"Forbidden"}`. Other errors: `{"error":{"code","message"}}`.
 * - A chunk sent again gives the same IDs; with other content 409 `conflict`; new ones after close 409 `closed`.
 * - Close with another number of jobs than were accepted: 409 `incomplete`.
 * - Jobs wait in order until `work(n)` finishes n of them, `model` saying how; with `autoWork`, each request that asks
 *   for news (a submission or its jobs) finishes that many first.
 * - NDJSON pages hold at most `pageSize` lines and give the next position as cursor; `final=true` stops before the first
 *   job that isn't final and says `x-batchml-pending: true`.
 * - `faults` is asked before each request: a Response is the answer instead; a thrown error is a network failure.
 *
 * Not imitated: limits of size, validation of bodies, `POST /job`.
 */
import type { SubmissionInfo } from '@batchml/backend/wire';
import { DEFAULT_SETTINGS, isFinal, type JobStatus, type Settings } from '@batchml/backend/words';

export const FAKE_KEY = 'fake-key';

export interface FakeJob {
  readonly jobId: string;
  readonly line: number;
  readonly customId: string | undefined;
  readonly record: string;
  status: JobStatus;
  /** JSON text of `result` or `error`. */
  outcome: string | undefined;
}

interface FakeSubmission {
  readonly id: string;
  readonly content: string | undefined;
  readonly name: string | undefined;
  readonly chunks: Map<number, { readonly body: string; readonly jobs: FakeJob[] }>;
  readonly model: string;
  readonly settings: Settings;
  generation: number;
  closed: boolean;
}

/** What the model says to a record: JSON text of a result, or an error. */
export type FakeModel = (record: string) => string | { readonly code: string; readonly message: string };

export class FakeApi {
  readonly submissions = new Map<string, FakeSubmission>();
  readonly requests: string[] = [];
  model: FakeModel = (record) => `{"echo":${record}}`;
  /** Jobs finished whenever somebody asks. */
  autoWork = Number.POSITIVE_INFINITY;
  pageSize = 500;
  faults: (request: Request) => Response | undefined | Promise<Response | undefined> = () => undefined;
  pin: { model: string; settings: Settings } = { model: 'http://model', settings: DEFAULT_SETTINGS };
  key = FAKE_KEY;

  readonly fetch = async (request: Request): Promise<Response> => {
    const { pathname, search } = new URL(request.url);
    this.requests.push(`${request.method} ${pathname}${search}`);
    const fault = await this.faults(request);
    if (fault) return fault;
    if (request.headers.get('x-api-key') !== this.key) return json(403, { message: 'Forbidden' });
    return this.route(request, pathname.split('/').slice(1));
  };

  get jobs(): FakeJob[] {
    return [...this.submissions.values()].flatMap((submission) => jobsOf(submission));
  }

  /** Finishes the next jobs. */
  work(count: number): void {
    const open = this.jobs.filter(({ status }) => !isFinal(status));
    for (const job of count === Number.POSITIVE_INFINITY ? open : open.slice(0, count)) {
      const said = this.model(job.record);
      job.status = typeof said === 'string' ? 'Processed' : 'Failed';
      job.outcome = typeof said === 'string' ? said : JSON.stringify(said);
    }
  }

  private async route(request: Request, parts: readonly string[]): Promise<Response> {
    const query = new URL(request.url).searchParams;
    const [first, id = '', third, n] = parts;
    if (first === 'job' || first === 'jobs') return this.jobRoute(request, id);
    if (first === 'settings') return json(200, this.pin);
    if (parts.length === 1) return this.list(query);
    const known = this.submissions.get(id);
    if (request.method === 'PUT')
      return this.open(id, known, (await request.json()) as Record<string, string>);
    if (known === undefined) return notFound(`submission ${id}`);
    if (third === 'chunks') return accept(known, Number(n), await request.text());
    if (third === 'close') return close(known, ((await request.json()) as { jobs: number }).jobs);
    if (third === 'cancel') {
      for (const job of jobsOf(known)) if (job.status === 'Queued') job.status = 'Cancelled';
      return json(200, info(known));
    }
    if (third === 'retry') return retry(known, await request.json());
    this.work(this.autoWork);
    return third === 'jobs' ? this.page(known, query) : json(200, info(known));
  }

  private open(id: string, known: FakeSubmission | undefined, about: Record<string, string>): Response {
    if (known !== undefined && known.content !== about['content'])
      return error(409, 'conflict', `submission ${id} exists with other content`);
    const { content, name } = about;
    const made = known ?? { id, content, name, chunks: new Map(), ...this.pin, generation: 0, closed: false };
    this.submissions.set(id, made);
    return json(200, info(made));
  }

  private list(query: URLSearchParams): Response {
    const all = [...this.submissions.values()].reverse();
    const from = Number(query.get('cursor') ?? 0);
    const to = from + Number(query.get('limit') ?? 20);
    return json(200, {
      submissions: all.slice(from, to).map(info),
      cursor: to < all.length ? String(to) : null,
    });
  }

  private page(submission: FakeSubmission, query: URLSearchParams): Response {
    const [chunk = 0, index = 0] = (query.get('cursor') ?? '0.0').split('.').map(Number);
    const limit = Math.min(this.pageSize, Number(query.get('limit') ?? 500));
    const status = query.get('status');
    const lines: string[] = [];
    const headers = new Headers({ 'content-type': 'application/x-ndjson' });
    const stopAt = (job: FakeJob): Response => {
      headers.set('x-batchml-cursor', job.jobId.split('.').slice(1).join('.'));
      return new Response(lines.map((line) => `${line}\n`).join(''), { headers });
    };
    for (const [at, { jobs }] of [...submission.chunks].sort(([a], [b]) => a - b)) {
      for (const [i, job] of jobs.entries()) {
        if (at < chunk || (at === chunk && i < index)) continue;
        if (query.get('final') === 'true' && !isFinal(job.status)) {
          headers.set('x-batchml-pending', 'true');
          return stopAt(job);
        }
        if (status !== null && job.status !== status) continue;
        if (lines.length === limit) return stopAt(job);
        lines.push(resultLine(job));
      }
    }
    return new Response(lines.map((line) => `${line}\n`).join(''), { headers });
  }

  private async jobRoute(request: Request, id: string): Promise<Response> {
    if (id === 'status') {
      this.work(this.autoWork);
      const { jobIds } = (await request.json()) as { jobIds: string[] };
      const found = jobIds.map((jobId) => this.jobs.find((job) => job.jobId === jobId));
      const unknown = jobIds.filter((_, i) => found[i] === undefined);
      const jobs = found.filter((job) => job !== undefined).map(statusBody);
      return json(200, { jobs, unknown });
    }
    const job = this.jobs.find(({ jobId }) => jobId === id);
    if (job === undefined) return notFound(`job ${id}`);
    if (request.method !== 'DELETE') return json(200, jobBody(job));
    const cancelled = job.status === 'Queued' ? 1 : 0;
    if (cancelled) job.status = 'Cancelled';
    return json(200, { cancelled });
  }
}

const json = (status: number, body: unknown): Response => Response.json(body, { status });
const error = (status: number, code: string, message: string): Response =>
  json(status, { error: { code, message } });
const notFound = (what: string): Response => error(404, 'not_found', `there is no ${what}`);
const jobsOf = ({ chunks }: FakeSubmission): FakeJob[] =>
  [...chunks].sort(([a], [b]) => a - b).flatMap(([, { jobs }]) => jobs);

function accept(submission: FakeSubmission, n: number, body: string): Response {
  const known = submission.chunks.get(n);
  if (known === undefined && submission.closed)
    return error(409, 'closed', `submission ${submission.id} is closed`);
  if (known !== undefined && known.body !== body)
    return error(409, 'conflict', `chunk ${n} has other content`);
  const jobs =
    known?.jobs ??
    body
      .trimEnd()
      .split('\n')
      .map((text, index): FakeJob => {
        const { line, customId, record } = JSON.parse(text);
        const jobId = `${submission.id}.${n}.${index}`;
        return {
          jobId,
          line,
          customId,
          record: JSON.stringify(record),
          status: 'Queued',
          outcome: undefined,
        };
      });
  submission.chunks.set(n, { body, jobs });
  return json(200, { jobIds: jobs.map(({ jobId }) => jobId) });
}

function close(submission: FakeSubmission, jobs: number): Response {
  const total = jobsOf(submission).length;
  if (total !== jobs) return error(409, 'incomplete', `${total} jobs were accepted, not ${jobs}`);
  submission.closed = true;
  return json(200, info(submission));
}

function retry(submission: FakeSubmission, body: unknown): Response {
  const { generation, jobIds } = body as { generation?: number; jobIds?: string[] };
  const failed = jobsOf(submission).filter(
    ({ jobId, status }) => status === 'Failed' && (jobIds?.includes(jobId) ?? true),
  );
  const retried = failed.length > 0 && (generation ?? submission.generation) === submission.generation;
  if (retried) submission.generation++;
  if (retried) for (const job of failed) Object.assign(job, { status: 'Queued', outcome: undefined });
  return json(200, { submission: info(submission), retried });
}

export function info(submission: FakeSubmission): SubmissionInfo {
  const { id, name, content, closed, generation, model, settings } = submission;
  const counts = { Queued: 0, Processing: 0, Processed: 0, Failed: 0, Cancelled: 0 };
  const jobs = jobsOf(submission);
  for (const { status } of jobs) counts[status]++;
  const open = counts.Queued + counts.Processing > 0;
  return {
    submissionId: id,
    ...(name === undefined ? {} : { name }),
    ...(content === undefined ? {} : { content }),
    createdTime: '2026-08-01T12:00:00.000Z',
    state: closed ? (open ? 'Running' : 'Finished') : 'Open',
    total: jobs.length,
    counts,
    generation,
    model,
    settings,
  };
}

function resultLine({ jobId, line, customId, status, outcome }: FakeJob): string {
  const custom = customId === undefined ? '' : `,"customId":${JSON.stringify(customId)}`;
  const tail =
    status === 'Processed' ? `,"result":${outcome}` : status === 'Failed' ? `,"error":${outcome}` : '';
  return `{"line":${line},"jobId":"${jobId}"${custom},"status":"${status}"${tail}}`;
}

function statusBody({ jobId, line, customId, status, outcome }: FakeJob): Record<string, unknown> {
  return {
    jobId,
    status,
    arrivalTime: '2026-08-01T12:00:00.000Z',
    processedTime: null,
    ...(status === 'Failed' ? { error: JSON.parse(outcome ?? 'null') } : {}),
    submissionId: jobId.split('.')[0],
    line,
    customId,
    generation: 0,
  };
}

function jobBody(job: FakeJob): Record<string, unknown> {
  return {
    ...statusBody(job),
    result: job.status === 'Processed' ? JSON.parse(job.outcome ?? 'null') : null,
  };
}
