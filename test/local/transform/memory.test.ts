import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../../backend/core/settings.ts';
import { fileObjects } from '../../../backend/local/file-objects.ts';
import { LOGS_KEPT } from '../../../backend/local/transform/transform-files.ts';
import { type Bench, bench, cleanUp, LINES, payload, SINGLE, withResolvers } from './harness.ts';
import { echo, type Invocation, startModelServer } from './model-server.ts';

afterEach(cleanUp);

const MB = 1024 * 1024;
const records = (count: number) => Array.from({ length: count }, (_, i) => `{"n":${i}}`);
const filler = 'é'.repeat(50_000);
/** A result of 100 kB for each record. */
const large = ({ records }: Invocation) => records.map((record) => `["${filler}",${record}]\n`).join('');

/** Files under way that are left in a transform job's folder. */
const leftOver = (b: Bench, name = 'job') =>
  readdirSync(join(b.root, 'result', name)).filter((file) => file.includes('.part'));

describe('large answers', () => {
  it.each([
    ['many to a request', LINES],
    ['some to a request', { ...LINES, ...payload(300) }],
    ['one to a request', { ...LINES, batchStrategy: 'SingleRecord' } as const],
    ['as JSON', { contentType: 'application/json', batchStrategy: 'MultiRecord' } as const],
  ])('are joined to their records in order: %s', async (_, settings) => {
    const model = await startModelServer({ invoke: large });
    const b = bench();
    b.object('b-1', records(60));
    b.object('b-2', records(60));
    expect(await b.run(model.url, settings)).toEqual({ status: 'Completed' });
    for (const batch of ['b-1', 'b-2'])
      expect(await b.results('job', batch)).toEqual(
        records(60).map((record, i) => [`${batch}-${i}`, `["${filler}",${record}]`]),
      );
    expect(leftOver(b)).toEqual([]);
  });

  it('may be an array of the results, or one document on many lines', async () => {
    const model = await startModelServer({
      invoke: ({ records }) => `[\n${records.map((record) => `["${filler}",\n ${record}]`).join(',\n')}\n]`,
    });
    const b = bench();
    b.object('b-1', records(30));
    expect(await b.run(model.url, { contentType: 'application/json', batchStrategy: 'MultiRecord' })).toEqual(
      { status: 'Completed' },
    );
    const results = await b.results('job', 'b-1');
    expect(results).toHaveLength(30);
    expect(results[29]).toEqual(['b-1-29', `["${filler}",{"n":29}]`]);
  });

  const wrong: [string, (answer: string) => string | Buffer, string][] = [
    ['with a line missing', (text) => text.slice(text.indexOf('\n') + 1), '29 lines for 30 records'],
    ['with a line too many', (text) => `${text}1\n`, '31 lines for 30 records'],
    ['with half a line', (text) => text.slice(0, -10), 'line 30 of the model'],
    [
      'that is not UTF-8',
      (text) => Buffer.concat([Buffer.from([0xff]), Buffer.from(text)]),
      'line 1 of the model',
    ],
  ];
  it.each(wrong)('%s are no results, and leave nothing', async (_, spoil, problem) => {
    const model = await startModelServer({
      invoke: (invocation) => {
        invocation.response.end(spoil(large(invocation)));
        return undefined;
      },
    });
    const b = bench();
    b.object('b-1', records(30));
    expect(await b.run(model.url, LINES)).toMatchObject({ fault: 'records' });
    expect(await b.transforms.dataLog('job')).toMatchObject([
      { batch: 'b-1', kind: 'BadOutput', message: expect.stringContaining(problem) },
    ]);
    expect(await b.transforms.outputs('job')).toEqual([]);
    expect(leftOver(b)).toEqual([]);
  });

  it('that break off are asked for again, and what came of them is dropped', async () => {
    let broken = false;
    const model = await startModelServer({
      invoke: (invocation) => {
        if (broken) return large(invocation);
        broken = true;
        const { response } = invocation;
        response.writeHead(200, { 'content-length': 100 * MB });
        response.write(large(invocation), () => response.destroy());
        return undefined;
      },
    });
    const b = bench();
    b.object('b-1', records(30));
    expect(await b.run(model.url, { ...LINES, invocationsMaxRetries: 1 })).toEqual({ status: 'Completed' });
    expect((await b.results('job', 'b-1'))[29]).toEqual(['b-1-29', `["${filler}",{"n":29}]`]);
    expect(leftOver(b)).toEqual([]);
  });
});

describe('an answer', () => {
  it.each([
    ['of brackets', '['.repeat(30 * MB), 'is not JSON: it ends before the value does'],
    ['over 64 MB', ' '.repeat(65 * MB), 'over 64 MB'],
  ])('%s fails its record alone, with what is wrong', async (_, bad, problem) => {
    const model = await startModelServer({
      invoke: (invocation) => (invocation.records[0] === '{"n":1}' ? bad : echo(invocation)),
    });
    const b = bench();
    for (const [i, record] of records(3).entries()) b.object(`b-${i}`, [record]);
    await b.run(model.url, SINGLE);
    expect(await b.transforms.dataLog('job')).toMatchObject([
      { batch: 'b-1', kind: 'BadOutput', message: expect.stringContaining(problem) },
    ]);
    expect([...(await b.transforms.outputs('job'))].sort()).toEqual(['b-0', 'b-2']);
  });

  it('that is nested 5,000 levels deep is a result', async () => {
    const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`;
    const model = await startModelServer({ invoke: () => deep });
    const b = bench();
    b.object('b-1', ['1']);
    await b.run(model.url, SINGLE);
    expect(await b.results('job', 'b-1')).toEqual([['b-1-0', deep]]);
  });

  it('that is not UTF-8 is no result', async () => {
    const model = await startModelServer({
      invoke: ({ response }) => {
        response.end(Buffer.from([0x22, 0xff, 0x22]));
        return undefined;
      },
    });
    const b = bench();
    b.object('b-1', ['1']);
    await b.run(model.url, SINGLE);
    expect(await b.transforms.dataLog('job')).toMatchObject([
      { kind: 'BadOutput', message: "the model's answer is not UTF-8" },
    ]);
  });

  it('that comes early waits for the first one only so far; then requests wait', async () => {
    const first = withResolvers();
    const text = `"${'x'.repeat(MB - 100)}"`;
    const model = await startModelServer({
      async invoke({ index }) {
        if (index === 0) await first.promise;
        // The 16 MB before this one wait. Time for another request to come in, if one were sent.
        for (let turn = 0; index === 17 && turn < 100; turn++)
          await new Promise((resolve) => setImmediate(resolve));
        if (index === 17) first.resolve();
        return text;
      },
    });
    const b = bench();
    b.object('b-1', records(40));
    await b.start('job', model.url, { ...SINGLE, maxConcurrentTransforms: 3 });
    await first.promise;
    // 16 MB of answers wait; two more may have been under way.
    expect(model.invocations.length).toBeLessThanOrEqual(1 + 17 + 2);
    await b.ended('job');
    expect(await b.transforms.describe('job')).toEqual({ status: 'Completed' });
    const results = await b.results('job', 'b-1');
    expect(results.map(([id]) => id)).toEqual(records(40).map((_, i) => `b-1-${i}`));
  });
});

describe('an object', () => {
  it.each([
    ['that is gone', undefined],
    ['that is empty', ''],
    ['that is cut off within a line', '{"id":"b-1-0","input":1}\n{"id":"b-1-1","inp'],
    ['that is cut off after a line', '{"id":"b-1-0","input":1}\n'],
    ['that ends in zeros', `{"id":"b-1-0","input":1}\n${'\0'.repeat(24)}`],
  ])('%s is not sent, and is said to be lost', async (_, text) => {
    const model = await startModelServer();
    const b = bench();
    b.object('b-2', records(2));
    if (text !== undefined) b.objects.set('b-1', text);
    const pin = { model: model.url, settings: { ...DEFAULT_SETTINGS, ...LINES } };
    await b.transforms.create({
      name: 'job',
      batches: ['b-1', 'b-2'],
      jobs: { 'b-1': 2, 'b-2': 2 },
      pin,
    });
    await b.ended('job');
    expect(await b.transforms.describe('job')).toMatchObject({ fault: 'platform', lost: ['b-1'] });
    expect(await b.transforms.outputs('job')).toEqual(['b-2']);
    expect(model.invocations).toHaveLength(1);
  });
});

describe('what is left of transform jobs', () => {
  const name = (n: number) => `batchml-${n.toString(16).padStart(32, '0')}`;

  it('is no log where nothing failed', async () => {
    const model = await startModelServer();
    const b = bench();
    b.object('b-1', records(3));
    await b.start(name(1), model.url, LINES);
    await b.ended(name(1));
    await b.transforms.forget(name(1));
    expect(readdirSync(join(b.root, 'logs'))).toEqual([]);
    expect(readdirSync(join(b.root, 'result'))).toEqual([]);
  });

  it('is the data log of the last ones that failed, and of those not forgotten yet', async () => {
    const model = await startModelServer({ invoke: () => ({ status: 400, text: 'no' }) });
    const b = bench();
    b.object('b-1', ['1']);
    const logs = join(b.root, 'logs');
    const old = LOGS_KEPT.files + 5;
    await mkdir(logs, { recursive: true });
    await writeFile(join(logs, 'model.log'), 'loading\n');
    for (let n = 0; n < old; n++) {
      const path = join(logs, `${name(1000 + n)}.log`);
      await writeFile(path, 'old\n');
      await utimes(path, n, n);
    }
    await mkdir(join(b.root, 'result', name(1000)), { recursive: true });
    await b.start(name(1), model.url, LINES);
    await b.ended(name(1));
    await b.transforms.forget(name(1));
    expect(existsSync(join(logs, 'model.log'))).toBe(true);
    expect(existsSync(join(logs, `${name(1000)}.log`))).toBe(true);
    expect(existsSync(join(logs, `${name(1001)}.log`))).toBe(false);
    expect(readdirSync(logs)).toHaveLength(LOGS_KEPT.files + 2);
    expect(await readFile(join(logs, `${name(1)}.log`), 'utf8')).toContain('ClientError: 400');
  });

  it('is no half-written object of a killed process', async () => {
    const b = bench();
    await mkdir(join(b.root, 'data'));
    for (const file of ['b-1.jsonl', 'b-1.jsonl.0a1b2c.part'])
      await writeFile(join(b.root, 'data', file), 'x\n');
    fileObjects(b.root);
    expect(readdirSync(join(b.root, 'data'))).toEqual(['b-1.jsonl']);
  });

  it.runIf(existsSync('/proc/self/fd'))('is no open file', async () => {
    const model = await startModelServer({ invoke: large });
    const b = bench();
    for (let n = 0; n < 6; n++) b.object(`b-${n}`, records(30));
    const openFiles = () => readdirSync('/proc/self/fd').length;
    await b.start('first', model.url, LINES);
    await b.ended('first');
    const before = openFiles();
    for (const job of ['one', 'two', 'three']) {
      await b.start(job, model.url, LINES);
      await b.ended(job);
    }
    expect(openFiles()).toBeLessThanOrEqual(before + 2);
    expect((await stat(join(b.root, 'result', 'one', 'b-0.out'))).mode & 0o777).toBe(0o600);
  });
});
