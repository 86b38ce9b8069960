import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectWhole } from '../support/expect-whole.ts';
import type { Trouble } from '../support/fake-transforms.ts';
import { doubling, MemoryPipeline, MINUTE, records } from '../support/memory-pipeline.ts';

let pipeline: MemoryPipeline;
let trouble: Trouble;
beforeEach(async () => {
  pipeline = await MemoryPipeline.open(doubling());
  trouble = pipeline.transforms.trouble;
});
afterEach(() => pipeline.close());

const mostSent = () => Math.max(0, ...pipeline.transforms.sent.values());

describe('creating a transform job', () => {
  it('waits out a throttle, in its place, and is tried again under its name', async () => {
    trouble.throttles = 3;
    await pipeline.submit('s', records(10));
    await pipeline.settle(0);
    expect(await pipeline.counts('s')).toMatchObject({ Processing: 10 });
    expect((await pipeline.ports.ledger.openWork(pipeline.clock.now())).transforms).toHaveLength(1);
    await pipeline.settle();
    await expectWhole(pipeline, 's', () => true);
    expect(pipeline.transforms.created).toHaveLength(1);
    expect(mostSent()).toBe(1);
  });

  it('finds the one it made when the answer was lost', async () => {
    trouble.lostAnswers = 1;
    await pipeline.submit('s', records(10));
    await pipeline.settle();
    await pipeline.finish(['s']);
    await expectWhole(pipeline, 's', () => true);
    expect(pipeline.transforms.created).toHaveLength(1);
    expect(pipeline.failures).toHaveLength(1);
  });

  it('fails at once what can never be started, with the reason', async () => {
    trouble.never = { code: 'model_unavailable', message: 'could not find model "m"' };
    await pipeline.submit('s', records(600), { settings: { batchSize: 100 } });
    await pipeline.settle(0);
    await expectWhole(pipeline, 's', () => false);
    expect((await pipeline.jobs('s'))[0]?.error).toEqual(trouble.never);
    expect(pipeline.transforms.totalSent).toBe(0);
    // The place is free again.
    trouble.never = undefined;
    await pipeline.submit('t', records(10), { settings: { batchSize: 100, maxTransformJobs: 1 } });
    await pipeline.settle();
    await expectWhole(pipeline, 't', () => true);
  });
});

describe('a transform job that fails', () => {
  it('for want of access fails its jobs at once', async () => {
    trouble.fault = { times: 1, kind: 'access', reason: 'AccessDenied: no permission for the bucket' };
    await pipeline.submit('s', records(10));
    await pipeline.settle(0);
    await expectWhole(pipeline, 's', () => false);
    expect(await pipeline.errors('s')).toEqual({ model_unavailable: 10 });
    expect((await pipeline.jobs('s'))[9]?.error?.message).toBe(trouble.fault.reason);
  });

  it('by the platform is tried again whole, ever later, and is not held against the records', async () => {
    trouble.fault = { times: 5, kind: 'platform', reason: 'CapacityError' };
    await pipeline.submit('s', records(10));
    await pipeline.settle();
    await expectWhole(pipeline, 's', () => true);
    expect(pipeline.transforms.created).toHaveLength(6);
    expect(new Set(pipeline.transforms.created.map(({ name }) => name)).size).toBe(6);
    expect(mostSent()).toBe(1);
  });

  it('as its process was interrupted is tried again at once, however often', async () => {
    trouble.fault = { times: 9, kind: 'interrupted', reason: 'the process that ran it ended' };
    await pipeline.submit('s', records(10));
    await pipeline.settle(0);
    await expectWhole(pipeline, 's', () => true);
  });

  it.each([
    [9, 'Processed'],
    [100, 'Failed'],
  ])('as the model was not ready %i times waits for it, and ends as %s', async (times, status) => {
    trouble.fault = { times, kind: 'model', reason: 'no answer to /ping within 60 s' };
    await pipeline.submit('s', records(10), { settings: { maxWaitHours: 2 } });
    await pipeline.finish(['s'], 200);
    await expectWhole(pipeline, 's', () => status === 'Processed');
    if (status === 'Failed') expect(await pipeline.errors('s')).toEqual({ waited_too_long: 10 });
  });

  it('and was lost by the service is made again', async () => {
    trouble.holding = true;
    await pipeline.submit('s', records(10));
    await pipeline.settle(0);
    await pipeline.transforms.forget(pipeline.transforms.inProgress[0] as string);
    trouble.holding = false;
    await pipeline.finish(['s']);
    await expectWhole(pipeline, 's', () => true);
  });

  it('without saying why, for one record, still finds that record', async () => {
    trouble.dropLog = true;
    pipeline.transforms.model = doubling((n) => n === 33);
    await pipeline.submit('s', records(100));
    await pipeline.settle();
    await expectWhole(pipeline, 's', (n) => n !== 33);
    // At most four times, and twice whole before each.
    expect(mostSent()).toBeLessThanOrEqual(12);
  });
});

describe('an output', () => {
  it('that got lost once is made again whole', async () => {
    const lost = new Set<string>();
    trouble.dropOutput = (batch, attempt) => attempt === 1 && !lost.has(batch) && !!lost.add(batch);
    await pipeline.submit('s', records(300), { settings: { batchSize: 100 } });
    await pipeline.settle();
    await expectWhole(pipeline, 's', () => true);
    expect(mostSent()).toBe(2);
  });

  it('that gets lost for ever fails its jobs, a bounded number of tries later', async () => {
    trouble.dropOutput = () => true;
    await pipeline.submit('s', records(100));
    await pipeline.settle();
    await expectWhole(pipeline, 's', () => false);
    expect(mostSent()).toBeLessThanOrEqual(12);
  });

  const lines = (text: string) => text.trimEnd().split('\n');
  const whole = (all: readonly string[]) => `${all.join('\n')}\n`;
  const spoilt: [string, (text: string) => string][] = [
    ['cut short', (text) => text.slice(0, -20)],
    ['without its last line', (text) => whole(lines(text).slice(0, -1))],
    ['with a line twice', (text) => whole([...lines(text), ...lines(text).slice(-1)])],
    [
      'with a line in the place of another',
      (text) => whole(lines(text).map((line, i, all) => all[i || 1] ?? line)),
    ],
    ['that is empty', () => ''],
    ['of another batch', (text) => text.replaceAll('"id":"s.', '"id":"t.')],
  ];
  it.each(spoilt)('%s is not filed, and its batch is tried again', async (_, spoil) => {
    let times = 0;
    // Nothing of it is taken: which line is whose is not known.
    const doubtful = (text: string) => text.replace(/"twice":/g, '"doubtful":');
    trouble.spoil = (text) => (times++ === 0 ? doubtful(spoil(text)) : text);
    await pipeline.submit('s', records(100));
    await pipeline.settle();
    await expectWhole(pipeline, 's', () => true);
    expect(mostSent()).toBe(2);
  });

  it('is filed by the IDs in it, in whatever order its lines are', async () => {
    trouble.spoil = (text) => `${text.trim().split('\n').reverse().join('\n')}\n`;
    await pipeline.submit('s', records(100));
    await pipeline.settle(0);
    await expectWhole(pipeline, 's', () => true);
  });

  it('that can not be read for one record costs that record only', async () => {
    trouble.spoil = (text) => (text.includes('{"twice":66}') ? 'nonsense' : text);
    await pipeline.submit('s', records(100));
    await pipeline.settle();
    await expectWhole(pipeline, 's', (n) => n !== 33);
    expect(mostSent()).toBeLessThanOrEqual(12);
  });
});

describe('what has ended', () => {
  it('leaves no object behind, however it ended', async () => {
    pipeline.transforms.model = doubling((n) => n % 50 === 7 || n >= 150);
    await pipeline.submit('s', records(300), { settings: { batchSize: 75 } });
    await pipeline.settle();
    await pipeline.reconcile();
    await pipeline.settle(MINUTE);
    await expectWhole(pipeline, 's', (n) => n % 50 !== 7 && n < 150);
    const ids = pipeline.transforms.created.flatMap(({ batches }) => batches);
    const left = await Promise.all(ids.map((id) => pipeline.ports.objects.readBatch(id)));
    expect(left.filter((text) => text !== undefined)).toEqual([]);
  });
});
