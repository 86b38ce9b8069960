import { afterEach, describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../../backend/core/settings.ts';
import {
  isOverload,
  ModelOverloadedError,
  Patience,
  retryAfterMs,
} from '../../../backend/local/transform/overload.ts';
import type { Answer } from '../../../backend/local/transform/send.ts';
import { bench, cleanUp, LINES, payload, withResolvers } from './harness.ts';
import { jumpingClock } from './jumping-clock.ts';
import { echo, type Invocation, startModelServer } from './model-server.ts';

afterEach(cleanUp);

const MINUTE = 60_000;
const BUSY = { status: 429, text: 'too many requests', headers: { 'retry-after': '60' } };
const ONE = { ...LINES, maxConcurrentTransforms: 1 };
const bodies = ({ invocations }: { invocations: Invocation[] }) => invocations.map(({ body }) => body);
/** Jumps over minutes: what BUSY asks for; the last one of ten is a little shorter. */
const minutes = () => jumpingClock((ms) => ms > MINUTE - 10_000 && ms <= MINUTE);

describe('an overload', () => {
  const answer = (status: number, retryAfter?: string): Answer => ({
    kind: 'answer',
    status,
    text: '',
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });

  it('is a 429, and a 503 that says when to come back', () => {
    expect(isOverload(answer(429))).toBe(true);
    expect(isOverload(answer(503, '1'))).toBe(true);
    expect(isOverload(answer(503))).toBe(false);
    expect(isOverload(answer(500, '1'))).toBe(false);
    expect(isOverload({ kind: 'timeout', why: '' })).toBe(false);
  });

  it.each([
    ['7', 7000],
    [' 0.5 ', 500],
    ['3600', MINUTE],
    ['Sun, 22 Nov 2026 10:00:09 GMT', 9000],
    ['Mon, 23 Nov 2026 10:00:00 GMT', MINUTE],
    ['Sun, 22 Nov 2026 09:59:59 GMT', undefined],
    ['0', undefined],
    ['-5', undefined],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('with Retry-After: %s is waited for %s ms', (header, ms) => {
    expect(retryAfterMs(header, Date.parse('2026-11-22T10:00:00Z'))).toBe(ms);
  });

  it('is otherwise waited for with growing pauses, together no longer than the limit', async () => {
    const clock = jumpingClock(() => true);
    const patience = new Patience(MINUTE, clock, new AbortController().signal);
    const from = clock.now();
    let error: unknown;
    while (error === undefined)
      error = await patience.wait(answer(429), clock.now()).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    expect(error).toBeInstanceOf(ModelOverloadedError);
    expect((error as Error).message).toBe('the model was overloaded for 60 s: HTTP 429 with an empty body');
    expect((error as ModelOverloadedError).since).toBeLessThan(from + 1000);
    const full = [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000];
    for (const [i, ms] of full.slice(0, clock.jumps.length - 1).entries()) {
      expect(clock.jumps[i]).toBeGreaterThanOrEqual(ms / 2);
      expect(clock.jumps[i]).toBeLessThanOrEqual(ms);
    }
    expect(clock.jumps.length).toBeGreaterThan(8);
    expect(clock.jumps.reduce((sum, ms) => sum + ms)).toBeCloseTo(MINUTE);
  });

  it('that the model takes its time to tell uses up the limit too', async () => {
    const clock = jumpingClock(() => true);
    const patience = new Patience(MINUTE, clock, new AbortController().signal);
    await patience.wait(answer(429, '10'), clock.now() - 500_000);
    await patience.wait(answer(429, '10'), clock.now() - 35_000);
    expect(clock.jumps[1]).toBeGreaterThan(9000);
    await patience.wait(answer(429, '10'), clock.now());
    await expect(patience.wait(answer(429, '10'), clock.now())).rejects.toThrow('overloaded for 60 s');
  });
});

describe('a transform job whose model is overloaded', () => {
  it.each([429, 503])('sends again after HTTP %d, in its turn, and counts no retry', async (status) => {
    const model = await startModelServer({
      invoke: (invocation) => (invocation.index < 2 ? { ...BUSY, status } : echo(invocation)),
    });
    const clock = minutes();
    const b = bench(5000, 5000, Date.now, clock);
    b.object('b-1', ['1']);
    b.object('b-2', ['2']);
    expect(await b.run(model.url, ONE)).toEqual({ status: 'Completed' });
    // The slot stays taken: the second object waits for the first.
    expect(bodies(model)).toEqual(['1\n', '1\n', '1\n', '2\n']);
    expect(clock.jumps).toEqual([MINUTE, MINUTE]);
    expect(await b.transforms.dataLog('job')).toEqual([]);
  });

  it('keeps its retries for what fails', async () => {
    const replies = [BUSY, { status: 500, text: '' }, BUSY];
    const model = await startModelServer({
      invoke: (invocation) => replies[invocation.index] ?? echo(invocation),
    });
    const b = bench(5000, 5000, Date.now, minutes());
    b.object('b-1', ['1']);
    expect(await b.run(model.url, { ...ONE, invocationsMaxRetries: 1 })).toEqual({ status: 'Completed' });
    expect(model.invocations).toHaveLength(4);
  });

  it('ends as the fault of the platform when it stays so, with nothing said of the records', async () => {
    const model = await startModelServer({
      invoke: (invocation) => (invocation.index === 0 ? echo(invocation) : BUSY),
    });
    const clock = minutes();
    const b = bench(5000, 5000, Date.now, clock);
    for (let i = 0; i < 4; i++) b.object(`b-${i}`, [`${i}`]);
    expect(await b.run(model.url, ONE)).toEqual({
      status: 'Failed',
      fault: 'platform',
      reason: 'the model was overloaded for 600 s: HTTP 429 too many requests',
    });
    expect(await b.transforms.dataLog('job')).toEqual([]);
    expect(await b.transforms.outputs('job')).toEqual(['b-0']);
    // The objects after it aren't tried for ten minutes each.
    expect(new Set(bodies(model))).toEqual(new Set(['0\n', '1\n']));
    expect(clock.jumps).toHaveLength(10);
  });

  it('ends as the fault of the records when some failed for theirs', async () => {
    const model = await startModelServer({
      invoke: ({ index }) => (index === 0 ? { status: 400, text: 'bad' } : BUSY),
    });
    const b = bench(5000, 5000, Date.now, minutes());
    b.object('b-1', ['1']);
    b.object('b-2', ['2']);
    expect(await b.run(model.url, ONE)).toMatchObject({ status: 'Failed', fault: 'records' });
    expect(await b.transforms.dataLog('job')).toMatchObject([{ batch: 'b-1', status: 400 }]);
  });

  it('goes on with other objects when only one is never taken', async () => {
    const late = withResolvers();
    const over = withResolvers();
    let refusals = 0;
    const model = await startModelServer({
      async invoke(invocation) {
        if (invocation.body === '0\n') {
          // The third minute begins once another object has been taken.
          if (++refusals === 3) await late.promise;
          // Ten minutes are over: it is given up.
          if (refusals === 11) invocation.response.once('close', over.resolve);
          return BUSY;
        }
        if (invocation.body === '2\n') late.resolve();
        if (invocation.body === '3\n') await over.promise;
        return echo(invocation);
      },
    });
    const b = bench(5000, 5000, Date.now, minutes());
    for (let i = 0; i < 5; i++) b.object(`b-${i}`, [`${i}`]);
    const ended = await b.run(model.url, { ...LINES, maxConcurrentTransforms: 2 });
    expect(ended).toMatchObject({ status: 'Failed', fault: 'platform' });
    expect(await b.transforms.outputs('job')).toHaveLength(4);
  });

  it('sends nothing again for an object that has failed meanwhile', async () => {
    const refused = withResolvers();
    const failed = withResolvers();
    const model = await startModelServer({
      async invoke(invocation) {
        if (invocation.index === 0) return echo(invocation);
        if (invocation.body === '1\n') {
          refused.resolve();
          await failed.promise;
          return BUSY;
        }
        await refused.promise;
        invocation.response.once('close', failed.resolve);
        return { status: 400, text: 'bad' };
      },
    });
    const b = bench(5000, 5000, Date.now, minutes());
    b.object('b-1', ['0', '1', '2']);
    await b.run(model.url, { ...LINES, ...payload(2), maxConcurrentTransforms: 2 });
    expect(bodies(model).filter((body) => body === '1\n')).toHaveLength(1);
    expect(await b.transforms.dataLog('job')).toMatchObject([{ batch: 'b-1', status: 400 }]);
  });

  it('stops while it waits', async () => {
    const waiting = withResolvers();
    const clock = jumpingClock((ms) => {
      if (ms === MINUTE) waiting.resolve();
      return false;
    });
    const model = await startModelServer({ invoke: () => BUSY });
    const b = bench(5000, 5000, Date.now, clock);
    b.object('b-1', ['1']);
    await b.start('job', model.url, ONE);
    await waiting.promise;
    await b.transforms.stop('job');
    await b.ended('job');
    expect(await b.transforms.describe('job')).toEqual({ status: 'Stopped' });
  });
});

describe('a probe', () => {
  const pin = (model: string) => ({ model, settings: DEFAULT_SETTINGS });
  const sample = async () => ['1', '2', '3'];
  const choices = (b: ReturnType<typeof bench>) => b.events.filter(({ type }) => type === 'choice');

  it('of an overloaded model waits for it', async () => {
    const model = await startModelServer({
      invoke: (invocation) =>
        invocation.index < 2 ? { ...BUSY, headers: { 'retry-after': '7' } } : echo(invocation),
    });
    const clock = jumpingClock((ms) => ms === 7000);
    const b = bench(5000, 5000, Date.now, clock);
    const { plan } = await b.host.prepare(pin(model.url), 5000, sample);
    expect(plan).toMatchObject({ batchStrategy: 'MultiRecord', sure: true });
    expect(clock.jumps).toHaveLength(2);
  });

  it('waits 30 s for it; then the transform job ends, and the next one probes again', async () => {
    let busy = true;
    const model = await startModelServer({
      invoke: (invocation) => (busy ? BUSY : echo(invocation)),
    });
    const clock = jumpingClock((ms) => ms === 30_000);
    const b = bench(5000, 5000, Date.now, clock);
    b.object('b-1', ['1', '2']);
    expect(await b.run(model.url, {})).toEqual({
      status: 'Failed',
      fault: 'platform',
      reason: 'the model was overloaded for 30 s: HTTP 429 too many requests',
    });
    expect(clock.jumps).toEqual([30_000]);
    expect(choices(b)).toEqual([]);
    busy = false;
    await b.start('again', model.url, {});
    await b.ended('again');
    expect(await b.transforms.describe('again')).toEqual({ status: 'Completed' });
  });

  it('is the last one when it is not answered within 60 s', async () => {
    const model = await startModelServer({
      invoke: (invocation) => (invocation.records.length > 1 ? undefined : echo(invocation)),
    });
    const b = bench(5000, 5000, Date.now, minutes());
    b.object('b-1', ['1', '2', '3']);
    expect(await b.run(model.url, {})).toEqual({ status: 'Completed' });
    const why = 'the model did not answer a probe within 60 s';
    expect(choices(b)).toEqual([
      { type: 'choice', contentType: 'application/json', batchStrategy: 'SingleRecord', why },
    ]);
    // Had the probe gone on, a record would have been sent twice.
    expect(
      bodies(model)
        .filter((body) => body.length === 1)
        .sort(),
    ).toEqual(['1', '2', '3']);
  });

  it('that is stopped chooses nothing', async () => {
    const hung = withResolvers();
    const model = await startModelServer({
      invoke() {
        hung.resolve();
        return undefined;
      },
    });
    const b = bench();
    const stopped = expect(b.host.prepare(pin(model.url), 5000, sample)).rejects.toThrow('stopped');
    await hung.promise;
    await b.host.close();
    await stopped;
    expect(choices(b)).toEqual([]);
    expect(model.invocations).toHaveLength(1);
  });
});
