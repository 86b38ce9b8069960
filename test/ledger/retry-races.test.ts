/** A retry takes its jobs while others end it or cancel the submission. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Ledger } from '../../backend/ports/ledger.ts';
import { batchOf, Steps, T0 } from '../contract/ledger-steps.ts';
import { hooked, once, type StoreHooks } from '../support/hooked-store.ts';
import { openStore, type StoreBackend } from '../support/store-backend.ts';

let backend: StoreBackend;
let steps: Steps;
let hooks: StoreHooks;
let slow: Ledger;
beforeEach(async () => {
  backend = await openStore({ now: () => T0 });
  steps = new Steps(backend.ledger);
  hooks = {};
  slow = backend.again({ store: hooked(backend.store, hooks) });
  await steps.failed('s', 3);
  await backend.ledger.beginRetry('s', 0, 'all');
});
afterEach(() => backend.close());

const take = () =>
  slow.formBatches([batchOf('r', [{ submission: 's', chunk: 0, from: 0, to: 3 }], { generation: 1 })]);

it('jobs that are put back after a cancel has gone by them are cancelled', async () => {
  const { ledger } = backend;
  hooks.read = once(
    async () => {
      await ledger.beginCancel('s');
      await ledger.cancelChunks('s', 0, 10, T0);
      await ledger.endCancel('s');
    },
    ({ sk }) => sk === 'meta',
  );
  await take();
  expect(await steps.counts('s')).toEqual({ Cancelled: 3 });
});

it('jobs that are put back when the retry has just ended are run', async () => {
  hooks.after = once(
    () => backend.ledger.endRetry('s', 1),
    (writes) => writes.some(({ key }) => key.sk.startsWith('h#')),
  );
  await take();
  expect(await backend.ledger.submission('s')).toMatchObject({ retrying: false });
  expect(await steps.counts('s')).toEqual({ Queued: 3 });
});

it('jobs of a generation after a cancelled one are run', async () => {
  const { ledger } = backend;
  await ledger.beginCancel('s');
  await ledger.cancelChunks('s', 0, 10, T0);
  await ledger.endCancel('s');
  expect(await ledger.beginRetry('s', 1, 'all')).toBe(true);
  const next = batchOf('r', [{ submission: 's', chunk: 0, from: 0, to: 3 }], { generation: 2 });
  await ledger.formBatches([next]);
  expect(await steps.counts('s')).toEqual({ Queued: 3 });
});
