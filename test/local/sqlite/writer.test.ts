import { describe, expect, it } from 'vitest';
import type { Item } from '../../../backend/core/items.ts';
import { createWriter, type Draft } from '../../../backend/local/sqlite/writer.ts';

/** A writer over items in memory, and the groups that it committed. */
function bench(commit: () => void = () => undefined) {
  const stored = new Map<string, Item>();
  const groups: string[][] = [];
  const { write } = createWriter(
    (id) => stored.get(id),
    (items) => {
      commit();
      groups.push([...items.keys()]);
      for (const [id, item] of items) stored.set(id, item);
    },
  );
  return { write, groups, n: (id: string) => stored.get(id)?.['n'] as number | undefined };
}

const put =
  (id: string, n: number, room = 1) =>
  (draft: Draft) =>
    draft.put(id, { n }, room);
const add = (id: string) => (draft: Draft) => {
  const n = ((draft.find(id)?.['n'] as number | undefined) ?? 0) + 1;
  draft.put(id, { n }, 1);
  return n;
};

describe('the writer', () => {
  it('puts writes of one turn into one group, in order, each item once, and answers after its commit', async () => {
    const { write, groups, n } = bench();
    const answers = ['a', 'a', 'b', 'a'].map((id) =>
      write(add(id)).then((value) => [value, groups.length, n(id)]),
    );
    expect(groups).toEqual([]);
    expect(await Promise.all(answers)).toEqual([
      [1, 1, 3],
      [2, 1, 3],
      [1, 1, 1],
      [3, 1, 3],
    ]);
    await write(add('a'));
    expect(groups).toEqual([['a', 'b'], ['a']]);
  });

  it('undoes what throws, alone and whole', async () => {
    const { write, n } = bench();
    const outcomes = await Promise.allSettled([
      write(add('a')),
      write((draft) => {
        put('a', 7)(draft);
        put('b', 7)(draft);
        throw new Error('thought better of it');
      }),
      write(add('a')),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect([n('a'), n('b')]).toEqual([2, undefined]);
  });

  it('fails a whole group whose commit fails, also those who only looked, and goes on', async () => {
    let broken = true;
    const { write, groups, n } = bench(() => {
      if (broken) throw new Error('the disk is full');
    });
    const outcomes = await Promise.allSettled([
      write(put('a', 1)),
      write((draft) => draft.find('a')?.['n']),
      write(put('b', 1)),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect([groups, n('a'), n('b')]).toEqual([[], undefined, undefined]);
    broken = false;
    expect(await write(add('a'))).toBe(1);
  });

  it('commits nothing for those who only look', async () => {
    const { write, groups } = bench();
    expect(await write((draft) => draft.find('a'))).toBeUndefined();
    expect(groups).toEqual([]);
  });

  it('closes a group that has become large', async () => {
    const { write, groups } = bench();
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => write(put(id, 1, 3_000_000))));
    expect(groups).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e'],
    ]);
  });
});
