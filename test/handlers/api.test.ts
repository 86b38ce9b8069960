/** The API as API Gateway calls it: a REST proxy integration whose bodies are binary. */
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import { formatWireLine } from '../../backend/core/chunk.ts';
import { create } from '../../backend/handlers/api.ts';
import { apiEvent } from '../support/aws/lambda-events.ts';
import { MODEL, queueUrl } from '../support/aws/services.ts';
import { context, type Harness, openHarness } from './harness.ts';

const KEY = 'k3y-that-nobody-may-see';
const SECRET = 'geheim-日本-\u2028';

let harness: Harness;
let api: ReturnType<typeof create>;
beforeEach(async () => {
  harness = await openHarness();
  api = create(harness.runtime);
});

function eventOf(
  method: string,
  path: string,
  body?: string | Buffer,
  headers: Record<string, string> = {},
): APIGatewayProxyEvent {
  const url = new URL(path, 'https://abc123.execute-api.eu-west-1.amazonaws.com');
  const sent = { 'x-api-key': KEY, ...headers };
  return apiEvent(method, url, sent, body === undefined ? undefined : Buffer.from(body), 0);
}
const call = (...given: Parameters<typeof eventOf>) => api(eventOf(...given), context);

const chunk = (...records: string[]) =>
  `${records.map((record, i) => formatWireLine(i + 1, undefined, record)).join('\n')}\n`;

describe('a request', () => {
  it('with a binary body is taken byte for byte, and acknowledged once it is stored', async () => {
    const body = chunk(JSON.stringify(SECRET), '{"n":1}');
    const answer = await call('POST', '/submissions/s-1/chunks/0', body, {
      'content-type': 'application/octet-stream',
    });
    expect(answer).toMatchObject({ statusCode: 200, isBase64Encoded: false });
    expect(JSON.parse(answer.body)).toEqual({ jobIds: ['s-1.0.0', 's-1.0.1'] });
    expect(String(await harness.runtime.ledger.chunkLines('s-1', 0))).toContain(
      `{"id":"s-1.0.0","input":${JSON.stringify(SECRET)}}\n`,
    );
    expect(harness.services.kinesis.shards.flat().map(({ key, data }) => [key, data.toString()])).toEqual([
      ['s-1', '{"v":2,"submission":"s-1","n":0}'],
    ]);
    expect(harness.measured).toEqual({ JobsAccepted: 2 });
    await call('POST', '/submissions/s-1/chunks/0', body);
    expect(harness.measured).toEqual({ JobsAccepted: 2 });
  });

  it('with a body as text is taken too', async () => {
    const event = { ...eventOf('POST', '/job'), body: '{"n":1}', isBase64Encoded: false };
    const answer = await api(event, context);
    expect(answer.statusCode).toBe(200);
    expect(JSON.parse(answer.body)).toHaveProperty('job_id');
  });

  it('for lines is answered as text, not as base64', async () => {
    await call('POST', '/submissions/s/chunks/0', chunk('{"n":1}', '{"n":2}'));
    const answer = await call('GET', '/submissions/s/jobs?limit=1&status=Queued', undefined, {
      accept: 'application/x-ndjson',
    });
    expect(answer).toMatchObject({ statusCode: 200, isBase64Encoded: false });
    expect(
      answer.body
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
    ).toMatchObject([{ jobId: 's.0.0', status: 'Queued' }]);
    const headers = answer.multiValueHeaders ?? answer.headers ?? {};
    expect(headers).toMatchObject({ 'content-type': ['application/x-ndjson'], 'x-batchml-cursor': ['0.1'] });
  });

  it.each([
    ['GET', '/settings', 200],
    ['GET', '/job/unknown', 404],
    ['GET', '/submissions/none', 404],
    ['POST', '/job', 400],
    ['GET', '/no/such/route', 404],
    ['POST', '/submissions/a.b/chunks/0', 400],
    ['GET', '/submissions/%zz', 400],
  ])('%s %s is answered with %i', async (method, path, status) => {
    const answer = await api({ ...eventOf(method, '/'), path }, context);
    expect(answer.statusCode).toBe(status);
  });

  it("is pinned to the stack's model", async () => {
    expect(JSON.parse((await call('GET', '/settings')).body)).toMatchObject({
      model: MODEL,
      settings: { contentType: 'application/jsonlines', batchStrategy: 'MultiRecord' },
    });
  });

  it('that rings sends its bells before it is answered', async () => {
    await call('POST', '/submissions/s/chunks/0', chunk('{"n":1}'));
    expect((await call('POST', '/submissions/s/close', '{"jobs":1}')).statusCode).toBe(200);
    const { sqs } = harness.services;
    expect(sqs.messages(queueUrl('gather')).map(({ body }) => body)).toEqual(['{"v":2,"kind":"gather"}']);
  });

  it('is answered although its bell is lost', async () => {
    const { kinesis } = harness.services;
    kinesis.before = () => {
      throw new Error('ResourceNotFoundException: no stream');
    };
    expect((await call('POST', '/submissions/s/chunks/0', chunk('{"n":1}'))).statusCode).toBe(200);
    expect(harness.said.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('that could not be stored is refused with 503, and its reason is logged', async () => {
    harness.services.store.before = () => {
      throw new Error('the table is gone');
    };
    const answer = await call('POST', '/submissions/s/chunks/0', chunk('{"n":1}'));
    expect(answer.statusCode).toBe(503);
    expect(answer.multiValueHeaders ?? answer.headers).toMatchObject({ 'retry-after': ['1'] });
    expect(harness.said).toMatchObject([
      { level: 'error', facts: { status: 503, reason: expect.stringContaining('the table is gone') } },
    ]);
  });
});

describe('the log', () => {
  it('has one line for each request: whose it was, and nothing of what was in it', async () => {
    await call('POST', '/submissions/s-1/chunks/0', chunk(JSON.stringify(SECRET)));
    await call('POST', '/job', SECRET);
    await call('GET', `/job/s-1.0.0`);
    await call('GET', `/job/${encodeURIComponent(SECRET)}`);
    expect(harness.said.map(({ facts }) => facts)).toMatchObject([
      { method: 'POST', status: 200, submission: 's-1' },
      { method: 'POST', status: 400 },
      { method: 'GET', status: 200, job: 's-1.0.0' },
      { method: 'GET', status: 404 },
    ]);
    const log = JSON.stringify(harness.said);
    for (const secret of [KEY, 'geheim', '日本']) expect(log).not.toContain(secret);
  });
});

it('needs to know what to pin work to', async () => {
  const { runtime } = harness;
  expect(() => create({ ...runtime, config: { ...runtime.config, pin: undefined } })).toThrow(
    'BATCHML_MODEL',
  );
});
