/** A process may die at any write of the ledger, before it took effect or after. Others go on by what is in the store. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Batch } from '../../backend/core/batch.ts';
import type { Ledger } from '../../backend/ports/ledger.ts';
import { batchOf, chunkOf, REASON, Steps, T0, transformOf } from '../contract/ledger-steps.ts';
import { hooked, once, type StoreHooks } from '../support/hooked-store.ts';
import { openStore, type StoreBackend } from '../support/store-backend.ts';

let backend: StoreBackend;
let steps: Steps;
const opened: StoreBackend[] = [];
async function openNew(): Promise<void> {
  backend = await openStore({ now: () => T0 });
  opened.push(backend);
  steps = new Steps(backend.ledger);
}
beforeEach(openNew);
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});

const chunksOf = (count: number, jobs: number) =>
  Array.from({ length: count }, (_, chunk) => ({ submission: 's', chunk, from: 0, to: jobs }));

/** A submission of so many chunks of so many jobs. */
async function submit(chunks: number, jobs: number): Promise<void> {
  await Promise.all(Array.from({ length: chunks }, (_, n) => steps.accept(chunkOf('s', n, jobs))));
  await backend.ledger.closeSubmission('s', chunks * jobs);
}

/**
 * Tells a story once for each write of a step: the process that takes the step dies there, and then others go on.
 * @param prepare gives the step
 */
async function dyingAnywhere(
  prepare: () => Promise<(ledger: Ledger) => Promise<unknown>>,
  goOn: () => Promise<void>,
): Promise<void> {
  for (const when of ['before', 'after'] as const)
    for (let at = 0, died = true; died; at++) {
      await openNew();
      const step = await prepare();
      let left = at;
      died = false;
      const die = async () => {
        // It is dead from then on.
        if (!died && left-- > 0) return;
        died = true;
        throw new Error('died');
      };
      const hooks: StoreHooks = { [when]: die };
      await step(backend.again({ store: hooked(backend.store, hooks) })).catch((error: Error) => {
        if (error.message !== 'died') throw error;
      });
      await goOn();
    }
}

/** Forms what is Forming, and what is in no batch yet; gives the batches with jobs. */
async function formRest(): Promise<Batch[]> {
  const { ledger } = backend;
  const forming = (await ledger.openWork(T0)).forming;
  const begun = await Promise.all(forming.map((id) => steps.batch(id)));
  const again = await ledger.formBatches(begun);
  const free = await ledger.openChunks(100);
  const members = free.map(({ submission, n, jobs }) => ({ submission, chunk: n, from: 0, to: jobs }));
  const rest = free.length > 0 ? [batchOf('rest', members)] : [];
  return [...again, ...(await ledger.formBatches(rest))].filter(({ jobs }) => jobs > 0);
}

describe('forming', () => {
  const cut = { base: 'b', size: 2 };
  it.each([
    ['a batch of many chunks', () => [batchOf('b', chunksOf(30, 2))], 30, 2],
    [
      'the batches that a chunk is cut into',
      () =>
        [0, 1, 2].map((i) =>
          batchOf(`b_000${i}`, [{ submission: 's', chunk: 0, from: 2 * i, to: Math.min(2 * i + 2, 5) }], {
            cut,
          }),
        ),
      1,
      5,
    ],
  ] as const)('%s leaves no job without a batch', async (_, drafts, chunks, jobs) => {
    await dyingAnywhere(
      async () => {
        await submit(chunks, jobs);
        return (ledger) => ledger.formBatches(drafts());
      },
      async () => {
        const batches = await formRest();
        const ids = batches.map(({ id }) => id);
        await backend.ledger.markWaiting(ids);
        await steps.claim(...ids);
        expect(await steps.counts('s')).toEqual({ Processing: chunks * jobs });
      },
    );
  });

  it('that never went on is failed in time, with all jobs that it was for', async () => {
    await submit(2, 2);
    const dead: StoreHooks = {
      after: async () => {
        throw new Error('died');
      },
    };
    const other = backend.again({ store: hooked(backend.store, dead) });
    await expect(other.formBatches([batchOf('b', chunksOf(2, 2))])).rejects.toThrow('died');
    expect(await backend.ledger.failWaiting('b', REASON, T0)).toBe(true);
    expect(await steps.counts('s')).toEqual({ Failed: 4 });
  });
});

describe('filing', () => {
  it('leaves each job with its result or open, and can be done again', async () => {
    let batch: Batch;
    await dyingAnywhere(
      async () => {
        await submit(2, 3);
        batch = await steps.waiting(chunksOf(2, 3));
        await steps.claim(batch.id);
        return (ledger) => new Steps(ledger).file(batch, '"answer"');
      },
      async () => {
        for (const { status, result } of await steps.jobs('s'))
          expect([status, result]).toEqual(
            status === 'Processed' ? ['Processed', '"answer"'] : ['Processing', undefined],
          );
        await steps.file(batch, '"answer"');
        expect(await steps.counts('s')).toEqual({ Processed: 6 });
        expect((await steps.batch(batch.id)).state).toBe('Done');
      },
    );
  });
});

describe('failing', () => {
  const go = { kind: 'fail', error: REASON } as const;
  it('goes on to the last job', async () => {
    let [batch, name] = ['', ''];
    await dyingAnywhere(
      async () => {
        await submit(30, 2);
        batch = (await steps.waiting(chunksOf(30, 2))).id;
        name = await steps.claim(batch);
        return (ledger) => ledger.applyVerdict(batch, name, go, T0);
      },
      async () => {
        const { ledger } = backend;
        for (const id of (await ledger.openWork(T0)).ending) await ledger.endBatch(id);
        await ledger.applyVerdict(batch, name, go, T0);
        expect(await steps.counts('s')).toEqual({ Failed: 60 });
        expect(await ledger.endTransformJob(name, undefined)).toBe(true);
        expect(await ledger.openWork(T0)).toMatchObject({ ending: [], transforms: [] });
      },
    );
  });
});

describe('claiming more batches than a transaction holds', () => {
  it('ends with those that the transform job had when another read it', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 90; i++) {
      await steps.submission(`s-${i}`, [1]);
      ids.push((await steps.waiting([{ submission: `s-${i}`, chunk: 0, from: 0, to: 1 }])).id);
    }
    let read: readonly string[] = [];
    const hooks: StoreHooks = {
      after: once(async () => {
        read = (await backend.ledger.transformJob('t'))?.batches ?? [];
      }),
    };
    const slow = backend.again({ store: hooked(backend.store, hooks) });
    expect(await slow.claimTransformJob(transformOf('t', ids), 9)).toBe('claimed');
    expect(read.length).toBeGreaterThan(0);
    expect((await backend.ledger.transformJob('t'))?.batches).toEqual(read);
    expect((await backend.ledger.waitingBatches(T0, 100)).map(({ id }) => id)).toEqual(
      ids.slice(read.length),
    );
  });
});
