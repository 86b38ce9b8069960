/** Counters while others change what they count: reading them is many reads, changing them one transaction. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { statusCounts } from '../../backend/core/submission.ts';
import type { Ledger } from '../../backend/ports/ledger.ts';
import { batchOf, chunkOf, Steps, T0 } from '../contract/ledger-steps.ts';
import { hooked, once, type StoreHooks } from '../support/hooked-store.ts';
import { openStore, type StoreBackend } from '../support/store-backend.ts';

let backend: StoreBackend;
let steps: Steps;
let hooks: StoreHooks;
let reader: Ledger;
beforeEach(async () => {
  backend = await openStore({ now: () => T0 });
  steps = new Steps(backend.ledger);
  hooks = {};
  reader = backend.again({ store: hooked(backend.store, hooks) });
});
afterEach(() => backend.close());

/** Counts as they are read while `act` is carried out each time that reading has come to the `at`th of them. */
async function countsWhile(at: number, act: () => Promise<unknown>): Promise<number[]> {
  let items = 0;
  hooks.item = async ({ sk }) => {
    if (sk === 'count#00') items = 0;
    if (items++ === at) await act();
  };
  const submission = await reader.submission('s');
  delete hooks.item;
  return Object.values(statusCounts(submission?.counters as never));
}

describe('a poll', () => {
  it('sees no job ended that it does not see started, however often others go on while it reads', async () => {
    const most = 110;
    await steps.accept(chunkOf('s', 0, most));
    const cut = { base: 'b', size: 1 };
    const idOf = (i: number) => `b_${String(i).padStart(4, '0')}`;
    const drafts = Array.from({ length: most }, (_, i) =>
      batchOf(idOf(i), [{ submission: 's', chunk: 0, from: i, to: i + 1 }], { cut }),
    );
    await backend.ledger.formBatches(drafts);
    await backend.ledger.markWaiting(drafts.map(({ id }) => id));
    // All counters are there.
    for (let n = 1; n < 16; n++) await steps.accept(chunkOf('s', n, 1));
    let next = 0;
    const another = async () => {
      const draft = drafts[next++];
      if (!draft) throw new Error('more is needed');
      await steps.claim(draft.id);
      await steps.file(draft);
    };
    for (let at = 0; at < 16; at++)
      for (const count of await countsWhile(at, another)) expect(count, `${at}`).toBeGreaterThanOrEqual(0);
  });

  it('reads again what contradicts itself', async () => {
    // All counters are there, and nothing is queued.
    const first = Array.from({ length: 16 }, (_, chunk) => ({ submission: 's', chunk, from: 0, to: 1 }));
    for (const { chunk } of first) await steps.accept(chunkOf('s', chunk, 1));
    await steps.claim((await steps.waiting(first)).id);
    let n = first.length;
    const another = async () => {
      const chunk = n++;
      await steps.accept(chunkOf('s', chunk, 1));
      const batch = await steps.waiting([{ submission: 's', chunk, from: 0, to: 1 }]);
      await steps.claim(batch.id);
    };
    for (const at of [4, 8, 12])
      for (let more = 0; more < 8; more++)
        for (const count of await countsWhile(at, once(another))) expect(count).toBeGreaterThanOrEqual(0);
  });
});

describe('closing', () => {
  it('counts a chunk that is accepted meanwhile', async () => {
    await steps.accept(chunkOf('s', 0, 2));
    hooks.before = once(() => steps.accept(chunkOf('s', 1, 3)));
    expect(await reader.closeSubmission('s', 2)).toMatchObject({ kind: 'mismatch', total: 5 });
    expect(await backend.ledger.submission('s')).toMatchObject({ closed: false });
    expect(await backend.ledger.closeSubmission('s', 5)).toMatchObject({ kind: 'closed' });
  });
});
