/** Open work: nothing stays in its index that is not open, and nothing hides other work. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SCHEMA_VERSION } from '../../backend/core/schema-version.ts';
import { batchKey, headKey, metaKey, openTime, transformKey } from '../../backend/ledger/keys.ts';
import { OLDER_OPEN_KEYS } from '../../backend/ledger/leftovers.ts';
import { chunkOf, draftOf, REASON, refsOf, Steps, T0, transformOf } from '../contract/ledger-steps.ts';
import { openStore, type StoreBackend } from '../support/store-backend.ts';

let backend: StoreBackend;
let steps: Steps;
beforeEach(async () => {
  backend = await openStore({ now: () => T0 });
  steps = new Steps(backend.ledger);
});
afterEach(() => backend.close());

describe('single jobs', () => {
  it('leave nothing in the index when they have ended, were cancelled, or were retried', async () => {
    const { ledger } = backend;
    const single = { kind: 'single' } as const;
    await steps.accept(chunkOf('j-1', 0, 1), single);
    await ledger.cancelJobs(refsOf('j-1', 0, [0]), T0);
    expect(backend.open()).toBe(0);
    await steps.accept(chunkOf('j-2', 0, 1), single);
    const members = [{ submission: 'j-2', chunk: 0, from: 0, to: 1 }];
    const batch = await steps.waiting(members, { owner: undefined });
    const name = await steps.claim(batch.id);
    await ledger.applyVerdict(batch.id, name, { kind: 'fail', error: REASON }, T0);
    await ledger.endTransformJob(name, undefined);
    expect(backend.open()).toBe(0);
    expect(await ledger.beginRetry('j-2', 0, 'all')).toBe(true);
    const retry = await steps.formed(members, { owner: undefined, generation: 1 });
    expect(retry.jobs).toBe(1);
    await ledger.endRetry('j-2', 1);
    await ledger.markWaiting([retry.id]);
    const second = await steps.claim(retry.id);
    await steps.file(retry);
    await ledger.endTransformJob(second, undefined);
    expect(backend.open()).toBe(0);
    expect(await ledger.submission('j-2')).toMatchObject({ generation: 1, retrying: false });
    expect(await steps.counts('j-2')).toEqual({ Processed: 1 });
  });
});

describe('many open submissions', () => {
  it('hide none that is being cancelled or retried, nor one that is to be announced', async () => {
    const { ledger } = backend;
    for (let i = 0; i < 5100; i++)
      await ledger.openSubmission(draftOf(`s-${String(i).padStart(5, '0')}`, { createdAt: T0 + i }));
    await steps.submission('late', [1], { createdAt: T0 + 9000 });
    await ledger.beginCancel('late');
    expect((await ledger.openWork(T0)).submissions).toEqual(['late']);
    await ledger.cancelChunks('late', 0, 10, T0);
    await ledger.endCancel('late');
    expect((await ledger.openWork(T0)).submissions).toEqual([]);
    expect(await ledger.unannounced()).toEqual(['late']);
    expect(await ledger.markAnnounced('late', 0)).toBe(true);
    expect(await ledger.unannounced()).toEqual([]);
  });
});

describe('how much is open', () => {
  const NOTHING = { chunks: false, batches: 0, transforms: 0, submissions: 0 };

  it('counts jobs that no batch has, batches, transform jobs and submissions, until they end', async () => {
    const { ledger } = backend;
    expect(await ledger.openCounts()).toEqual(NOTHING);
    await steps.accept(chunkOf('j-1', 0, 1), { kind: 'single' });
    expect(await ledger.openCounts()).toEqual({ ...NOTHING, chunks: true });
    await ledger.cancelJobs(refsOf('j-1', 0, [0]), T0);
    expect(await ledger.openCounts()).toEqual(NOTHING);
    const { batch, name } = await steps.running('a', 1);
    expect(await ledger.openCounts()).toEqual({ ...NOTHING, transforms: 1, submissions: 1 });
    await steps.submission('b', [1]);
    await steps.waiting([{ submission: 'b', chunk: 0, from: 0, to: 1 }]);
    expect(await ledger.openCounts()).toEqual({ ...NOTHING, batches: 1, transforms: 1, submissions: 2 });
    await steps.file(batch);
    await ledger.endTransformJob(name, undefined);
    // Its end is not announced yet.
    expect(await ledger.openCounts()).toEqual({ ...NOTHING, batches: 1, submissions: 1 });
  });

  it('counts a submission that still takes chunks, is being cancelled or is being retried', async () => {
    const { ledger } = backend;
    await ledger.openSubmission(draftOf('open'));
    expect(await ledger.openCounts()).toEqual({ ...NOTHING, submissions: 1 });
    await ledger.beginCancel('open');
    expect(await ledger.openCounts()).toEqual({ ...NOTHING, submissions: 1 });
    await ledger.endCancel('open');
    expect(await ledger.openCounts()).toEqual(NOTHING);
    await steps.failed('d', 1);
    expect((await ledger.openCounts()).submissions).toBe(0);
    await ledger.beginRetry('d', 0, 'all');
    expect((await ledger.openCounts()).submissions).toBe(1);
  });
});

describe('open work of an older version', () => {
  const DAY = 86_400_000;
  const put = (pk: string, openKey: string, at: number, more: object = {}) =>
    backend.store.putAll([{ pk, sk: 'x', openKey, openAt: `${openTime(at)}#${pk}`, state: 'Old', ...more }]);

  it('is named for every version before this one', () => {
    expect([...OLDER_OPEN_KEYS.keys()]).toEqual(Array.from({ length: SCHEMA_VERSION - 1 }, (_, i) => i + 1));
    for (const [version, keys] of OLDER_OPEN_KEYS)
      expect(keys.filter((key) => version > 1 && !key.startsWith(`${version}.`))).toEqual([]);
  });

  it("is not taken for this one's, and leaves the index when its time is over", async () => {
    await put('C#a', 'chunk#3', T0);
    await put('B#b', 'waiting#0', T0, { waitDeadline: T0 + DAY });
    await steps.submission('s', [1]);
    const at = (days: number) => backend.again({ clock: { now: () => T0 + days * DAY }, retentionDays: 30 });
    expect((await at(0).openWork(T0)).waiting).toBe(false);
    expect(await at(0).leftovers()).toEqual({ ended: 0, left: 2 });
    expect(await at(1).leftovers()).toEqual({ ended: 1, left: 1 });
    expect(await at(29).leftovers()).toEqual({ ended: 0, left: 1 });
    expect(await at(30).leftovers()).toEqual({ ended: 1, left: 0 });
    expect(await at(31).leftovers()).toEqual({ ended: 0, left: 0 });
    expect(await backend.store.get({ pk: 'B#b', sk: 'x' })).toEqual({
      ...{ pk: 'B#b', sk: 'x', state: 'Old', waitDeadline: T0 + DAY },
    });
    // This version's own: a chunk, and its submission.
    expect(backend.open()).toBe(2);
  });
});

describe('items', () => {
  it('say of which version they are, also when they are not open any more', async () => {
    const { batch, name } = await steps.running('a', 1);
    const keys = [metaKey('a'), headKey('a', 0), batchKey(batch.id), transformKey(name)];
    await steps.file(batch);
    await backend.ledger.endTransformJob(name, undefined);
    const items = await backend.store.getAll(keys);
    expect(items.map((item) => item?.['v'])).toEqual(keys.map(() => SCHEMA_VERSION));
  });
});

describe('places', () => {
  it('are given back when their transform jobs end, once each', async () => {
    const { batch, name } = await steps.running('a', 1);
    await steps.file(batch);
    await Promise.all([1, 2].map(() => backend.ledger.endTransformJob(name, undefined)));
    for (const id of ['b', 'c']) await steps.submission(id, [1]);
    const [one, two] = await Promise.all(
      ['b', 'c'].map((id) => steps.waiting([{ submission: id, chunk: 0, from: 0, to: 1 }])),
    );
    expect(await backend.ledger.claimTransformJob(transformOf('one', [one?.id ?? '']), 1)).toBe('claimed');
    expect(await backend.ledger.claimTransformJob(transformOf('two', [two?.id ?? '']), 1)).toBe('full');
  });

  it('of transform jobs that are not there any more are given back', async () => {
    const { batch, name } = await steps.running('a', 1);
    await steps.submission('b', [1]);
    const other = await steps.waiting([{ submission: 'b', chunk: 0, from: 0, to: 1 }]);
    expect(await backend.ledger.claimTransformJob(transformOf('t', [other.id]), 1)).toBe('full');
    expect(batch.transformJob).toBe(name);
    // As when its time to live was over.
    backend.gone(`T#${name}`);
    expect(await backend.ledger.claimTransformJob(transformOf('t', [other.id]), 1)).toBe('claimed');
  });
});

describe('a ledger for one submission', () => {
  it('lists its open work alone', async () => {
    await steps.running('a', 1);
    await steps.submission('b', [1]);
    await steps.submission('c', [1]);
    const batch = await steps.waiting([{ submission: 'c', chunk: 0, from: 0, to: 1 }]);
    await steps.failed('d', 1);
    await backend.ledger.beginRetry('d', 0, 'all');
    const of = (only: string) => backend.again({ only });
    expect((await of('a').openWork(T0)).transforms).toHaveLength(1);
    expect(await of('b').openWork(T0)).toMatchObject({ chunks: true, transforms: [], waiting: false });
    expect(await of('c').openWork(T0)).toMatchObject({ chunks: false, transforms: [], waiting: true });
    expect(await of('d').openWork(T0)).toMatchObject({ chunks: false, submissions: ['d'] });
    expect(await of('nobody').openWork(T0)).toMatchObject({ chunks: false, submissions: [], waiting: false });
    expect((await of('c').waitingBatches(T0, 10)).map(({ id }) => id)).toEqual([batch.id]);
    expect(await of('b').waitingBatches(T0, 10)).toEqual([]);
    expect((await of('b').openChunks(10)).map(({ submission }) => submission)).toEqual(['b']);
    expect(await of('a').nextWaiting(T0)).toBeUndefined();
  });
});
