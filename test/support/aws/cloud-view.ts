/** A deployed pipeline as its users see it (requests through API Gateway), and as a test looks at its state. */
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { expect } from 'vitest';
import type { SubmissionInfo } from '../../../backend/api/wire.ts';
import { formatWireLine } from '../../../backend/core/chunk.ts';
import { type StatusCounts, type Submission, statusCounts } from '../../../backend/core/submission.ts';
import type { StoreLedger } from '../../../backend/ledger/index.ts';
import type { Clock } from '../../../backend/ports/clock.ts';
import type { JobView } from '../../../backend/ports/ledger.ts';
import type { FakeS3 } from './fake-s3.ts';
import type { Outcome } from './invocations.ts';
import { apiEvent, responseOf } from './lambda-events.ts';
import type { MemoryStore } from './memory-store.ts';
import { BUCKET } from './services.ts';

export const KEY = 'the-key';
/** How often a client sends a request that gets no answer. */
const CLIENT_TRIES = 300;

export interface SubmitOptions {
  readonly chunkSize?: number;
  /** Jobs of each chunk, before `chunkSize` counts. */
  readonly chunks?: readonly number[];
  /** Leaves the submission open. */
  readonly open?: boolean;
}

export abstract class CloudView {
  abstract readonly clock: Pick<Clock, 'now'>;
  abstract readonly table: MemoryStore;
  abstract readonly s3: FakeS3;
  /** The ledger as the test looks at it. */
  abstract readonly ledger: StoreLedger;
  /** Answers of the API that were not 2xx, as `call` saw them. */
  readonly refusals: string[] = [];

  /** Runs the function behind the API. */
  protected abstract request(event: APIGatewayProxyEvent): Promise<Outcome>;

  /** One request through API Gateway. A function that fails is a 502, one that hangs a 504. */
  async fetch(method: string, path: string, init: { body?: unknown; headers?: Record<string, string> } = {}) {
    const { body, headers = { 'x-api-key': KEY } } = init;
    if (headers['x-api-key'] !== KEY) return Response.json({ message: 'Forbidden' }, { status: 403 });
    const bytes =
      body === undefined
        ? undefined
        : Buffer.from(
            typeof body === 'string' || Buffer.isBuffer(body) ? (body as string) : JSON.stringify(body),
          );
    const url = new URL(path, 'https://api.execute-api.us-east-1.amazonaws.com');
    const outcome = await this.request(apiEvent(method, url, headers, bytes, this.clock.now()));
    if (outcome.kind === 'answered') return responseOf(outcome.answer as never);
    return Response.json(
      { message: 'Internal server error' },
      { status: outcome.kind === 'gone' ? 504 : 502 },
    );
  }

  /** A request as clients make it: sent again after a 5xx or a lost answer. Gives the answer's JSON. */
  async call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> {
    for (let tries = 0; tries < CLIENT_TRIES; tries++) {
      const answer = await this.fetch(method, path, { body, headers: { 'x-api-key': KEY, ...headers } });
      const text = await answer.text();
      if (answer.ok) return JSON.parse(text) as T;
      this.refusals.push(`${method} ${path}: ${answer.status} ${text}`);
      if (answer.status < 500 && answer.status !== 429) throw new Error(this.refusals.at(-1));
    }
    throw new Error(`${method} ${path} was sent ${CLIENT_TRIES} times: ${this.refusals.at(-1)}`);
  }

  /** Sends records (JSON text each) by chunks, of a size or of these sizes, and closes the submission. */
  async submit(
    id: string,
    records: readonly string[],
    { chunkSize = 500, chunks = [], open = false }: SubmitOptions = {},
  ): Promise<void> {
    await this.call('PUT', `/submissions/${id}`, {});
    let from = 0;
    for (let n = 0; from < records.length; n++) {
      const lines = records
        .slice(from, from + (chunks[n] ?? chunkSize))
        .map((record, i) => formatWireLine(from + i + 1, undefined, record));
      from += lines.length;
      await this.call('POST', `/submissions/${id}/chunks/${n}`, Buffer.from(`${lines.join('\n')}\n`), {
        'content-type': 'application/x-ndjson',
      });
    }
    if (!open) await this.call('POST', `/submissions/${id}/close`, { jobs: records.length });
  }

  info(id: string): Promise<SubmissionInfo> {
    return this.call<SubmissionInfo>('GET', `/submissions/${id}`);
  }

  /** Nothing is open any more. */
  async expectQuiet(): Promise<void> {
    this.table.catchUp();
    const open = await this.ledger.openWork(this.clock.now());
    expect(open, JSON.stringify(open)).toEqual({
      chunks: false,
      forming: [],
      held: [],
      overdue: [],
      waiting: false,
      transforms: [],
      submissions: [],
      ending: [],
    });
  }

  async submission(id: string): Promise<Submission> {
    const submission = await this.ledger.submission(id);
    if (!submission) throw new Error(`no submission ${id}`);
    return submission;
  }

  async counts(id: string): Promise<StatusCounts> {
    return statusCounts((await this.submission(id)).counters);
  }

  async jobs(id: string): Promise<JobView[]> {
    return (await this.ledger.chunks(id, 0, 10_000)).flatMap(({ jobs }) => jobs);
  }

  /** Objects in the bucket, by the first part of their keys. */
  stored(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const key of this.s3.keys(BUCKET)) {
      const [folder = ''] = key.split('/');
      counts[folder] = (counts[folder] ?? 0) + 1;
    }
    return counts;
  }
}
