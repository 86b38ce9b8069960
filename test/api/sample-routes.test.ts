/** The AWS sample's two routes: its clients must work unchanged. */
import { afterEach, describe, expect, test } from 'vitest';
import { KEY, openPipeline, type Pipeline, type PipelineOptions } from '../support/local-pipeline.ts';
import { startModel } from '../support/model-server.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function pipelineFor(settings: PipelineOptions['settings']): Promise<Pipeline> {
  const model = await startModel();
  closers.push(() => model.close());
  const pipeline = await openPipeline({ model: model.url, settings: { batchWindowSeconds: 0, ...settings } });
  closers.push(() => pipeline.close());
  return pipeline;
}

describe('POST /job and GET /job/{id}', () => {
  test('a CSV row goes in, its result comes out, with the fields of the sample', async () => {
    const pipeline = await pipelineFor({ contentType: 'text/csv' });
    const answer = await pipeline.call('POST', '/job', '5.1,3.5,"a, b",0.2\n');
    expect(answer.status).toBe(200);
    const { job_id } = (await answer.json()) as { job_id: string };
    expect(await pipeline.job(job_id)).toMatchObject({
      jobId: job_id,
      status: 'Queued',
      arrivalTime: expect.any(String),
      processedTime: null,
      result: null,
    });
    await pipeline.start();
    await pipeline.finished(job_id.split('.')[0] as string);
    expect(await pipeline.job(job_id)).toMatchObject({
      jobId: job_id,
      status: 'Processed',
      processedTime: expect.any(String),
      result: '5,"a, ""b""",0.5',
    });
  });

  test('without the key, or with another, every route answers 403 as API Gateway does', async () => {
    const pipeline = await pipelineFor({});
    for (const headers of [{ 'x-api-key': 'wrong' }, { 'x-api-key': '' }])
      for (const [method, path] of [
        ['POST', '/job'],
        ['GET', '/job/j.0.0'],
        ['GET', '/submissions'],
        ['GET', '/nowhere'],
      ] as const) {
        const answer = await pipeline.call(method, path, undefined, headers);
        expect(answer.status).toBe(403);
        expect(await answer.json()).toEqual({ message: 'Forbidden' });
      }
    const bare = await pipeline.fetch(new Request('http://local/job/j.0.0'));
    expect(bare.status).toBe(403);
  });

  test('an unknown ID is 404, whatever it looks like', async () => {
    const pipeline = await pipelineFor({});
    for (const id of ['nothing.0.0', 'not-a-job', '123e4567-e89b-12d3-a456-426614174000', '%00'])
      expect((await pipeline.call('GET', `/job/${id}`)).status).toBe(404);
  });

  test.each([
    ['an empty body', '', 400, 'empty'],
    ['only white space', ' \n', 400, 'empty'],
    ['a line break that would forge another row', '1,2\nforged.0.0,1,evil', 400, 'bad_record'],
    ['an open quote', '1,"2', 400, 'bad_record'],
    ['a body over the limit', 'x'.repeat(5 * 1024 * 1024), 413, 'too_large'],
  ])('%s is refused and leaves nothing behind', async (_name, body, status, code) => {
    const pipeline = await pipelineFor({ contentType: 'text/csv' });
    const answer = await pipeline.call('POST', '/job', body);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual({ error: { code, message: expect.any(String) } });
    expect(await (await pipeline.call('GET', '/submissions')).json()).toEqual({
      submissions: [],
      cursor: null,
    });
  });

  test('a body that is not JSON is refused where the pipeline takes JSON, and says what it takes', async () => {
    const pipeline = await pipelineFor({});
    const answer = await pipeline.call('POST', '/job', '1,2,3');
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { error: { message: string } }).error.message).toContain('takes JSON');
  });

  test('pretty JSON with line breaks is one record', async () => {
    const pipeline = await pipelineFor({});
    await pipeline.start();
    const answer = await pipeline.call('POST', '/job', '{\n  "a": [1,\r\n 2]\n}\n');
    const { job_id } = (await answer.json()) as { job_id: string };
    await pipeline.finished(job_id.split('.')[0] as string);
    expect((await pipeline.job(job_id)).result).toEqual({ echo: { a: [1, 2] } });
  });

  test('the same Idempotency-Key makes one job; with another body it is refused', async () => {
    const pipeline = await pipelineFor({});
    const send = (body: string) => pipeline.call('POST', '/job', body, { 'idempotency-key': 'order-7' });
    const first = await (await send('{"a":1}')).json();
    expect(await (await send('{"a":1}')).json()).toEqual(first);
    expect((await send('{"a":2}')).status).toBe(409);
  });

  test('an empty Idempotency-Key is none', async () => {
    const pipeline = await pipelineFor({});
    const send = async () => (await pipeline.call('POST', '/job', '1', { 'idempotency-key': '' })).json();
    expect(await send()).not.toEqual(await send());
  });

  test('of a body that does not say how long it is, no more is read than may be', async () => {
    const pipeline = await pipelineFor({});
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent++;
        controller.enqueue(new Uint8Array(1024 * 1024));
      },
    });
    const headers = { 'x-api-key': KEY };
    const request = new Request('http://local/job', {
      method: 'POST',
      headers,
      body: endless,
      duplex: 'half',
    } as RequestInit);
    expect((await pipeline.fetch(request)).status).toBe(413);
    expect(sent).toBeLessThan(10);
  });
});
