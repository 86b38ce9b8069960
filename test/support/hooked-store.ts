/** A store that lets a test act between two calls: the caller waits meanwhile. */
import type { Item, Key } from '../../backend/core/items.ts';
import type { Range, Store, Write } from '../../backend/ports/store.ts';

export interface StoreHooks {
  /** After an item was read, before the caller has it. */
  read?: (key: Key) => Promise<unknown>;
  /** Before each item of a query: the caller has the ones before it. */
  item?: (item: Item, range: Range) => Promise<unknown>;
  /** Before writes, one or many. */
  before?: (writes: readonly Write[]) => Promise<unknown>;
  /** After writes took effect, before the caller knows. */
  after?: (writes: readonly Write[]) => Promise<unknown>;
}

/**
 * @param hooks are asked at each call, so a test may change them
 * Items of a query are read one by one, as if each were a page of its own.
 */
export function hooked(store: Store, hooks: StoreHooks): Store {
  const writing = async <T>(writes: readonly Write[], carryOut: () => Promise<T>): Promise<T> => {
    await hooks.before?.(writes);
    const outcome = await carryOut();
    await hooks.after?.(writes);
    return outcome;
  };
  return {
    async get(key) {
      const item = await store.get(key);
      await hooks.read?.(key);
      return item;
    },
    getAll: (keys) => store.getAll(keys),
    async *query(range) {
      if (!hooks.item) {
        yield* store.query(range);
        return;
      }
      const keys: Key[] = [];
      for await (const { pk, sk } of store.query(range)) keys.push({ pk, sk });
      for (const key of keys) {
        await hooks.item(key, range);
        const item = await store.get(key);
        if (item) yield item;
      }
    },
    write: (write, first) => writing([write], () => store.write(write, first)),
    transact: (writes, first) => writing(writes, () => store.transact(writes, first)),
    putAll: (items) => store.putAll(items),
  };
}

/** A hook that acts once, at the first call that it is asked about and that matches. */
export function once<A extends readonly unknown[]>(
  act: () => Promise<unknown>,
  matches: (...asked: A) => boolean = () => true,
): (...asked: A) => Promise<unknown> {
  let acted = false;
  return async (...asked) => {
    if (acted || !matches(...asked)) return;
    acted = true;
    await act();
  };
}
