/** Ranges of a partition and of the index of open work. */
import { expect, it } from 'vitest';
import { equal, type Item } from '../../backend/core/items.ts';
import { allOf, type Range, type Store } from '../../backend/ports/store.ts';

const number = (n: number) => `${n}`.padStart(4, '0');

export function queryContract(store: () => Store): void {
  const sks = async (range: Range) => (await allOf(store(), range)).map(({ sk }) => sk as string);
  const open = async (range: Omit<Range, 'index'>) => sks({ ...range, index: 'open' });

  it('give the items of one partition, whole, in the order of the bytes of their sort keys', async () => {
    const ordered = ['!', '#1', 'A', 'a', 'a ', 'a#', 'aa', 'b', 'é', '日', '\uffee', '\u{1f600}'];
    const items = ordered.map((sk) => ({ pk: 'p', sk, text: `of ${sk}`, set: new Set([sk]) }));
    await store().putAll([...items].reverse());
    await store().putAll(['', '#', ' ', '!', '0'].map((more) => ({ pk: `p${more || 'p'}`, sk: 'other' })));
    expect(await allOf(store(), { pk: 'p' })).toEqual(items);
    expect(await sks({ pk: 'p', newestFirst: true })).toEqual([...ordered].reverse());
    expect(await sks({ pk: 'p#' })).toEqual(['other']);
    expect(await sks({ pk: 'P' })).toEqual([]);
  });

  it('have bounds, both inclusive, that need not be there', async () => {
    await store().putAll([1, 2, 3, 5, 8].map((n) => ({ pk: 'p', sk: number(n) })));
    const [two, four, five] = [number(2), number(4), number(5)];
    expect(await sks({ pk: 'p', from: two, to: five })).toEqual([2, 3, 5].map(number));
    expect(await sks({ pk: 'p', from: four })).toEqual([5, 8].map(number));
    expect(await sks({ pk: 'p', to: four })).toEqual([1, 2, 3].map(number));
    expect(await sks({ pk: 'p', from: four, to: four })).toEqual([]);
    expect(await sks({ pk: 'p', from: two, to: five, newestFirst: true })).toEqual([5, 3, 2].map(number));
    // A bound is no prefix: what only begins with it comes after it.
    expect(await sks({ pk: 'p', to: '000' })).toEqual([]);
  });

  it('give at most as many as asked for, counted after what is left out', async () => {
    await store().putAll(
      Array.from({ length: 12 }, (_, n) => ({ pk: 'p', sk: number(n), even: n % 2 === 0 })),
    );
    const where = equal('even', true);
    expect(await sks({ pk: 'p', limit: 3 })).toEqual([0, 1, 2].map(number));
    expect(await sks({ pk: 'p', limit: 3, newestFirst: true })).toEqual([11, 10, 9].map(number));
    expect(await sks({ pk: 'p', limit: 3, where })).toEqual([0, 2, 4].map(number));
    expect(await sks({ pk: 'p', limit: 3, where, newestFirst: true, to: number(9) })).toEqual(
      [8, 6, 4].map(number),
    );
    expect(await sks({ pk: 'p', limit: 100 })).toHaveLength(12);
  });

  it('go on past a page: many items, and large ones', async () => {
    const many = Array.from({ length: 450 }, (_, n) => ({ pk: 'many', sk: number(n), odd: n % 2 === 1 }));
    await store().putAll(many);
    expect(await allOf(store(), { pk: 'many' })).toEqual(many);
    expect(await allOf(store(), { pk: 'many', newestFirst: true })).toEqual([...many].reverse());
    expect(await sks({ pk: 'many', limit: 401 })).toHaveLength(401);
    expect(await sks({ pk: 'many', where: equal('odd', true), limit: 224 })).toHaveLength(224);
    // DynamoDB's pages hold 1 MB.
    const text = 'x'.repeat(300_000);
    await store().putAll(Array.from({ length: 5 }, (_, n) => ({ pk: 'large', sk: number(n), text })));
    expect(await sks({ pk: 'large' })).toEqual([0, 1, 2, 3, 4].map(number));
    expect(await sks({ pk: 'large', newestFirst: true, limit: 4 })).toEqual([4, 3, 2, 1].map(number));
  });

  it('may be left early, and see each item once while others come and go', async () => {
    await store().putAll(Array.from({ length: 450 }, (_, n) => ({ pk: 'p', sk: number(2 * n) })));
    const seen: string[] = [];
    for await (const { sk } of store().query({ pk: 'p' })) {
      if (seen.length < 5) await store().putAll([{ pk: 'p', sk: number(2 * seen.length + 1), late: true }]);
      seen.push(sk);
    }
    expect(seen.filter((sk) => Number(sk) % 2 === 0)).toHaveLength(450);
    expect(new Set(seen).size).toBe(seen.length);
    for await (const { sk } of store().query({ pk: 'p' })) {
      expect(sk).toBe(number(0));
      break;
    }
  });

  it('of the index: what is open, in the order of openAt', async () => {
    const at = (sk: string, openAt: string, openKey = 'batch#0'): Item => ({
      ...{ pk: `of ${sk}`, sk, openKey, openAt },
      jobs: sk.length,
    });
    await store().putAll([at('c', '3'), at('a', '1'), at('bb', '2'), at('other', '2', 'batch#')]);
    await store().putAll([{ pk: 'p', sk: 'closed' }]);
    expect(await allOf(store(), { pk: 'batch#0', index: 'open' })).toMatchObject([
      at('a', '1'),
      at('bb', '2'),
      at('c', '3'),
    ]);
    expect(await open({ pk: 'batch#0', newestFirst: true, limit: 2 })).toEqual(['c', 'bb']);
    expect(await open({ pk: 'batch#0', from: '2', to: '2' })).toEqual(['bb']);
    expect(await open({ pk: 'batch#0', to: '2' })).toEqual(['a', 'bb']);
    expect(await open({ pk: 'batch#0', where: equal('jobs', 1), limit: 2 })).toEqual(['a', 'c']);
    expect(await open({ pk: 'batch#' })).toEqual(['other']);
    expect(await open({ pk: 'batch' })).toEqual([]);
  });

  it('of the index: items enter, move and leave by puts, changes and transactions', async () => {
    const key = (sk: string) => ({ pk: 'p', sk });
    await store().putAll([{ ...key('a') }, { ...key('b'), openKey: 'k', openAt: '2' }, { ...key('c') }]);
    // An attribute alone is not enough.
    await store().write({ key: key('c'), changes: { set: { openKey: 'k' } } });
    expect(await open({ pk: 'k' })).toEqual(['b']);
    await store().write({ key: key('c'), changes: { set: { openAt: '3' } } });
    await store().transact([
      { key: key('a'), changes: { set: { openKey: 'k', openAt: '1' } } },
      { key: key('b'), changes: { set: { openAt: '4' } } },
    ]);
    expect(await open({ pk: 'k' })).toEqual(['a', 'c', 'b']);
    await store().write({ key: key('a'), changes: { remove: ['openKey', 'openAt'] } });
    await store().write({ key: key('c'), item: { ...key('c'), done: true } });
    await store().write({ key: key('b'), changes: { set: { openKey: 'other' } } });
    expect(await open({ pk: 'k' })).toEqual([]);
    expect(await open({ pk: 'other' })).toEqual(['b']);
    expect(await sks({ pk: 'p' })).toEqual(['a', 'b', 'c']);
  });

  it('of the index: many with the same openAt come each once', async () => {
    const items = Array.from({ length: 450 }, (_, n) => ({
      ...{ pk: `p${n % 7}`, sk: number(n), openKey: 'k' },
      openAt: n < 300 ? '1' : '2',
    }));
    await store().putAll(items);
    const seen = await open({ pk: 'k' });
    expect([...seen].sort()).toEqual(items.map(({ sk }) => sk));
    expect(seen.slice(300).every((sk) => Number(sk) >= 300)).toBe(true);
    expect([...(await open({ pk: 'k', newestFirst: true }))].sort()).toEqual(items.map(({ sk }) => sk));
  });
}
