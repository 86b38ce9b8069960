/** Puts, changes and transactions: what they answer, and what is there after them. */
import { expect, it } from 'vitest';
import { absent, atMost, below, equal, type Item, type Key, present } from '../../backend/core/items.ts';
import { allOf, type Outcome, type Store, TRANSACT_MOST, type Write } from '../../backend/ports/store.ts';

const key = (sk: string, pk = 'p') => ({ pk, sk });
const put = (item: Item & Key): Write => ({ key: { pk: item.pk, sk: item.sk }, item });
const DONE = { done: true };

/** A refusal's items by index, as data. */
const failedOf = (outcome: Outcome) => (outcome.done ? undefined : Object.fromEntries(outcome.failed));

export function writeContract(store: () => Store): void {
  const change = (sk: string, changes: Write['changes'] = {}) => store().write({ key: key(sk), changes });
  const get = (sk: string) => store().get(key(sk));

  it('of changes: set, add, take and remove, on items that are there or not', async () => {
    await change('a', { set: { text: 'x', n: 1 }, add: { count: 2, tags: new Set(['x', 'y']) } });
    expect(await get('a')).toEqual({ ...key('a'), text: 'x', n: 1, count: 2, tags: new Set(['x', 'y']) });
    await change('a', {
      set: { text: 'y', left: undefined },
      add: { count: -5, tags: new Set(['y', 'z']) },
      remove: ['n', 'unknown'],
    });
    expect(await get('a')).toEqual({ ...key('a'), text: 'y', count: -3, tags: new Set(['x', 'y', 'z']) });
    await change('a', { take: { tags: new Set(['x', 'unknown']), none: new Set(['x']) } });
    expect(await get('a')).toEqual({ ...key('a'), text: 'y', count: -3, tags: new Set(['y', 'z']) });
    // A set that becomes empty is no attribute any more.
    await change('a', { take: { tags: new Set(['y', 'z']) }, remove: ['text'] });
    expect(await get('a')).toEqual({ ...key('a'), count: -3 });
    expect(await store().write({ key: key('a'), condition: absent('tags') })).toEqual(DONE);
  });

  it('that are refused change nothing, and answer with the item that was found', async () => {
    const item = { ...key('a'), n: 1 };
    await store().write(put(item));
    const refused = await store().write({
      key: key('a'),
      changes: { add: { n: 1 } },
      condition: below('n', 1),
    });
    expect(failedOf(refused)).toEqual({ 0: item });
    const taken = await store().write({ ...put({ ...key('a'), n: 2 }), condition: absent('pk') });
    expect(failedOf(taken)).toEqual({ 0: item });
    const none = await store().write({ key: key('b'), changes: { set: { n: 1 } }, condition: present('pk') });
    expect(failedOf(none)).toEqual({ 0: undefined });
    const check = await store().write({ key: key('a'), condition: equal('n', 2) });
    expect(failedOf(check)).toEqual({ 0: item });
    expect(await store().write({ key: key('b'), condition: absent('pk') })).toEqual(DONE);
    expect([await get('a'), await get('b')]).toEqual([item, undefined]);
  });

  it('in a transaction happen all or not at all; it says which conditions failed and what was found', async () => {
    const a = { ...key('a'), n: 1 };
    await store().write(put(a));
    const writes = (most: number): Write[] => [
      { ...put({ ...key('b'), n: 1 }), condition: absent('pk') },
      { key: key('a'), changes: { add: { n: 1 } }, condition: atMost('n', most) },
      { key: key('c'), condition: most > 0 ? absent('pk') : present('pk') },
      { key: key('d'), changes: { set: { text: 'd' } } },
    ];
    const refused = await store().transact(writes(0));
    expect(failedOf(refused)).toEqual({ 1: a, 2: undefined });
    expect(await store().getAll(['a', 'b', 'c', 'd'].map((sk) => key(sk)))).toEqual([
      a,
      undefined,
      undefined,
      undefined,
    ]);
    expect(await store().transact(writes(1))).toEqual(DONE);
    expect(await store().getAll(['a', 'b', 'c', 'd'].map((sk) => key(sk)))).toEqual([
      { ...key('a'), n: 2 },
      { ...key('b'), n: 1 },
      undefined,
      { ...key('d'), text: 'd' },
    ]);
  });

  it('put what they name first, whatever becomes of the writes', async () => {
    const first = ['x', 'y'].map((sk) => ({ ...key(sk), text: sk }));
    const taken = { ...put({ ...key('a'), n: 1 }), condition: absent('pk') };
    expect(await store().write(taken, first.slice(0, 1))).toEqual(DONE);
    expect(await get('x')).toEqual(first[0]);
    const refused = await store().transact(
      [taken, { key: key('b'), changes: { set: { n: 1 } } }],
      first.slice(1),
    );
    expect(failedOf(refused)).toEqual({ 0: { ...key('a'), n: 1 } });
    expect([await get('y'), await get('b')]).toEqual([first[1], undefined]);
  });

  it('in a transaction: a hundred at most, of different keys', async () => {
    const writes = (count: number): Write[] =>
      Array.from({ length: count }, (_, n) => ({ key: key(`${n}`), changes: { add: { n: 1 } } }));
    expect(await store().transact(writes(TRANSACT_MOST))).toEqual(DONE);
    expect((await allOf(store(), { pk: 'p' })).map(({ n }) => n)).toEqual(Array(TRANSACT_MOST).fill(1));
    await expect(store().transact(writes(TRANSACT_MOST + 1))).rejects.toThrow();
    await expect(store().transact([...writes(2), ...writes(1)])).rejects.toThrow();
    expect((await get('0'))?.['n']).toBe(1);
  });

  it('of many items at once', async () => {
    const items = Array.from({ length: 260 }, (_, n) => ({ ...key(`${n}`, `p${n % 3}`), n }));
    await store().putAll(items);
    const keys = items.map(({ pk, sk }) => ({ pk, sk }));
    expect(await store().getAll([...keys, key('none'), keys[0] as (typeof keys)[0]])).toEqual([
      ...items,
      undefined,
      items[0],
    ]);
    await store().putAll([]);
    expect(await store().getAll([])).toEqual([]);
  });

  it('of many writers at once on one item: each counts once, and one alone is first', async () => {
    const writers = Array.from({ length: 40 }, (_, n) => n);
    const outcomes = await Promise.all(
      writers.map(async (n) => {
        await change('count', { add: { n: 1, names: new Set([`${n}`]) } });
        const first = { ...put({ ...key('first'), n }), condition: absent('pk') };
        return store().transact([first, { key: key(`row ${n}`), changes: { set: { n } } }]);
      }),
    );
    const winners = writers.filter((n) => outcomes[n]?.done);
    expect(winners).toHaveLength(1);
    expect(await get('first')).toEqual({ ...key('first'), n: winners[0] });
    expect(await get('count')).toEqual({ ...key('count'), n: 40, names: new Set(writers.map(String)) });
    const rows = await allOf(store(), { pk: 'p', from: 'row', to: 'rows' });
    expect(rows.map(({ n }) => n)).toEqual(winners);
    const failed = outcomes.filter((outcome) => !outcome.done).map(failedOf);
    expect(failed).toEqual(Array(39).fill({ 0: { ...key('first'), n: winners[0] } }));
  });

  it('that read and write again under a condition lose nothing', async () => {
    await store().write(put({ ...key('a'), revision: 0, log: '' }));
    const append = async (word: string): Promise<void> => {
      for (;;) {
        const { revision, log } = (await get('a')) as Item;
        const changes = { set: { log: `${log}${word} ` }, add: { revision: 1 } };
        const done = await store().write({ key: key('a'), changes, condition: equal('revision', revision) });
        if (done.done) return;
      }
    };
    const words = ['one', 'two', 'three', 'four', 'five'];
    await Promise.all(words.map(append));
    const { revision, log } = (await get('a')) as Item;
    expect(revision).toBe(5);
    expect((log as string).trim().split(' ').sort()).toEqual([...words].sort());
  });
}
