import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { bench, cleanUp, LINES, withResolvers } from './harness.ts';
import { echo, startModelServer } from './model-server.ts';

afterEach(cleanUp);

/** A model that answers its first request and lets the others hang; `hung` resolves when one does. */
async function hangingModel() {
  const hung = withResolvers();
  const aborted = withResolvers();
  const model = await startModelServer({
    invoke(invocation) {
      if (invocation.index === 0) return echo(invocation);
      invocation.response.once('close', aborted.resolve);
      hung.resolve();
      return undefined;
    },
  });
  return { model, hung: hung.promise, aborted: aborted.promise };
}

const ONE = { ...LINES, maxConcurrentTransforms: 1 };

describe('the life of a local transform job', () => {
  it('goes from nothing over InProgress to its end, and leaves its log', async () => {
    const model = await startModelServer({ invoke: () => ({ status: 500, text: 'no' }) });
    const b = bench();
    b.object('b-1', ['1']);
    expect(await b.transforms.describe('job')).toBeUndefined();
    expect(await b.transforms.outputs('job')).toEqual([]);
    await b.start('job', model.url, LINES);
    expect(await b.transforms.describe('job')).toEqual({ status: 'InProgress' });
    await b.ended('job');
    expect(await b.transforms.describe('job')).toMatchObject({ status: 'Failed' });
    await b.transforms.forget('job');
    expect(await b.transforms.describe('job')).toBeUndefined();
    expect(await b.transforms.dataLog('job')).toHaveLength(1);
    await b.transforms.forget('job');
  });

  it('is created once, however often it is asked for', async () => {
    const { model, hung } = await hangingModel();
    const b = bench();
    b.object('b-1', ['1']);
    b.object('b-2', ['1']);
    await Promise.all([b.start('job', model.url, ONE), b.start('job', model.url, ONE)]);
    await hung;
    await b.start('job', model.url, ONE);
    await b.transforms.stop('job');
    await b.ended('job');
    await b.start('job', model.url, ONE);
    expect(await b.transforms.describe('job')).toMatchObject({ status: 'Stopped' });
    expect(model.invocations).toHaveLength(2);
    expect(b.events.filter(({ type }) => type === 'transform-started')).toHaveLength(1);
    const manifest = JSON.parse(await readFile(join(b.root, 'result/job/manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({ batches: ['b-1', 'b-2'], pin: { model: model.url } });
  });

  it('stops at once and writes nothing further', async () => {
    const { model, hung, aborted } = await hangingModel();
    const b = bench();
    for (let i = 0; i < 4; i++) b.object(`b-${i}`, ['1']);
    await b.start('job', model.url, ONE);
    await hung;
    await b.transforms.stop('job');
    expect(await b.transforms.describe('job')).toEqual({ status: 'Stopping' });
    await Promise.all([b.ended('job'), aborted]);
    expect(await b.transforms.describe('job')).toEqual({ status: 'Stopped' });
    expect(await b.transforms.outputs('job')).toEqual(['b-0']);
    expect(await b.transforms.dataLog('job')).toEqual([]);
    await b.transforms.stop('job');
    await b.transforms.stop('never heard of');
  });

  it('stops while it waits for ping', async () => {
    const pinged = withResolvers();
    const model = await startModelServer({
      ping() {
        pinged.resolve();
        return 503;
      },
    });
    const b = bench(60_000);
    b.object('b-1', ['1']);
    await b.start('job', model.url, LINES);
    await pinged.promise;
    await b.transforms.stop('job');
    await b.ended('job');
    expect(await b.transforms.describe('job')).toEqual({ status: 'Stopped' });
  });

  it('is described as ended with its process, when it did', async () => {
    const { model, hung } = await hangingModel();
    const b = bench();
    b.object('b-1', ['1']);
    b.object('b-2', ['1']);
    await b.start('job', model.url, ONE);
    await hung;
    await b.transforms.close();
    const gone = { status: 'Failed', fault: 'interrupted', reason: 'the process that ran it ended' };
    expect(await b.transforms.describe('job')).toEqual(gone);
    const again = b.reopened();
    expect(await again.describe('job')).toEqual(gone);
    expect(await again.outputs('job')).toEqual(['b-1']);
    expect(await again.create({ name: 'job', batches: [], pin: { model: model.url } as never })).toEqual({
      kind: 'created',
    });
    expect(await again.describe('job')).toEqual(gone);
    await writeFile(join(b.root, 'result/job/status.json'), '{"stat');
    expect(await again.describe('job')).toEqual(gone);
    expect(await b.transforms.create({ name: 'x', batches: [], pin: { model: model.url } as never })).toEqual(
      { kind: 'later', reason: 'this process is ending' },
    );
  });

  it('can be forgotten while it runs', async () => {
    const { model, hung } = await hangingModel();
    const b = bench();
    b.object('b-1', ['1']);
    b.object('b-2', ['1']);
    await b.start('job', model.url, ONE);
    await hung;
    await b.transforms.forget('job');
    expect(await b.transforms.describe('job')).toBeUndefined();
  });

  it('is never created for what names no model', async () => {
    const b = bench();
    for (const model of ['', 'ftp://host', 'model.pkl', 'command:', 'http://host/?x=1']) {
      const pin = { model } as never;
      expect(await b.transforms.create({ name: 'job', batches: [], pin })).toMatchObject({
        kind: 'never',
        error: { code: 'model_unavailable' },
      });
    }
    await expect(access(join(b.root, 'result'))).rejects.toThrow();
  });
});
