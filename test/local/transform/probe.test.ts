import { describe, expect, it } from 'vitest';
import type { BatchStrategy, ContentType, Settings } from '../../../backend/core/settings.ts';
import { DEFAULT_SETTINGS } from '../../../backend/core/settings.ts';
import {
  parseExecutionParameters,
  requestLimits,
} from '../../../backend/local/transform/execution-parameters.ts';
import { probe, probeTimeoutMs } from '../../../backend/local/transform/probe.ts';
import type { Reply } from '../../../backend/local/transform/send.ts';

const ok = (text: string): Reply => ({ kind: 'answer', status: 200, text });
const refuse = (status: number, text = 'no'): Reply => ({ kind: 'answer', status, text });
const echoLines = (body: string) => ok(body.replace(/\n?$/, '\n'));

type Model = (contentType: ContentType, body: string) => Reply;
/** Takes one JSON document, whatever the content type says. */
const oneDocument: Model = (_, body) => {
  try {
    JSON.parse(body);
    return ok('{"pretty":\n 1}');
  } catch {
    return refuse(400, '{"error":"Extra data: line 2"}');
  }
};

async function choose(
  model: Model,
  settings: Partial<Settings> = {},
  {
    sample = ['{"n":1}', '{"n":2}', '{"n":3}'],
    container,
  }: { sample?: string[]; container?: BatchStrategy } = {},
) {
  const asked: string[] = [];
  const choice = await probe(
    async (contentType, body) => {
      asked.push(`${contentType} ${body}`);
      return model(contentType, body);
    },
    { ...DEFAULT_SETTINGS, ...settings },
    async () => sample,
    container,
  );
  expect(asked.length).toBeLessThanOrEqual(4);
  return { ...choice, asked };
}

describe('probe', () => {
  it('takes lines when two come back for two', async () => {
    expect(await choose((_, body) => echoLines(body))).toMatchObject({
      contentType: 'application/jsonlines',
      batchStrategy: 'MultiRecord',
      why: 'two JSON lines came back for two',
      sure: true,
      asked: ['application/jsonlines {"n":2}\n{"n":3}\n'],
    });
  });

  it('takes one JSON document a request when lines are refused', async () => {
    expect(await choose(oneDocument)).toMatchObject({
      contentType: 'application/json',
      batchStrategy: 'SingleRecord',
      why: 'it takes one record a request; two: HTTP 400 Extra data: line 2',
      sure: true,
    });
  });

  it('takes no single answer to two lines for lines', async () => {
    const choice = await choose(() => ok('{"label":1}\n'));
    expect(choice).toMatchObject({ contentType: 'application/json', batchStrategy: 'SingleRecord' });
    expect(choice.why).toContain('the model answered 1 line for 2 records');
  });

  it('takes one line a request when that is all that works', async () => {
    const model: Model = (contentType, body) => {
      if (contentType === 'application/json') return refuse(415);
      return body.split('\n').length > 2 ? refuse(400) : echoLines(body);
    };
    expect(await choose(model)).toMatchObject({
      contentType: 'application/jsonlines',
      batchStrategy: 'SingleRecord',
      sure: true,
    });
  });

  it.each(['{"n":1}', '{"n":2}', '{"n":3}'])('is not misled by %s being bad', async (bad) => {
    const lines: Model = (contentType, body) => {
      if (contentType === 'application/json') return refuse(415);
      return body.includes(bad) ? refuse(400, 'bad record') : echoLines(body);
    };
    expect(await choose(lines)).toMatchObject({ contentType: 'application/jsonlines', sure: true });
    const both: Model = (_, body) => (body.includes(bad) ? refuse(400, 'bad record') : echoLines(body));
    expect(await choose(both)).toMatchObject({
      contentType: 'application/jsonlines',
      batchStrategy: 'MultiRecord',
    });
    const documents: Model = (type, body) =>
      body.includes(bad) ? refuse(400, 'bad record') : oneDocument(type, body);
    expect(await choose(documents)).toMatchObject({
      contentType: 'application/json',
      batchStrategy: 'SingleRecord',
      sure: true,
    });
  });

  it('falls back to single JSON documents, unsure, when all is refused', async () => {
    expect(await choose(() => refuse(500, 'no GPU'))).toMatchObject({
      contentType: 'application/json',
      batchStrategy: 'SingleRecord',
      why: 'the model refused every probe: HTTP 500 no GPU',
      sure: false,
    });
    const gone = await choose(() => ({ kind: 'disconnected', why: 'closed' }));
    expect(gone.why).toBe('the model refused every probe: closed');
  });

  it('asks nothing more once a probe was not answered in time, and is unsure', async () => {
    const late: Reply = { kind: 'timeout', why: 'no answer within 5 s' };
    const settings = { invocationsTimeoutSeconds: 5 };
    const why = 'the model did not answer a probe within 5 s';
    expect(await choose(() => late, settings)).toMatchObject({
      contentType: 'application/json',
      batchStrategy: 'SingleRecord',
      why,
      sure: false,
      asked: ['application/jsonlines {"n":2}\n{"n":3}\n'],
    });
    const multi = await choose(() => late, { ...settings, batchStrategy: 'MultiRecord' });
    expect(multi).toMatchObject({ contentType: 'application/jsonlines', why, sure: false });
    expect(multi.asked).toHaveLength(1);
    // The first pair may have been refused for a record of it: that two are refused isn't settled.
    const replies = [refuse(400), ok('1'), late];
    const last = await choose(() => replies.shift() as Reply, settings);
    expect(last).toMatchObject({ contentType: 'application/json', why, sure: false });
    expect(last.asked).toHaveLength(3);
  });

  it('asks nothing when nothing is open', async () => {
    const nothing = { asked: [], sure: true };
    const set = { contentType: 'application/json', batchStrategy: 'MultiRecord' } as const;
    expect(await choose(oneDocument, set)).toMatchObject({ ...set, why: 'as set', ...nothing });
    expect(await choose(oneDocument, { contentType: 'text/csv' })).toMatchObject({
      contentType: 'text/csv',
      batchStrategy: 'MultiRecord',
      ...nothing,
    });
    expect(await choose(oneDocument, { contentType: 'application/json' })).toMatchObject({
      batchStrategy: 'SingleRecord',
      ...nothing,
    });
    expect(
      await choose(oneDocument, { contentType: 'text/csv' }, { container: 'SingleRecord' }),
    ).toMatchObject({
      batchStrategy: 'SingleRecord',
      why: 'as its execution parameters say',
      ...nothing,
    });
  });

  it('keeps a strategy that is set or said by the container', async () => {
    expect(await choose((_, body) => echoLines(body), {}, { container: 'SingleRecord' })).toMatchObject({
      contentType: 'application/json',
      batchStrategy: 'SingleRecord',
      asked: ['application/json {"n":1}'],
    });
    const arrays: Model = (type, body) =>
      type === 'application/json' ? ok(`[${body.trim().split('\n')}]`) : refuse(415);
    expect(await choose(arrays, { batchStrategy: 'MultiRecord' })).toMatchObject({
      contentType: 'application/json',
      batchStrategy: 'MultiRecord',
    });
    expect(await choose(() => refuse(500), { batchStrategy: 'MultiRecord' })).toMatchObject({
      contentType: 'application/jsonlines',
      sure: false,
    });
    expect(
      await choose(oneDocument, { contentType: 'application/jsonlines' }, { sample: ['1'] }),
    ).toMatchObject({ contentType: 'application/jsonlines', batchStrategy: 'SingleRecord' });
  });

  it('repeats a lone record, and is unsure without any', async () => {
    const alone = await choose((_, body) => echoLines(body), {}, { sample: ['7'] });
    expect(alone.asked).toEqual(['application/jsonlines 7\n7\n']);
    expect(await choose(oneDocument, {}, { sample: [] })).toMatchObject({ sure: false, asked: [] });
  });
});

describe('a probe request', () => {
  it('may take as long as any request, but no more than a minute', () => {
    expect(probeTimeoutMs({ invocationsTimeoutSeconds: 600 })).toBe(60_000);
    expect(probeTimeoutMs({ invocationsTimeoutSeconds: 2 })).toBe(2000);
  });
});

describe('execution parameters', () => {
  it('are read as SageMaker containers write them', () => {
    const text = '{"MaxConcurrentTransforms":8,"BatchStrategy":"MULTI_RECORD","MaxPayloadInMB":20}';
    const said = parseExecutionParameters(text);
    expect(said).toEqual({ maxConcurrentTransforms: 8, batchStrategy: 'MultiRecord', maxPayloadMb: 20 });
    expect(requestLimits(DEFAULT_SETTINGS, said)).toEqual({ maxPayloadMb: 20, maxConcurrentTransforms: 8 });
    const set = { ...DEFAULT_SETTINGS, maxPayloadMb: 1, maxConcurrentTransforms: 2 };
    expect(requestLimits(set, said)).toEqual({ maxPayloadMb: 1, maxConcurrentTransforms: 2 });
  });

  it.each(['', '<html>', 'null', '7', '[]', '{"MaxConcurrentTransforms":-1,"MaxPayloadInMB":"x"}'])(
    'are none in %s',
    (text) => {
      expect(parseExecutionParameters(text)).toEqual({});
      expect(requestLimits(DEFAULT_SETTINGS, {})).toEqual({ maxPayloadMb: 6, maxConcurrentTransforms: 4 });
    },
  );
});
