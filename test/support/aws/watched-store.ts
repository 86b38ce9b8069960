/**
 * A store whose calls a test may come between; what a write names is put by a call before, as on DynamoDB. A call whose answer got lost and that is carried out again answers as the
 * DynamoDB driver does then: a write that found what it had itself written is done.
 */
import { tookEffect } from '../../../backend/aws/dynamo/took-effect.ts';
import type { Item, Key } from '../../../backend/core/items.ts';
import type { Outcome, Range, Store, Write } from '../../../backend/ports/store.ts';
import { Between } from './between.ts';

export class WatchedStore extends Between implements Store {
  readonly #base: Store;

  constructor(base: Store) {
    super();
    this.#base = base;
  }

  get(key: Key): Promise<Item | undefined> {
    return this.#pass('get', { key }, () => this.#base.get(key));
  }

  getAll(keys: readonly Key[]): Promise<(Item | undefined)[]> {
    return this.#pass('getAll', { keys }, () => this.#base.getAll(keys));
  }

  async *query(range: Range): AsyncGenerator<Item> {
    yield* await this.#pass('query', { range }, async () => this.#base.query(range));
  }

  async write(write: Write, first: readonly Item[] = []): Promise<Outcome> {
    if (first.length > 0) await this.putAll(first);
    return this.#pass('write', { write }, async (again = false) => {
      const outcome = await this.#base.write(write);
      const known = again && !outcome.done && tookEffect(write, outcome.failed.get(0));
      return known ? { done: true } : outcome;
    });
  }

  async transact(writes: readonly Write[], first: readonly Item[] = []): Promise<Outcome> {
    const [one] = writes;
    if (one && writes.length === 1) return this.write(one, first);
    if (first.length > 0) await this.putAll(first);
    return this.#pass('transact', { writes }, () => this.#base.transact(writes));
  }

  putAll(items: readonly Item[]): Promise<void> {
    return this.#pass('putAll', { items }, () => this.#base.putAll(items));
  }

  #pass<T>(
    name: keyof Store,
    input: Record<string, unknown>,
    carryOut: (again?: boolean) => Promise<T>,
  ): Promise<T> {
    return this.pass({ name, input }, carryOut) as Promise<T>;
  }
}
