/**
 * Large results: left where the model's output is, read by range, given in answers that Lambda can carry (6 MB), and
 * where none can, by an address in S3 that clients follow.
 */
import { beforeAll, expect, it } from 'vitest';
import { MAX_RESULT_BYTES } from '../../backend/core/answer-size.ts';
import { ApiClient } from '../../cli/src/client/client.ts';
import { resultPages } from '../../cli/src/client/result-pages.ts';
import { wholeResults } from '../../cli/src/client/whole-results.ts';
import { Cloud, KEY } from '../support/aws/cloud.ts';
import { BUCKET } from '../support/aws/services.ts';
import { numberOf, records } from '../support/memory-pipeline.ts';

const COUNT = 24;
const LARGE = 20_000_000;
/** What the eighth and the tenth say is larger than any answer. */
const isLarge = (n: number) => n === 7 || n === 9;
const textOf = (n: number) =>
  isLarge(n) ? 'x'.repeat(n === 7 ? LARGE : MAX_RESULT_BYTES) : '€"'.repeat(75_000 + n);
const resultOf = (n: number) => JSON.stringify(textOf(n));

interface Line {
  readonly line: number;
  readonly jobId: string;
  readonly status: string;
  readonly result?: string | null;
  readonly resultUrl?: string;
  readonly resultRange?: string;
}

let cloud: Cloud;
beforeAll(async () => {
  cloud = await Cloud.open((record) => resultOf(numberOf(record)));
  await cloud.submit('s', records(COUNT), { chunkSize: 10 });
  await cloud.finish(['s']);
}, 120_000);

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await cloud.fetch(method, path, { body, headers: { 'x-api-key': KEY } });
  const text = await answer.text();
  expect([answer.status, Buffer.byteLength(JSON.stringify({ body: text })) < 6_000_000]).toEqual([200, true]);
  return JSON.parse(text) as T;
}

/** Requests of a client: to the API, and to the bucket without a key. */
function clientOf(requests: string[] = [], s3: (request: Request) => Response | undefined = () => undefined) {
  return new ApiClient({
    endpoint: 'https://api.execute-api.us-east-1.amazonaws.com',
    key: KEY,
    fetch: async (request) => {
      const { host, pathname, search } = new URL(request.url);
      requests.push(`${host.split('.')[0]} ${pathname}`);
      if (host.startsWith('api.')) {
        const body = await request.text();
        const headers = Object.fromEntries(request.headers);
        return cloud.fetch(request.method, pathname + search, { headers, ...(body ? { body } : {}) });
      }
      expect(request.headers.get('x-api-key')).toBeNull();
      return s3(request) ?? cloud.s3.fetch(request, cloud.clock.now());
    },
    now: () => 0,
    sleep: async () => undefined,
    signal: new AbortController().signal,
  });
}

/** All lines as they are printed. */
async function printed(client: ApiClient): Promise<string[]> {
  const blocks: Buffer[] = [];
  const write = wholeResults(client, async (text) => void blocks.push(Buffer.from(text as string)));
  for await (const page of resultPages(client, 's')) await write(page);
  return Buffer.concat(blocks).toString().trimEnd().split('\n');
}

const lineOf = (n: number) =>
  `{"line":${n + 1},"jobId":"s.${Math.floor(n / 10)}.${n % 10}","status":"Processed","result":${resultOf(n)}}`;

it('come by pages, each as it is, and those that are larger than any answer by their addresses', async () => {
  const lines: Line[] = [];
  for (let cursor: string | null = '0.0'; cursor !== null; ) {
    const path = `/submissions/s/jobs?limit=1000&cursor=${cursor}`;
    const page: { jobs: Line[]; cursor: string | null } = await ask('GET', path);
    lines.push(...page.jobs);
    cursor = page.cursor;
  }
  expect(lines.map(({ line }) => line)).toEqual(records(COUNT).map((_, n) => n + 1));
  for (const [n, line] of lines.entries()) {
    const { result, resultUrl, resultRange } = line;
    if (isLarge(n))
      expect({ result, resultUrl, resultRange }).toEqual({
        result: null,
        resultUrl: expect.stringMatching(/^https:\/\/bucket\.s3\..*\.out\?.*X-Amz-SignedHeaders=host&/),
        resultRange: expect.stringMatching(/^bytes=\d+-\d+$/),
      });
    else expect([result === textOf(n), resultUrl]).toEqual([true, undefined]);
    const { arrivalTime, processedTime, ...job } = await ask<Record<string, unknown>>(
      'GET',
      `/job/${line.jobId}`,
    );
    expect(job['result'] === (isLarge(n) ? null : textOf(n))).toBe(true);
    if (isLarge(n)) expect(job).toMatchObject({ resultUrl, resultRange });
  }
});

it('are printed whole, byte for byte', async () => {
  const requests: string[] = [];
  const lines = await printed(clientOf(requests));
  expect(lines).toHaveLength(COUNT);
  for (const [n, line] of lines.entries()) expect(line === lineOf(n), `line ${n + 1}`).toBe(true);
  expect(requests.filter((request) => request.startsWith('bucket '))).toHaveLength(2);
});

it('are printed whole although their address ended, and the connection broke', async () => {
  const requests: string[] = [];
  let broken = 0;
  const client = clientOf(requests, (request) => {
    const asked = requests.filter((one) => one.startsWith('bucket ')).length;
    if (asked === 1) cloud.clock.moveTo(cloud.clock.now() + 3_600_001);
    if (asked !== 2) return undefined;
    broken++;
    const { body, ...answer } = cloud.s3.fetch(request, cloud.clock.now());
    return new Response(cutAfter(body, 1), answer);
  });
  const lines = await printed(client);
  expect(broken).toBe(1);
  for (const [n, line] of lines.entries()) expect(line === lineOf(n), `line ${n + 1}`).toBe(true);
  expect(requests).toContain('api /job/s.0.7');
});

it('are asked for by their statuses without being read, and by pages no more than is answered', async () => {
  const ids = (await cloud.jobs('s')).map(({ ref }) => `${ref.submission}.${ref.chunk}.${ref.index}`);
  cloud.s3.sent = 0;
  const { jobs, unknown } = await ask<{ jobs: Line[]; unknown: string[] }>('POST', '/jobs/status', {
    jobIds: [...ids, 's.0.99'],
  });
  expect(jobs.map(({ jobId, status }) => [jobId, status])).toEqual(ids.map((id) => [id, 'Processed']));
  expect([unknown, jobs.some((job) => 'result' in job)]).toEqual([['s.0.99'], false]);
  const small = records(COUNT).flatMap((_, n) => (isLarge(n) ? [] : [Buffer.byteLength(resultOf(n))]));
  expect(Math.max(...small)).toBeLessThan(MAX_RESULT_BYTES);
  const chunkReads = cloud.s3.sent;
  for await (const _ of resultPages(clientOf(), 's'));
  expect(chunkReads).toBe(0);
  // Some stand in segments; what is left in the bucket is read once.
  expect(cloud.s3.sent).toBeLessThanOrEqual(small.reduce((sum, bytes) => sum + bytes, 0));
});

it('that are gone from the bucket are an error, not a null', async () => {
  for (const key of cloud.s3.keys(BUCKET, 'result/')) cloud.s3.remove(BUCKET, key);
  const client = clientOf();
  const blocks: (string | Uint8Array)[] = [];
  const write = wholeResults(client, async (text) => void blocks.push(text));
  const id = (await cloud.jobs('s')).find(({ line }) => line === 8);
  expect(id?.status).toBe('Processed');
  const page = await client.results('s', { cursor: '0.7', limit: 1 });
  await expect(write(page.text)).rejects.toMatchObject({
    message: "the result of s.0.7 can't be read",
    why: 'its address answered: NoSuchKey',
    exitCode: 1,
    next: [expect.stringContaining('batchml results s.0.7')],
  });
  expect(blocks).toEqual([]);
});

/** The first blocks of a body, and then an error. */
function cutAfter(body: ReadableStream<Uint8Array> | null, blocks: number): ReadableStream<Uint8Array> {
  const from = body?.getReader();
  let left = blocks;
  return new ReadableStream({
    async pull(controller) {
      const next = left-- > 0 ? await from?.read() : undefined;
      if (next?.value) controller.enqueue(next.value.subarray(0, 1_000_000));
      else controller.error(Object.assign(new Error('cut'), { code: 'ECONNRESET' }));
    },
  });
}
