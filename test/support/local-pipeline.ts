/** The real local pipeline over a folder of its own, and the few requests that a client makes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalEvent, type LocalOptions, type LocalPipeline, openLocal } from '@batchml/backend/local';
import type { Job, ResultLine, SubmissionInfo } from '@batchml/backend/wire';
import { DEFAULT_SETTINGS, formatWireLine, type Settings } from '@batchml/backend/words';
import { checkAnswer } from './check-answer.ts';

export const KEY = 'test-key';

export interface Pipeline extends LocalPipeline {
  readonly dataDir: string;
  readonly events: readonly LocalEvent[];
  /** A request with the key; a body that isn't text is sent as JSON. The answer must be as the list of routes says. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Sends records by chunks and closes the submission. */
  submit(id: string, records: readonly string[], chunkSize?: number): Promise<string[]>;
  submission(id: string): Promise<SubmissionInfo>;
  /** Waits until every job is final. */
  finished(id: string): Promise<SubmissionInfo>;
  results(id: string, query?: string): Promise<ResultLine[]>;
  job(id: string): Promise<Job>;
}

export interface PipelineOptions extends Partial<Omit<LocalOptions, 'pin'>> {
  readonly model: string;
  readonly settings?: Partial<Settings>;
}

export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'batchml-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export async function openPipeline({ model, settings, ...options }: PipelineOptions): Promise<Pipeline> {
  const folder = options.dataDir === undefined ? temporaryFolder() : undefined;
  const dataDir = options.dataDir ?? (folder?.path as string);
  const events: LocalEvent[] = [];
  const pipeline = await openLocal({
    apiKey: KEY,
    pin: { model, settings: { ...DEFAULT_SETTINGS, ...settings } },
    onEvent: (event) => events.push(event),
    ...options,
    dataDir,
  });

  const call: Pipeline['call'] = async (method, path, body, headers = {}) => {
    const request = new Request(`http://local${path}`, {
      method,
      headers: { 'x-api-key': KEY, ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const answer = await pipeline.fetch(request);
    await checkAnswer(request, answer);
    return answer;
  };
  const json = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await call(method, path, body);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };

  return {
    ...pipeline,
    dataDir,
    events,
    call,
    async submit(id, records, chunkSize = 500) {
      const ids: string[] = [];
      for (let n = 0; n * chunkSize < records.length; n++) {
        const lines = records
          .slice(n * chunkSize, (n + 1) * chunkSize)
          .map((record, i) => formatWireLine(n * chunkSize + i + 1, undefined, record));
        const body = `${lines.join('\n')}\n`;
        ids.push(
          ...(await json<{ jobIds: string[] }>('POST', `/submissions/${id}/chunks/${n}`, body)).jobIds,
        );
      }
      await json('POST', `/submissions/${id}/close`, { jobs: records.length });
      return ids;
    },
    submission: (id) => json('GET', `/submissions/${id}`),
    async finished(id) {
      for (;;) {
        const submission = await json<SubmissionInfo>('GET', `/submissions/${id}`);
        if (submission.state === 'Finished') return submission;
        await pipeline.news(1000);
      }
    },
    async results(id, query = '') {
      const lines: ResultLine[] = [];
      let cursor: string | null = '0.0';
      while (cursor !== null) {
        const page: { jobs: ResultLine[]; cursor: string | null } = await json(
          'GET',
          `/submissions/${id}/jobs?cursor=${cursor}&${query}`,
        );
        lines.push(...page.jobs);
        cursor = page.cursor;
      }
      return lines;
    },
    job: (id) => json('GET', `/job/${id}`),
    async close() {
      await pipeline.close();
      folder?.remove();
    },
  };
}

/** Records `{"n":0}`, `{"n":1}`, ... */
export function numbered(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `{"n":${from + i}}`);
}
