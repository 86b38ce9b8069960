import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Settings } from '../../../backend/core/settings.ts';
import { type Bench, bench, cleanUp, LINES, payload, SINGLE, withResolvers } from './harness.ts';
import { closedPort, echo, type Invocation, type ModelServer, startModelServer } from './model-server.ts';

afterEach(cleanUp);

const numbers = (count: number) => Array.from({ length: count }, (_, i) => `{"n":${i}}`);
const isBad = ({ body }: Invocation) => body.includes('bad');

/** One good and one bad object through a model; what was logged of the bad one. */
async function failing(
  invoke: (
    invocation: Invocation,
  ) => ReturnType<NonNullable<Parameters<typeof startModelServer>[0]>['invoke'] & {}>,
  settings: Partial<Settings> = LINES,
): Promise<{ b: Bench; model: ModelServer; logged: unknown }> {
  const model = await startModelServer({
    invoke: (invocation) => (isBad(invocation) ? invoke(invocation) : echo(invocation)),
  });
  const b = bench();
  b.object('b-1', ['"bad"', '1']);
  b.object('b-2', ['2', '3']);
  const ended = await b.run(model.url, settings);
  expect(ended).toMatchObject({ status: 'Failed', fault: 'records' });
  expect(await b.transforms.outputs('job')).toEqual(['b-2']);
  const entries = await b.transforms.dataLog('job');
  expect(entries).toHaveLength(1);
  expect(entries[0]?.batch).toBe('b-1');
  expect(ended?.reason).toBe(`${entries[0]?.kind}: See job logs for more information`);
  return { b, model, logged: entries[0] };
}

describe('objects that fail', () => {
  it("fail alone, with the model's status and words", async () => {
    const { logged } = await failing(() => ({ status: 400, text: '{"error":"text is\\nmissing: x"}' }));
    expect(logged).toEqual({
      batch: 'b-1',
      kind: 'ClientError',
      status: 400,
      message: 'text is\nmissing: x',
    });
  });

  it('never repeat a 4xx, and repeat a 5xx as often as set', async () => {
    const settings = { ...LINES, invocationsMaxRetries: 2 };
    const bad = ({ invocations }: ModelServer) => invocations.filter(isBad).length;
    expect(bad((await failing(() => ({ status: 400, text: '' }), settings)).model)).toBe(1);
    const { model, logged } = await failing(() => ({ status: 500, text: '' }), settings);
    expect(bad(model)).toBe(3);
    expect(logged).toMatchObject({
      kind: 'ServerError',
      status: 500,
      message: 'HTTP 500 with an empty body',
    });
    const plain = await failing(() => ({ status: 503, text: '' }), settings);
    expect(bad(plain.model)).toBe(3);
    expect(plain.logged).toMatchObject({ kind: 'ServerError', status: 503 });
    expect(bad((await failing(() => ({ status: 500, text: '' }), LINES)).model)).toBe(1);
  });

  it('succeed when a repeat does', async () => {
    const model = await startModelServer({
      invoke: (invocation) => (invocation.index < 2 ? { status: 503, text: '' } : echo(invocation)),
    });
    const b = bench();
    b.object('b-1', ['1']);
    expect(await b.run(model.url, { ...LINES, invocationsMaxRetries: 2 })).toEqual({ status: 'Completed' });
    expect(await b.transforms.dataLog('job')).toEqual([]);
  });

  it('time out as a whole, headers seen or not', async () => {
    const settings = { ...LINES, invocationsTimeoutSeconds: 0.2 };
    const timeout = { kind: 'ModelTimeout', status: undefined, message: 'no answer within 0.2 s' };
    expect((await failing(() => undefined, settings)).logged).toMatchObject(timeout);
    const slow = await failing(({ response }) => {
      response.write('1\n');
      return undefined;
    }, settings);
    expect(slow.logged).toMatchObject(timeout);
  });

  it('say that the model closed the connection, and when', async () => {
    const silent = await failing(({ response }) => {
      response.destroy();
      return undefined;
    });
    expect(silent.logged).toMatchObject({
      kind: 'ModelDisconnected',
      status: undefined,
      message: 'the model closed the connection without an answer',
    });
    for (const headers of [{ 'content-length': '100' }, { connection: 'close' }, {}]) {
      const cut = await failing(({ response }) => {
        response.writeHead(200, headers);
        response.write('"bad"\n', () => response.destroy());
        return undefined;
      });
      expect(cut.logged).toMatchObject({
        kind: 'ModelDisconnected',
        message: 'the model closed the connection in the middle of its answer',
      });
    }
  });

  it('repeat after a disconnect, if set so', async () => {
    const { model } = await failing(
      ({ response }) => {
        response.destroy();
        return undefined;
      },
      { ...LINES, invocationsMaxRetries: 1 },
    );
    expect(model.invocations.filter(isBad)).toHaveLength(2);
  });

  it.each([
    ['1\n', 'the model answered 1 line for 2 records'],
    ['', 'the model answered 0 lines for 2 records'],
    ['1\n{"half":', "line 2 of the model's answer is not JSON"],
    ['1\n\n', 'the model answered 1 line for 2 records'],
  ])('take no answer like %j, and do not repeat it', async (answer, problem) => {
    const { logged, model } = await failing(() => answer, { ...LINES, invocationsMaxRetries: 3 });
    expect(logged).toMatchObject({
      kind: 'BadOutput',
      status: 200,
      message: expect.stringContaining(problem),
    });
    expect(model.invocations.filter(isBad)).toHaveLength(1);
  });

  it('take no answer that is not HTTP', async () => {
    const { logged } = await failing(({ response }) => {
      response.socket?.end('hello\r\n\r\n');
      return undefined;
    });
    expect(logged).toMatchObject({ kind: 'BadOutput', message: expect.stringContaining('is not HTTP') });
  });

  it('refuse a record over the payload before anything of the object is sent', async () => {
    const model = await startModelServer();
    const b = bench();
    b.object('b-1', ['1', `"${'x'.repeat(1024 * 1024)}"`]);
    b.object('b-2', ['2']);
    expect(await b.run(model.url, { ...LINES, maxPayloadMb: 1 })).toMatchObject({ fault: 'records' });
    expect(await b.transforms.dataLog('job')).toEqual([
      {
        batch: 'b-1',
        kind: 'ClientError',
        status: 413,
        message: 'a record of 1048578 bytes is over MaxPayloadInMB=1',
      },
    ]);
    expect(model.invocations.map(({ body }) => body)).toEqual(['2\n']);
  });

  it('send nothing further once a part has failed', async () => {
    const model = await startModelServer({
      invoke: (invocation) => (invocation.index === 1 ? { status: 400, text: 'no' } : echo(invocation)),
    });
    const b = bench();
    b.object('b-1', numbers(10));
    b.object('b-2', ['"other"']);
    await b.run(model.url, { ...SINGLE, maxConcurrentTransforms: 1 });
    expect(model.invocations.map(({ body }) => body)).toEqual(['{"n":0}', '{"n":1}', '"other"']);
    expect(await b.transforms.outputs('job')).toEqual(['b-2']);
  });

  it('log one failure, however many parts of an object fail', async () => {
    const both = withResolvers();
    const model = await startModelServer({
      async invoke({ index }) {
        if (index === 1) both.resolve();
        await both.promise;
        return { status: 500, text: 'no' };
      },
    });
    const b = bench();
    b.object('b-1', numbers(2));
    await b.run(model.url, { ...LINES, ...payload(10) });
    expect(await b.transforms.dataLog('job')).toHaveLength(1);
    expect(model.invocations).toHaveLength(2);
  });
});

describe("what is not the records' fault", () => {
  it('is an object that is missing or is no object', async () => {
    const model = await startModelServer();
    const b = bench();
    b.object('b-1', ['1']);
    b.objects.set('b-2', 'gibberish\n');
    const ended = await b.run(model.url, LINES, ['b-0', 'b-1', 'b-2']);
    expect(ended).toEqual({
      status: 'Failed',
      fault: 'platform',
      lost: ['b-0', 'b-2'],
      reason: 'the object of b-0 is missing',
    });
    expect(await b.transforms.dataLog('job')).toEqual([]);
    expect(await b.transforms.outputs('job')).toEqual(['b-1']);
  });

  it('is a model that never answers ping: nothing is sent', async () => {
    const model = await startModelServer({ ping: () => 503 });
    const b = bench(150);
    b.object('b-1', ['1']);
    const ended = await b.run(model.url, LINES);
    expect(ended).toEqual({
      status: 'Failed',
      fault: 'model',
      reason: `the model did not answer GET ${model.url}/ping with HTTP 200 within 0.2 s; the last try: HTTP 503`,
    });
    expect(model.pings).toBeGreaterThan(1);
    expect(model.invocations).toEqual([]);
    b.object('b-2', ['1']);
    await b.start('refused', `http://127.0.0.1:${await closedPort()}`, LINES);
    await b.ended('refused');
    expect((await b.transforms.describe('refused'))?.reason).toContain('the last try: connection refused');
  });

  it('is a model that answers ping late', async () => {
    let pings = 0;
    const model = await startModelServer({ ping: () => (++pings > 3 ? 200 : 503) });
    const b = bench();
    b.object('b-1', ['1']);
    expect(await b.run(model.url, LINES)).toEqual({ status: 'Completed' });
  });

  it('is a server that goes and comes back on its port', async () => {
    const b = bench();
    const missed = withResolvers();
    const ready = vi.spyOn(b.host, 'ready');
    const first = await startModelServer({
      invoke(invocation) {
        if (invocation.index < 2) return echo(invocation);
        // The third object dies with it; those after it find nobody, and wait.
        void first.close();
        ready.mockImplementationOnce((...asked) => {
          missed.resolve();
          return b.host.ready(...asked);
        });
        return undefined;
      },
    });
    for (let i = 0; i < 6; i++) b.object(`b-${i}`, [`${i}`]);
    await b.start('job', first.url, { ...LINES, maxConcurrentTransforms: 1 });
    await missed.promise;
    const second = await startModelServer({ port: first.port });
    await b.ended('job');
    expect(second.pings).toBe(1);
    expect(second.invocations.map(({ body }) => body)).toEqual(['3\n', '4\n', '5\n']);
    expect(await b.transforms.describe('job')).toMatchObject({ status: 'Failed', fault: 'records' });
    expect(await b.transforms.dataLog('job')).toMatchObject([{ batch: 'b-2', kind: 'ModelDisconnected' }]);
    expect(await b.transforms.outputs('job')).toHaveLength(5);
  });

  it('is a server that goes and stays away: what it did is kept', async () => {
    const b = bench(150);
    const model = await startModelServer({
      invoke(invocation) {
        if (invocation.index === 1) void model.close();
        return invocation.index === 0 ? echo(invocation) : undefined;
      },
    });
    for (let i = 0; i < 4; i++) b.object(`b-${i}`, [`${i}`]);
    const ended = await b.run(model.url, { ...LINES, maxConcurrentTransforms: 1 });
    expect(ended).toMatchObject({ status: 'Failed', fault: 'model' });
    expect(await b.transforms.outputs('job')).toEqual(['b-0']);
  });
});
