import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiClient, type ClientOptions } from '../../../cli/src/client/client.ts';
import { createHttpFetch } from '../../../cli/src/client/http.ts';
import { countLines, readLineHead, splitLines } from '../../../cli/src/client/result-line.ts';
import { backoffMs, MAX_WAIT_MS, retryAfterMs } from '../../../cli/src/client/retry.ts';
import { InterruptedError } from '../../../cli/src/errors.ts';

function clientWith(options: Partial<ClientOptions>): { client: ApiClient; waits: number[] } {
  const waits: number[] = [];
  const client = new ApiClient({
    endpoint: 'http://fake',
    key: 'k',
    fetch: async () => new Response('{}'),
    now: () => 0,
    sleep: async (ms) => {
      waits.push(ms);
    },
    random: () => 1,
    signal: new AbortController().signal,
    ...options,
  });
  return { client, waits };
}

/** Answers one after the other; the last one for ever. */
function answers(...all: (Response | Error)[]): () => Promise<Response> {
  let at = 0;
  return async () => {
    const answer = all[Math.min(at++, all.length - 1)] as Response | Error;
    if (answer instanceof Error) throw answer;
    return answer.clone();
  };
}

const network = (code: string): Error => Object.assign(new TypeError('fetch failed'), { cause: { code } });
const ok = Response.json({ jobIds: ['s.0.0'] });

describe('ApiClient', () => {
  it('repeats 5xx, 429 and cut connections, with growing waits', async () => {
    const busy = (status: number): Response => new Response('busy', { status });
    const { client, waits } = clientWith({
      fetch: answers(busy(500), busy(429), busy(503), network('ECONNRESET'), ok),
    });
    expect(await client.sendChunk('s', 0, 'x')).toEqual(['s.0.0']);
    expect(waits).toEqual([200, 400, 800, 1600]);
  });

  it('waits at least as long as Retry-After says, within reason', async () => {
    const later = (value: string): Response =>
      new Response('', { status: 503, headers: { 'retry-after': value } });
    const { client, waits } = clientWith({ fetch: answers(later('7'), later('9999'), ok) });
    await client.sendChunk('s', 0, 'x');
    expect(waits).toEqual([7000, MAX_WAIT_MS]);
  });

  it.each([400, 404, 409, 413])('does not repeat %i', async (status) => {
    const body = { error: { code: 'some_code', message: 'some message' } };
    const { client, waits } = clientWith({ fetch: answers(Response.json(body, { status })) });
    await expect(client.submission('s')).rejects.toMatchObject({
      code: 'some_code',
      message: 'some message',
      status,
    });
    expect(waits).toEqual([]);
  });

  it('gives up after a while', async () => {
    const { client, waits } = clientWith({
      fetch: answers(new Response('no', { status: 502 })),
      attempts: 3,
    });
    await expect(client.submission('s')).rejects.toMatchObject({ code: 'http_502', exitCode: 1 });
    expect(waits).toHaveLength(2);
  });

  it('takes a refused connection for a wrong address at first, for an outage later', async () => {
    const refused = network('ECONNREFUSED');
    const first = clientWith({ fetch: answers(refused) });
    await expect(first.client.submission('s')).rejects.toMatchObject({ code: 'unreachable' });
    expect(first.waits).toEqual([]);
    const later = clientWith({ fetch: answers(ok, refused, refused, ok) });
    await later.client.submission('s');
    await later.client.submission('s');
    expect(later.waits).toHaveLength(2);
  });

  it('stops at once when it is aborted, even if the answer never comes', async () => {
    const abort = new AbortController();
    const { client } = clientWith({ fetch: () => new Promise(() => {}), signal: abort.signal });
    const asked = client.submission('s');
    abort.abort(new InterruptedError('SIGINT'));
    await expect(asked).rejects.toMatchObject({ exitCode: 130 });
  });

  it('shows an answer that is no JSON as it is', async () => {
    const { client } = clientWith({ fetch: answers(new Response('<html>proxy</html>', { status: 400 })) });
    await expect(client.submission('s')).rejects.toThrow('the API answered 400: <html>proxy</html>');
  });
});

describe('over a socket', () => {
  it('sends bodies and headers, and keeps the connection', async () => {
    const ports = new Set<number | undefined>();
    const server = createServer((request: IncomingMessage, response: ServerResponse) => {
      ports.add(request.socket.remotePort);
      let body = '';
      request.on('data', (bytes) => {
        body += bytes;
      });
      request.on('end', () => {
        response.setHeader('x-batchml-cursor', '1.2');
        response.end(`${request.method} ${request.url} ${request.headers['x-api-key']} ${body}`);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const fetch = createHttpFetch();
    const { client } = clientWith({ endpoint, fetch });
    try {
      for (let i = 0; i < 5; i++) {
        const page = await client.results('s', { cursor: '0.1', limit: 7, final: true });
        expect(page.text).toBe('GET /submissions/s/jobs?limit=7&cursor=0.1&final=true k ');
        expect(page).toMatchObject({ cursor: '1.2', pending: false });
      }
      expect(ports.size).toBeLessThan(3);
      const echoed = await fetch(new Request(`${endpoint}/x`, { method: 'POST', body: 'größe' }));
      expect(await echoed.text()).toContain('POST /x');
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    await expect(clientWith({ endpoint, fetch }).client.submission('s')).rejects.toMatchObject({
      code: 'unreachable',
      why: 'connection refused: nothing listens there',
    });
  });
});

describe('waits', () => {
  it('are between half and all of a doubling step, never too long', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (attempt, random) => {
          const wait = backoffMs(attempt, random);
          const step = Math.min(10_000, 200 * 2 ** Math.min(attempt - 1, 20));
          expect(wait).toBeGreaterThanOrEqual(step / 2);
          expect(wait).toBeLessThanOrEqual(step);
        },
      ),
    );
  });

  it.each([
    [null, undefined],
    ['', undefined],
    ['soon', undefined],
    ['3', 3000],
    ['-3', 0],
    ['99999', MAX_WAIT_MS],
    ['Thu, 01 Jan 1970 00:00:05 GMT', 5000],
  ])('Retry-After %j', (header, ms) => {
    expect(retryAfterMs(header, 0)).toBe(ms);
  });
});

describe('result lines', () => {
  it('are read at their head, whatever the custom ID holds', () => {
    fc.assert(
      fc.property(fc.string(), fc.option(fc.string(), { nil: undefined }), (result, customId) => {
        const line = JSON.stringify({ line: 3, jobId: 's.1.2', customId, status: 'Processed', result });
        expect(readLineHead(line)).toMatchObject({
          jobId: 's.1.2',
          status: 'Processed',
          ref: { chunk: 1, index: 2 },
        });
      }),
    );
    expect(readLineHead('{"status":"Failed","jobId":"s.0.1"}')).toMatchObject({ status: 'Failed' });
    expect(() => readLineHead('{"jobId":"x","status":"Failed"}')).toThrow('without a job ID');
  });

  it.each(['', 'a\n', 'a\nb\n', 'a\nb'])('are counted as they are split: %j', (text) => {
    expect(countLines(text)).toBe(splitLines(text).length);
  });
});
