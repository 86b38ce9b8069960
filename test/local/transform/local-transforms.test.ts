import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { parseOutputLine } from '../../../backend/core/object-lines.ts';
import { DEFAULT_SETTINGS } from '../../../backend/core/settings.ts';
import { outputText } from '../../support/output-text.ts';
import { bench, cleanUp, LINES, payload, SINGLE, withResolvers } from './harness.ts';
import { echo, startModelServer } from './model-server.ts';

afterEach(cleanUp);

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `{"n":${from + i}}`);

describe('a local transform job', () => {
  it('sends lines and files each result beside its ID', async () => {
    const model = await startModelServer();
    const b = bench();
    b.object('b-1', ['{"n":1.0}', '"\u2028"']);
    b.object('b-2.0.3', ['3']);
    expect(await b.run(model.url, LINES)).toEqual({ status: 'Completed' });
    expect(await b.results('job', 'b-1')).toEqual([
      ['b-1-0', '{"echo":{"n":1.0}}'],
      ['b-1-1', '{"echo":"\u2028"}'],
    ]);
    expect([...(await b.transforms.outputs('job'))].sort()).toEqual(['b-1', 'b-2.0.3']);
    expect(b.outputs.sort()).toEqual(['job/b-1', 'job/b-2.0.3']);
    expect(model.invocations.map(({ body }) => body).sort()).toEqual(['3\n', '{"n":1.0}\n"\u2028"\n']);
    const { contentType, accept } = model.invocations[0] ?? {};
    expect([contentType, accept]).toEqual(['application/jsonlines', 'application/jsonlines']);
    expect(await b.transforms.dataLog('job')).toEqual([]);
    expect(b.events.map(({ type }) => type)).toEqual([
      'transform-started',
      'model-ready',
      'choice',
      'transform-ended',
    ]);
  });

  it('sends single JSON documents without a line break, and takes pretty ones', async () => {
    const model = await startModelServer({
      invoke: ({ body }) => `{\n  "is": ${body},\n  "score": 0.10\n}\n`,
    });
    const b = bench();
    b.object('b-1', numbers(3));
    await b.run(model.url, SINGLE);
    expect(await b.results('job', 'b-1')).toEqual([
      ['b-1-0', '{"is": {"n":0},"score": 0.10}'],
      ['b-1-1', '{"is": {"n":1},"score": 0.10}'],
      ['b-1-2', '{"is": {"n":2},"score": 0.10}'],
    ]);
    expect(model.invocations.map(({ body }) => body).sort()).toEqual(numbers(3));
  });

  it('keeps CSV whole: quotes, commas, many columns', async () => {
    const model = await startModelServer({
      invoke: ({ records }) => records.map((record) => `"say ""hi"", ok",0.10,${record.length}\n`).join(''),
    });
    const b = bench();
    b.object('b-1', ['1,"a, b",x', '"""",2,y'], true);
    expect(await b.run(model.url, { contentType: 'text/csv' })).toEqual({ status: 'Completed' });
    expect(model.invocations[0]?.body).toBe('1,"a, b",x\n"""",2,y\n');
    const parsed = (await outputText(await b.transforms.readOutput('job', 'b-1')))
      .trimEnd()
      .split('\n')
      .map((line) => parseOutputLine('text/csv', line));
    expect(parsed).toEqual([
      { id: 'b-1-0', result: JSON.stringify('"say ""hi"", ok",0.10,10') },
      { id: 'b-1-1', result: JSON.stringify('"say ""hi"", ok",0.10,8') },
    ]);
  });

  it('sends one request at a time when it is to go alone, by the same plan', async () => {
    const model = await startModelServer({
      async invoke(invocation) {
        // Time for another request to come in, if one were sent.
        for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
        return echo(invocation);
      },
      parameters: { MaxConcurrentTransforms: 8 },
    });
    const b = bench();
    for (const batch of ['b-1', 'b-2', 'b-3']) b.object(batch, numbers(10));
    const settings = { contentType: 'application/json', batchStrategy: 'auto' } as const;
    const pin = { model: model.url, settings: { ...DEFAULT_SETTINGS, ...settings } };
    await b.transforms.create({ name: 'alone', batches: [...b.objects.keys()], pin, alone: true });
    await b.ended('alone');
    expect(await b.transforms.describe('alone')).toEqual({ status: 'Completed' });
    expect(model.mostInFlight).toBe(1);
    expect(model.invocations.map(({ body }) => body)).toEqual([
      ...numbers(10),
      ...numbers(10),
      ...numbers(10),
    ]);
    expect(await readFile(join(b.root, 'logs/alone.log'), 'utf8')).toContain('MaxConcurrentTransforms=1,');
    await b.run(model.url, settings);
    expect(await readFile(join(b.root, 'logs/job.log'), 'utf8')).toContain('MaxConcurrentTransforms=8,');
    expect(b.events.filter(({ type }) => type === 'choice')).toHaveLength(1);
  });

  it('keeps order and the limit of requests in flight, whatever the delays', async () => {
    const model = await startModelServer({
      async invoke(invocation) {
        await wait(Math.random() * 8);
        return echo(invocation);
      },
    });
    const b = bench();
    b.object('b-1', numbers(40));
    b.object('b-2', numbers(40, 40));
    for (let i = 0; i < 10; i++) b.object(`b-3.${i}`, numbers(1, 100 + i));
    const settings = { ...LINES, ...payload(40), maxConcurrentTransforms: 3 };
    expect(await b.run(model.url, settings)).toEqual({ status: 'Completed' });
    expect(model.mostInFlight).toBe(3);
    expect(model.invocations.length).toBeGreaterThan(20);
    const results = [...(await b.results('job', 'b-1')), ...(await b.results('job', 'b-2'))];
    expect(results.map(([, result]) => result)).toEqual(numbers(80).map((n) => `{"echo":${n}}`));
    // Objects go in order.
    const sent = model.invocations.map(({ records }) => Number(/\d+/.exec(records[0] ?? '')?.[0]));
    expect(Math.max(...sent.map((n, i) => Math.max(0, ...sent.slice(0, i)) - n))).toBeLessThan(20);
  });

  it('runs small objects side by side', async () => {
    const four = withResolvers();
    const model = await startModelServer({
      async invoke(invocation) {
        if (invocation.index === 3) four.resolve();
        await four.promise;
        return echo(invocation);
      },
    });
    const b = bench();
    for (let i = 0; i < 9; i++) b.object(`b-1.${i}`, ['1']);
    expect(await b.run(model.url, LINES)).toEqual({ status: 'Completed' });
    expect(model.mostInFlight).toBe(4);
  });

  it('reads no more objects than it has use for', async () => {
    const first = withResolvers();
    const model = await startModelServer({
      async invoke(invocation) {
        await first.promise;
        return echo(invocation);
      },
    });
    const b = bench();
    const read: string[] = [];
    const get = b.objects.get.bind(b.objects);
    b.objects.get = (id) => {
      read.push(id);
      if (read.length === 3) first.resolve();
      return get(id);
    };
    for (let i = 0; i < 8; i++) b.object(`b-${i}`, ['1']);
    await b.start('job', model.url, { ...LINES, maxConcurrentTransforms: 2 });
    await first.promise;
    expect(read).toEqual(['b-0', 'b-1', 'b-2']);
    await b.ended('job');
    expect(read).toHaveLength(8);
  });

  it('does what the execution parameters say, where the settings leave it open', async () => {
    const parameters = { MaxConcurrentTransforms: 2, BatchStrategy: 'SINGLE_RECORD', MaxPayloadInMB: 1 };
    const two = withResolvers();
    const model = await startModelServer({
      parameters,
      prefix: '/models/m',
      async invoke(invocation) {
        // The first is the probe; the two after it wait for each other.
        if (invocation.index === 2) two.resolve();
        if (invocation.index > 0) await two.promise;
        return echo(invocation);
      },
    });
    const b = bench();
    b.object('b-1', numbers(6));
    await b.run(`${model.url}/`, {});
    expect(model.invocations).toHaveLength(7);
    expect(model.mostInFlight).toBe(2);
    expect(await readFile(join(b.root, 'logs', 'job.log'), 'utf8')).toMatch(
      /^\S+:\[sagemaker logs\]: MaxConcurrentTransforms=2, MaxPayloadInMB=1, BatchStrategy=SINGLE_RECORD\n$/,
    );
  });

  it('probes once for a pin, with records from all over the object', async () => {
    const model = await startModelServer();
    const b = bench();
    b.object('b-1', numbers(9));
    await b.run(model.url, {});
    await b.start('again', model.url, {});
    await b.ended('again');
    expect(model.invocations.map(({ records }) => records.length)).toEqual([2, 9, 9]);
    expect(model.invocations[0]?.records).toEqual(['{"n":4}', '{"n":8}']);
    expect(b.events.filter(({ type }) => type === 'choice')).toEqual([
      {
        type: 'choice',
        contentType: 'application/jsonlines',
        batchStrategy: 'MultiRecord',
        why: 'two JSON lines came back for two',
      },
    ]);
    expect(b.events.filter(({ type }) => type === 'model-ready')).toHaveLength(1);
  });

  it('probes again half a minute after a model refused every probe, and not before', async () => {
    let broken = true;
    let probes = 0;
    let time = 0;
    const model = await startModelServer({
      invoke: (invocation) => {
        if (invocation.records.length < 9) probes++;
        return broken ? { status: 500, text: 'warming up' } : echo(invocation);
      },
    });
    const b = bench(5000, 5000, () => time);
    b.object('b-1', numbers(9));
    expect(await b.run(model.url, {})).toMatchObject({ status: 'Failed', fault: 'records' });
    const refused = probes;
    time += 29_000;
    await b.start('soon', model.url, {});
    await b.ended('soon');
    // Its object's own first request, one record as the fallback has it.
    expect(probes).toBe(refused + 1);
    broken = false;
    time += 1000;
    await b.start('later', model.url, {});
    await b.ended('later');
    expect(model.invocations.at(-1)?.records).toHaveLength(9);
  });
});
