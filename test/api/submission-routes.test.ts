import { formatWireLine } from '@batchml/backend/words';
import { afterEach, describe, expect, test } from 'vitest';
import type { JobView } from '../../backend/ports/ledger.ts';
import { numbered, openPipeline, type Pipeline } from '../support/local-pipeline.ts';

let pipeline: Pipeline;
afterEach(() => pipeline.close());

/** Nothing is started: what is accepted stays Queued. */
async function idle(): Promise<void> {
  pipeline = await openPipeline({ model: 'http://127.0.0.1:9' });
}

function chunk(from: number, count: number): string {
  return numbered(count, from)
    .map((record, i) => formatWireLine(from + i + 1, `id-${from + i}`, record))
    .join('\n');
}

async function error(answer: Response): Promise<{ status: number; code: string; message: string }> {
  const { error: said } = (await answer.json()) as { error: { code: string; message: string } };
  return { status: answer.status, ...said };
}

describe('chunks', () => {
  test('a chunk sent again gives the same IDs and counts once', async () => {
    await idle();
    const send = () => pipeline.call('POST', '/submissions/s/chunks/0', chunk(0, 3));
    const ids = { jobIds: ['s.0.0', 's.0.1', 's.0.2'] };
    expect(await (await send()).json()).toEqual(ids);
    expect(await (await send()).json()).toEqual(ids);
    expect(await pipeline.submission('s')).toMatchObject({ total: 3, state: 'Open', counts: { Queued: 3 } });
  });

  test('a chunk with other content is refused, and the first one stands', async () => {
    await idle();
    await pipeline.call('POST', '/submissions/s/chunks/0', chunk(0, 3));
    expect(await error(await pipeline.call('POST', '/submissions/s/chunks/0', chunk(1, 3)))).toMatchObject({
      status: 409,
      code: 'conflict',
    });
    const lines = await pipeline.results('s');
    expect(lines.map((line) => line.line)).toEqual([1, 2, 3]);
  });

  test('many senders of one chunk at once: one chunk, the same IDs for all', async () => {
    await idle();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => pipeline.call('POST', '/submissions/s/chunks/0', chunk(0, 5))),
    );
    const bodies = await Promise.all(answers.map((answer) => answer.text()));
    expect(new Set(bodies).size).toBe(1);
    expect((await pipeline.submission('s')).total).toBe(5);
  });

  test.each([
    [
      'more records than a chunk may hold',
      () => chunk(0, 501),
      413,
      'too_large',
      /501 records, the limit is 500/,
    ],
    ['more bytes than a chunk may hold', () => 'x'.repeat(4 * 1024 * 1024 + 1), 413, 'too_large', /4194304/],
    ['a line that is not JSON', () => `${chunk(0, 1)}\n{"line":2,"record":{]}`, 400, 'bad_record', /line 2 /],
    ['a line without a record', () => '{"line":1}', 400, 'bad_record', /`record` is missing/],
    ['lines that do not ascend', () => `${chunk(5, 1)}\n${chunk(0, 1)}`, 400, 'bad_record', /must ascend/],
    ['no lines', () => '\n', 400, 'empty', /no records/],
  ])('%s: refused, nothing stored', async (_name, body, status, code, message) => {
    await idle();
    const answer = await error(await pipeline.call('POST', '/submissions/s/chunks/0', body()));
    expect(answer).toMatchObject({ status, code, message: expect.stringMatching(message) });
    expect((await pipeline.call('GET', '/submissions/s')).status).toBe(404);
  });

  test.each([
    ['POST', '/submissions/a.b/chunks/0'],
    ['POST', '/submissions/s/chunks/x'],
    ['POST', '/submissions/s/chunks/-1'],
    ['GET', '/submissions/s/jobs?cursor=zz'],
    ['GET', '/submissions/s/jobs?status=Done'],
    ['GET', '/submissions/s/jobs?limit=0'],
    ['GET', '/submissions?limit=1000'],
    ['GET', '/submissions?cursor=a.b'],
    ['GET', '/submissions?cursor='],
  ])('%s %s is a bad request', async (method, path) => {
    await idle();
    await pipeline.submit('s', numbered(1));
    const answer = await error(
      await pipeline.call(method, path, method === 'POST' ? chunk(0, 1) : undefined),
    );
    expect(answer).toMatchObject({ status: 400, code: 'bad_request' });
  });
});

describe('submissions', () => {
  test('closing wants the number of jobs that were accepted', async () => {
    await idle();
    await pipeline.call('POST', '/submissions/s/chunks/0', chunk(0, 3));
    expect(await error(await pipeline.call('POST', '/submissions/s/close', { jobs: 4 }))).toMatchObject({
      status: 409,
      code: 'incomplete',
    });
    expect((await pipeline.call('POST', '/submissions/s/close', { jobs: 3 })).status).toBe(200);
    expect((await pipeline.call('POST', '/submissions/s/close', { jobs: 3 })).status).toBe(200);
    expect(await error(await pipeline.call('POST', '/submissions/s/chunks/1', chunk(3, 1)))).toMatchObject({
      status: 409,
      code: 'closed',
    });
    // The chunk that was accepted before is still acknowledged.
    expect((await pipeline.call('POST', '/submissions/s/chunks/0', chunk(0, 3))).status).toBe(200);
  });

  test('announcing one again with other content is refused', async () => {
    await idle();
    const put = (content: string) => pipeline.call('PUT', '/submissions/s', { content, name: 'a.jsonl' });
    expect(await (await put('aa')).json()).toMatchObject({
      submissionId: 's',
      content: 'aa',
      name: 'a.jsonl',
      total: 0,
    });
    expect((await put('aa')).status).toBe(200);
    expect((await put('bb')).status).toBe(409);
  });

  test('are listed newest first, by pages', async () => {
    await idle();
    for (const id of ['a', 'b', 'c', 'd', 'e']) await pipeline.submit(id, numbered(1));
    await pipeline.call('POST', '/job', '{"single":true}');
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const answer = await pipeline.call('GET', `/submissions?limit=2${query}`);
      const page = (await answer.json()) as {
        submissions: { submissionId: string }[];
        cursor: string | null;
      };
      seen.push(...page.submissions.map((submission) => submission.submissionId));
      cursor = page.cursor;
    }
    expect(seen).toEqual(['e', 'd', 'c', 'b', 'a']);
  });

  test.each(['x', '1e2', '0x1', '-1', 'eyJwayI6IkwifQ', '9'.repeat(200)])(
    'a page from the cursor of another pipeline (%s) is empty',
    async (cursor) => {
      await idle();
      await pipeline.submit('a', numbered(1));
      const answer = await pipeline.call('GET', `/submissions?cursor=${cursor}`);
      expect(await answer.json()).toEqual({ submissions: [], cursor: null });
    },
  );

  test('jobs are listed in input order whatever the page, with line numbers and custom IDs', async () => {
    await idle();
    for (const n of [0, 1, 2]) await pipeline.call('POST', `/submissions/s/chunks/${n}`, chunk(n * 7, 7));
    for (const limit of [1, 3, 7, 100]) {
      const lines = await pipeline.results('s', `limit=${limit}`);
      expect(lines.map(({ line, customId }) => [line, customId])).toEqual(
        Array.from({ length: 21 }, (_, i) => [i + 1, `id-${i}`]),
      );
    }
    expect(await pipeline.results('s', 'status=Failed')).toEqual([]);
  });

  test('final=true stops before the first job that is not final, and says where to go on', async () => {
    await idle();
    await pipeline.submit('s', numbered(3));
    await pipeline.call('DELETE', '/job/s.0.0');
    const answer = await pipeline.call('GET', '/submissions/s/jobs?final=true', undefined, {
      accept: 'application/x-ndjson',
    });
    expect(await answer.text()).toBe('{"line":1,"jobId":"s.0.0","status":"Cancelled"}\n');
    expect(answer.headers.get('x-batchml-pending')).toBe('true');
    expect(answer.headers.get('x-batchml-cursor')).toBe('0.1');
  });

  test('a hundred jobs are asked for at once; unknown ones are named', async () => {
    await idle();
    await pipeline.submit('s', numbered(2));
    const ask = (jobIds: string[]) => pipeline.call('POST', '/jobs/status', { jobIds });
    expect(await (await ask(['s.0.1', 'x.0.0', 'rubbish', 's.0.0'])).json()).toMatchObject({
      jobs: [{ jobId: 's.0.1' }, { jobId: 's.0.0' }],
      unknown: ['x.0.0', 'rubbish'],
    });
    expect(await (await ask(['s.0.0'])).text()).not.toContain('"result"');
    expect((await ask(Array(101).fill('s.0.0'))).status).toBe(400);
    expect((await ask([])).status).toBe(400);
  });

  test('cancelling in the queue ends every job, and a second time changes nothing', async () => {
    await idle();
    await pipeline.submit('s', numbered(1200));
    const cancelled = { Queued: 0, Processing: 0, Processed: 0, Failed: 0, Cancelled: 1200 };
    for (let i = 0; i < 2; i++)
      expect(await (await pipeline.call('POST', '/submissions/s/cancel')).json()).toMatchObject({
        state: 'Finished',
        counts: cancelled,
      });
  });

  test.each([
    ['GET', '/submissions/none'],
    ['GET', '/submissions/none/jobs'],
    ['POST', '/submissions/none/close'],
    ['POST', '/submissions/none/cancel'],
    ['POST', '/submissions/none/retry'],
    ['DELETE', '/job/none.0.0'],
    ['GET', '/nowhere'],
  ])('%s %s is not found', async (method, path) => {
    await idle();
    const answer = await pipeline.call(method, path, path.endsWith('close') ? { jobs: 0 } : undefined);
    expect(await error(answer)).toMatchObject({ status: 404, code: 'not_found' });
  });
});

describe('results that are too large for an answer', () => {
  /** Of three jobs the first has a result of 3 MB, with characters of all lengths; the others have 2 MB each. */
  const resultOf = (i: number) => JSON.stringify(i === 0 ? 'xé€😀'.repeat(300_000) : 'x'.repeat(2_000_000));

  async function large(): Promise<void> {
    const finished = (job: JobView): JobView => ({
      ...job,
      status: 'Processed',
      result: resultOf(job.ref.index),
    });
    pipeline = await openPipeline({
      model: 'http://127.0.0.1:9',
      wrapPorts: (ports) => ({
        ...ports,
        ledger: {
          ...ports.ledger,
          jobs: async (refs) => (await ports.ledger.jobs(refs)).map((job) => job && finished(job)),
          chunks: async (...args) =>
            (await ports.ledger.chunks(...args)).map(({ n, jobs }) => ({ n, jobs: jobs.map(finished) })),
        },
      }),
    });
    await pipeline.submit('s', numbered(3));
  }

  test('are answered by a path that streams them', async () => {
    await large();
    const resultUrl = '/job/s.0.0/result';
    expect(await pipeline.job('s.0.0')).toMatchObject({ result: null, resultUrl });
    const answer = await pipeline.call('GET', '/submissions/s/jobs?limit=1', undefined, {
      accept: 'application/x-ndjson',
    });
    expect(await answer.text()).toBe(
      `{"line":1,"jobId":"s.0.0","status":"Processed","result":null,"resultUrl":"${resultUrl}"}\n`,
    );
    const streamed = await pipeline.call('GET', resultUrl);
    expect(streamed.headers.get('content-length')).toBe(String(Buffer.byteLength(resultOf(0))));
    expect((await streamed.text()) === resultOf(0)).toBe(true);
  });

  test('are spread over pages', async () => {
    await large();
    const answer = await pipeline.call('GET', '/submissions/s/jobs');
    expect(await answer.json()).toMatchObject({ jobs: [{ line: 1 }, { line: 2 }], cursor: '0.2' });
    expect((await pipeline.results('s')).map(({ line }) => line)).toEqual([1, 2, 3]);
  });

  test('that are not there are not found', async () => {
    await idle();
    await pipeline.submit('s', numbered(1));
    for (const [id, why] of [
      ['s.0.0', 'job s.0.0 is Queued and has no result'],
      ['s.0.1', 'there is no job s.0.1'],
    ])
      expect(await error(await pipeline.call('GET', `/job/${id}/result`))).toMatchObject({
        status: 404,
        code: 'not_found',
        message: why,
      });
  });
});

describe('when the store fails', () => {
  test('nothing is acknowledged', async () => {
    pipeline = await openPipeline({
      model: 'http://127.0.0.1:9',
      wrapPorts: (ports) => ({
        ...ports,
        ledger: { ...ports.ledger, acceptChunk: () => Promise.reject(new Error('database or disk is full')) },
      }),
    });
    const answer = await pipeline.call('POST', '/submissions/s/chunks/0', chunk(0, 3));
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(await error(answer)).toMatchObject({ status: 503, code: 'unavailable' });
  });
});

test('GET /open says how much is open, by kind, and of which version', async () => {
  await idle();
  const open = async () => (await pipeline.call('GET', '/open')).json();
  const nothing = { chunks: false, batches: 0, transforms: 0, submissions: 0 };
  expect(await open()).toEqual({ open: nothing, schemaVersion: 2 });
  await pipeline.call('POST', '/submissions/s/chunks/0', chunk(0, 3));
  expect(await open()).toMatchObject({ open: { submissions: 1 } });
});
