/** Results behind addresses are put into their lines: whatever happens on the way, whole or not at all. */
import { describe, expect, it } from 'vitest';
import { ApiClient, type Fetch } from '../../../cli/src/client/client.ts';
import { wholeResults } from '../../../cli/src/client/whole-results.ts';
import { InterruptedError } from '../../../cli/src/errors.ts';

const S3 = 'https://bucket.s3.amazonaws.com/result/o.out?signature';
const RESULT = JSON.stringify('0123456789'.repeat(10));
/** The object: another result before, and one after it. */
const OBJECT = `"before"\n${RESULT}\n"after"\n`;
const FROM = 9;
const RANGE = `bytes=${FROM}-${FROM + RESULT.length - 1}`;

const head = (n: number, custom = '') => `{"line":${n + 1},"jobId":"s.0.${n}"${custom},"status":"Processed"`;
const linked = (n: number, url: string, range?: string, custom = '') =>
  `${head(n, custom)},"result":null,"resultUrl":${JSON.stringify(url)}${range ? `,"resultRange":"${range}"` : ''}}\n`;
const whole = (n: number, custom = '') => `${head(n, custom)},"result":${RESULT}}\n`;

/** S3's answer: the object, or a part of it. */
function answered(request: Request, object = OBJECT): Response {
  const range = request.headers.get('range');
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
  const part = object.slice(Number(from ?? 0), to ? Number(to) + 1 : undefined);
  const headers: Record<string, string> = { 'content-length': String(part.length) };
  if (range) headers['content-range'] = `bytes ${from}-${Number(from) + part.length - 1}/${object.length}`;
  return new Response(part, { status: range ? 206 : 200, headers });
}

/** The first so many bytes of an answer, and then the connection breaks. */
function cutAt(answer: Response, bytes: number): Response {
  const headers = answer.headers;
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(new Uint8Array(await answer.arrayBuffer()).subarray(0, bytes));
    },
    pull: (controller) => controller.error(Object.assign(new Error('cut'), { code: 'ECONNRESET' })),
  });
  return new Response(body, { status: answer.status, headers });
}

function world(fetch: Fetch, signal = new AbortController().signal) {
  const waits: number[] = [];
  const requests: string[] = [];
  let text = '';
  const client = new ApiClient({
    endpoint: 'http://fake/base',
    key: 'k',
    fetch: (request, how) => {
      requests.push(`${request.url.replace(S3, 'S3')} ${request.headers.get('range') ?? ''}`.trim());
      return fetch(request, how);
    },
    now: () => 0,
    sleep: async (ms) => void waits.push(ms),
    random: () => 1,
    signal,
  });
  const write = wholeResults(client, async (bytes) => {
    text += typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString();
  });
  return { write, requests, waits, text: () => text };
}

describe('lines with addresses', () => {
  it('are written whole among others, in one line each', async () => {
    const { write, text, requests } = world(async (request) => answered(request));
    const custom = ',"customId":"a \\"b\\""';
    const other = '{"line":9,"jobId":"s.0.8","status":"Failed","error":{"code":"c","message":"m"}}\n';
    await write(other + linked(0, S3, RANGE) + linked(1, S3, RANGE, custom) + other);
    expect(text()).toBe(other + whole(0) + whole(1, custom) + other);
    expect(requests).toEqual([`S3 ${RANGE}`, `S3 ${RANGE}`]);
  });

  it('are asked for with the key at the API itself only, as a stream', async () => {
    const seen: unknown[] = [];
    const { write, text } = world(async (request, how) => {
      seen.push([request.url, request.headers.get('x-api-key'), how]);
      return answered(request, RESULT);
    });
    await write(linked(0, '/job/s.0.0/result') + linked(1, S3));
    expect(text()).toBe(whole(0) + whole(1));
    expect(seen).toEqual([
      ['http://fake/base/job/s.0.0/result', 'k', { stream: true }],
      [S3, null, { stream: true }],
    ]);
  });

  it('are not looked for in what models say', async () => {
    const { write, text, requests } = world(async () => new Response('no'));
    const said = `${head(0)},"result":{"status":"Processed","result":null,"resultUrl":"${S3}"}}\n`;
    await write(said);
    expect([text(), requests]).toEqual([said, []]);
  });

  it('are taken out of the object where the range was passed over', async () => {
    const { write, text } = world(async () => answered(new Request(S3)));
    await write(linked(0, S3, RANGE));
    expect(text()).toBe(whole(0));
  });
});

describe('a copy that is cut', () => {
  it.each([
    ['with a range', S3, RANGE, OBJECT, [`S3 ${RANGE}`, `S3 bytes=${FROM + 40}-${FROM + RESULT.length - 1}`]],
    ['without', S3, undefined, RESULT, ['S3', 'S3 bytes=40-']],
  ])('goes on where it was, %s', async (_name, url, range, object, asked) => {
    let times = 0;
    const { write, text, requests, waits } = world(async (request) => {
      const answer = answered(request, object);
      return ++times === 1 ? cutAt(answer, 40) : answer;
    });
    await write(linked(0, url, range));
    expect(text()).toBe(whole(0));
    expect([requests, waits]).toEqual([asked, [200]]);
  });

  it('goes on where the server sends all of it again', async () => {
    let times = 0;
    const { write, text } = world(async () => {
      const answer = answered(new Request(S3), RESULT);
      return ++times === 1 ? cutAt(answer, 40) : answer;
    });
    await write(linked(0, '/job/s.0.0/result'));
    expect(text()).toBe(whole(0));
  });

  it('that ends too early without a word is no result', async () => {
    const short = async (): Promise<Response> =>
      new Response('"01', { status: 206, headers: { 'content-range': `bytes ${FROM}-11/200` } });
    const { write, waits } = world(short);
    await expect(write(linked(0, S3, RANGE))).rejects.toMatchObject({
      code: 'result_unreadable',
      exitCode: 1,
    });
    expect(waits.length).toBeGreaterThan(0);
  });
});

describe('an address', () => {
  const job = { jobId: 's.0.0', status: 'Processed', result: null };
  const ended = (code: string, status: number): Response =>
    new Response(`<Error><Code>${code}</Code></Error>`, { status });

  it.each([
    ['AccessDenied', 403],
    ['ExpiredToken', 400],
  ])('that has ended (%s) is asked for again', async (code, status) => {
    const { write, text, requests } = world(async (request) => {
      if (request.url.startsWith('http://fake'))
        return Response.json({ ...job, resultUrl: `${S3}&new`, resultRange: RANGE });
      return request.url.endsWith('new') ? answered(request) : ended(code, status);
    });
    await write(linked(0, S3, RANGE));
    expect(text()).toBe(whole(0));
    expect(requests).toEqual([`S3 ${RANGE}`, 'http://fake/base/job/s.0.0', `S3&new ${RANGE}`]);
  });

  it('that is never good is given up after a few', async () => {
    const { write, requests } = world(async (request) =>
      request.url.startsWith('http://fake')
        ? Response.json({ ...job, resultUrl: S3, resultRange: RANGE })
        : ended('AccessDenied', 403),
    );
    await expect(write(linked(0, S3, RANGE))).rejects.toMatchObject({
      message: "the result of s.0.0 can't be read",
      why: 'its address answered: AccessDenied',
    });
    expect(requests.length).toBeLessThan(10);
  });

  it('whose server is busy is asked again, and one that holds nothing is an error before any of its line', async () => {
    let times = 0;
    const busy = world(async (request) =>
      ++times < 3 ? new Response('', { status: 503 }) : answered(request),
    );
    await busy.write(linked(0, S3, RANGE));
    expect([busy.text(), busy.waits]).toEqual([whole(0), [200, 400]]);
    const gone = world(async () => ended('NoSuchKey', 404));
    await expect(gone.write(linked(0, S3, RANGE))).rejects.toMatchObject({
      code: 'result_unreadable',
      exitCode: 1,
      why: 'its address answered: NoSuchKey',
      next: [expect.stringContaining('batchml results s.0.0')],
    });
    expect([gone.text(), gone.waits]).toEqual(['', []]);
  });
});

describe('copying', () => {
  /** A body of so many blocks of 64 KiB, that counts those that were taken from it. */
  function large(blocks: number): { body: ReadableStream<Uint8Array>; taken: () => number } {
    let taken = 0;
    const block = new Uint8Array(65_536).fill(48);
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          if (taken++ < blocks) controller.enqueue(block);
          else controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    return { body, taken: () => taken };
  }

  it('takes 200 MB no faster than they are written', async () => {
    const blocks = 3200;
    const { body, taken } = large(blocks);
    const headers = { 'content-length': String(blocks * 65_536) };
    const client = new ApiClient({
      endpoint: 'http://fake',
      key: 'k',
      fetch: async () => new Response(body, { headers }),
      now: () => 0,
      sleep: async () => undefined,
      signal: new AbortController().signal,
    });
    let [written, most] = [0, 0];
    await wholeResults(client, async (bytes) => {
      await Promise.resolve();
      if (typeof bytes === 'string') return;
      written += bytes.length;
      most = Math.max(most, taken() * 65_536 - written);
    })(linked(0, '/job/s.0.0/result'));
    expect(written).toBe(blocks * 65_536);
    expect(most).toBeLessThan(4 * 65_536);
  });

  it('does not try again what could not be written', async () => {
    let asked = 0;
    const client = new ApiClient({
      endpoint: 'http://fake',
      key: 'k',
      fetch: async (request) => {
        asked++;
        return answered(request, RESULT);
      },
      now: () => 0,
      sleep: async () => undefined,
      signal: new AbortController().signal,
    });
    const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    const write = wholeResults(client, async () => Promise.reject(full));
    await expect(write(linked(0, '/job/s.0.0/result'))).rejects.toBe(full);
    expect(asked).toBe(1);
  });

  it('stops at once when it is aborted', async () => {
    const abort = new AbortController();
    const endless = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
    const { write } = world(async () => {
      setImmediate(() => abort.abort(new InterruptedError('SIGINT')));
      return new Response(endless, { headers: { 'content-length': '9' } });
    }, abort.signal);
    await expect(write(linked(0, '/job/s.0.0/result'))).rejects.toMatchObject({ exitCode: 130 });
  });
});
