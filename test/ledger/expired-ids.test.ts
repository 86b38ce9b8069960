/** IDs and idempotency keys that were used before, from the end of their retention until they are physically gone. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chunkOf, draftOf, T0 } from '../contract/ledger-steps.ts';
import { openStore, type StoreBackend } from '../support/store-backend.ts';

const DAY = 86_400_000;
let now: number;
let backend: StoreBackend;
beforeEach(async () => {
  now = T0;
  backend = await openStore({ now: () => now, retentionDays: 30 });
});
afterEach(() => backend.close());

describe('a submission whose time is over', () => {
  it('is not known any more, and its ID is refused, whatever is sent', async () => {
    const { ledger } = backend;
    const draft = draftOf('s');
    expect(await ledger.acceptChunk(chunkOf('s', 0, 2), draft)).toBe('accepted');
    now = T0 + 30 * DAY - 1;
    expect(await ledger.acceptChunk(chunkOf('s', 0, 2), draft)).toBe('repeated');
    now = T0 + 30 * DAY;
    expect(await ledger.submission('s')).toBeUndefined();
    expect(await ledger.jobs([{ submission: 's', chunk: 0, index: 0 }])).toEqual([undefined]);
    expect(await ledger.chunks('s', 0, 10)).toEqual([]);
    const late = draftOf('s', { createdAt: now });
    expect(await ledger.openSubmission(late)).toBe('expired');
    expect(await ledger.acceptChunk(chunkOf('s', 0, 2), late)).toBe('expired');
    expect(await ledger.acceptChunk(chunkOf('s', 0, 3), late)).toBe('expired');
    expect(await ledger.acceptChunk(chunkOf('s', 1, 2), late)).toBe('expired');
    expect(await ledger.closeSubmission('s', 2)).toEqual({ kind: 'unknown' });
  });

  it('frees its ID once all of it is gone, and not when only its own item is', async () => {
    const { ledger } = backend;
    await ledger.acceptChunk(chunkOf('s', 0, 2), draftOf('s'));
    now = T0 + 40 * DAY;
    backend.gone('S#');
    const late = draftOf('s', { createdAt: now });
    expect(await ledger.acceptChunk(chunkOf('s', 0, 2), late)).toBe('expired');
    expect(await ledger.acceptChunk(chunkOf('s', 0, 7), late)).toBe('expired');
    backend.gone('S#');
    backend.gone('C#');
    expect(await ledger.acceptChunk(chunkOf('s', 0, 2, { acceptedAt: now }), late)).toBe('accepted');
    expect((await ledger.submission('s'))?.counters.total).toBe(2);
  });

  it('is not taken for the next one of that name when results are kept longer from now on', async () => {
    await backend.ledger.acceptChunk(chunkOf('s', 0, 2), draftOf('s'));
    now = T0 + 40 * DAY;
    backend.gone('S#');
    const ledger = backend.again({ retentionDays: 90 });
    const late = draftOf('s', { createdAt: now });
    expect(await ledger.acceptChunk(chunkOf('s', 0, 2, { acceptedAt: now }), late)).toBe('expired');
    expect((await ledger.submission('s'))?.counters.total).toBe(0);
  });

  it('does not lend its counters to the next one of that name', async () => {
    const { ledger } = backend;
    await ledger.acceptChunk(chunkOf('s', 0, 2), draftOf('s'));
    now = T0 + 40 * DAY;
    backend.gone('S#s', 'meta');
    backend.gone('C#');
    const late = draftOf('s', { createdAt: now });
    await ledger.openSubmission(late);
    expect((await ledger.submission('s'))?.counters.total).toBe(0);
    expect(await ledger.acceptChunk(chunkOf('s', 0, 2, { acceptedAt: now }), late)).toBe('expired');
    expect(await ledger.acceptChunk(chunkOf('s', 1, 5, { acceptedAt: now }), late)).toBe('accepted');
    expect((await ledger.submission('s'))?.counters.total).toBe(5);
  });

  it('has its items end with it, and the one that says that it exists last', async () => {
    const { ledger, store } = backend;
    await ledger.openSubmission(draftOf('s'));
    now = T0 + 20 * DAY;
    await ledger.acceptChunk(chunkOf('s', 0, 2, { acceptedAt: now }), draftOf('s'));
    const ttl = async (pk: string, sk: string) => ((await store.get({ pk, sk }))?.['ttl'] as number) * 1000;
    const [head, count, meta] = [
      await ttl('C#s#0', 'h#000000000'),
      await ttl('S#s', 'count#00'),
      await ttl('S#s', 'meta'),
    ];
    expect(head).toBe(count);
    expect(head).toBeGreaterThanOrEqual(T0 + 30 * DAY);
    expect(meta).toBeGreaterThan(head + 2 * DAY);
  });
});

describe('an idempotency key whose job is over', () => {
  it('is refused, with the same record and with another', async () => {
    const { ledger } = backend;
    const single = (createdAt: number) => draftOf('j-key', { kind: 'single', createdAt });
    expect(await ledger.acceptChunk(chunkOf('j-key', 0, 1), single(now))).toBe('accepted');
    now = T0 + 31 * DAY;
    expect(await ledger.acceptChunk(chunkOf('j-key', 0, 1), single(now))).toBe('expired');
    expect(await ledger.acceptChunk({ ...chunkOf('j-key', 0, 1), sha256: 'other' }, single(now))).toBe(
      'expired',
    );
    backend.gone('C#');
    const again = chunkOf('j-key', 0, 1, { acceptedAt: now });
    expect(await ledger.acceptChunk(again, single(now))).toBe('accepted');
    expect(await ledger.submission('j-key')).toMatchObject({ kind: 'single', createdAt: now });
  });
});
