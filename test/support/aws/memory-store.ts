/**
 * The store in memory. It keeps to DynamoDB's rules and limits (`store-rules.ts`), has an index like DynamoDB's (`open-index.ts`),
 * and counts what DynamoDB would charge (developer guide, "DynamoDB read and write operations"):
 *
 * - a write 1 unit for each KB begun of the larger of the old and the new item, also where its condition doesn't hold; twice in
 *   transactions, whose checks count as writes; and what its index charges.
 * - a read 1 unit for each 4 KB begun (a query's page for all that it reads together), half of it from the index.
 */
import { holds, type Item, type Key } from '../../../backend/core/items.ts';
import type { Outcome, Range, Store, Write } from '../../../backend/ports/store.ts';
import { itemBytes } from './item-size.ts';
import { Meter } from './meter.ts';
import { comparePlaces, idOf, OpenIndex } from './open-index.ts';
import { checkKey, checkTransactionBytes, checkWrites, itemAfter } from './store-rules.ts';
import { compareText } from './text-order.ts';

const MOST = { getItems: 100, putItems: 25, pageBytes: 1024 * 1024 };
const units = (bytes: number, unit: number) => Math.max(1, Math.ceil(bytes / unit));
const bytesOf = (item: Item | undefined) => (item ? itemBytes(item) : 0);

export class MemoryStore implements Store {
  readonly meter = new Meter();
  /** Most items of a query's page. */
  pageItems = Number.POSITIVE_INFINITY;
  readonly #partitions = new Map<string, Partition>();
  readonly #index = new OpenIndex();

  /** Whether the index waits for `catchUp` from now on. */
  lagIndex(lagging: boolean): void {
    this.#index.lagging = lagging;
    if (!lagging) this.#index.catchUp();
  }

  /** Lets the index follow: all the way, or by so many changes. */
  catchUp(changes?: number): void {
    this.#index.catchUp(changes);
  }

  /** All items, for a test to look at. */
  items(): Item[] {
    return [...this.#partitions.values()].flatMap((partition) => [...partition.items.values()]);
  }

  /** Removes what has expired by its attribute `ttl` (epoch seconds), as DynamoDB does in its own time. */
  expire(now: number): void {
    for (const item of this.items())
      if (item['ttl'] !== undefined && item['ttl'] * 1000 < now) {
        this.#partitions.get(item['pk'])?.remove(item['sk']);
        this.#index.change(item, undefined);
      }
  }

  async get(key: Key): Promise<Item | undefined> {
    this.meter.call('get');
    return this.#read(key);
  }

  async getAll(keys: readonly Key[]): Promise<(Item | undefined)[]> {
    const distinct = new Map(keys.map((key) => [idOf(key), key]));
    for (let n = 0; n < distinct.size; n += MOST.getItems) this.meter.call('batch get');
    const found = new Map([...distinct].map(([id, key]) => [id, this.#read(key)]));
    return keys.map((key) => found.get(idOf(key)));
  }

  async *query(range: Range): AsyncGenerator<Item> {
    const { index, where, limit } = range;
    let left = limit ?? Number.POSITIVE_INFINITY;
    for (let after: Item | undefined; left > 0; ) {
      const { page, last } = this.#page(range, after, where ? Number.POSITIVE_INFINITY : left);
      this.meter.call('query page');
      const bytes = page.reduce((sum, item) => sum + itemBytes(item), 0);
      if (index) this.meter.read('index', units(bytes, 4096) / 2);
      else this.meter.read('table', units(bytes, 4096));
      for (const item of page) {
        if (where && !holds(where, item)) continue;
        if (left-- <= 0) return;
        yield copyOf(item);
      }
      if (last === undefined) return;
      after = last;
    }
  }

  async write(write: Write, first: readonly Item[] = []): Promise<Outcome> {
    this.#put(first);
    this.meter.call('write');
    return this.#carryOut([write], 1);
  }

  async transact(writes: readonly Write[], first: readonly Item[] = []): Promise<Outcome> {
    const [one] = writes;
    if (one && writes.length === 1) return this.write(one, first);
    this.#put(first);
    this.meter.call('transact');
    return this.#carryOut(writes, 2);
  }

  async putAll(items: readonly Item[]): Promise<void> {
    this.#put(items);
  }

  #put(items: readonly Item[]): void {
    for (let n = 0; n < items.length; n += MOST.putItems) this.meter.call('batch write');
    for (const item of items) this.#carryOut([{ key: { pk: item['pk'], sk: item['sk'] }, item }], 1);
  }

  #find({ pk, sk }: Key): Item | undefined {
    return this.#partitions.get(pk)?.items.get(sk);
  }

  #read(key: Key): Item | undefined {
    checkKey(key);
    const item = this.#find(key);
    this.meter.read('table', units(bytesOf(item), 4096));
    return item && copyOf(item);
  }

  /** The next items of a range, and where to go on if more may follow. */
  #page({ pk, from, to, index, newestFirst = false }: Range, after: Item | undefined, most: number) {
    const found = index ? this.#index.items(pk) : (this.#partitions.get(pk)?.inOrder() ?? []);
    const sort = index ? 'openAt' : 'sk';
    const compare = index ? comparePlaces : (a: Item, b: Item) => compareText(a['sk'], b['sk']);
    const asked = found.filter(
      (item) =>
        (from === undefined || compareText(item[sort], from) >= 0) &&
        (to === undefined || compareText(item[sort], to) <= 0) &&
        (after === undefined || compare(item, after) * (newestFirst ? -1 : 1) > 0),
    );
    if (newestFirst) asked.reverse();
    const page: Item[] = [];
    for (let bytes = 0; page.length < Math.min(asked.length, most, this.pageItems); ) {
      const item = asked[page.length] as Item;
      bytes += itemBytes(item);
      page.push(item);
      if (bytes >= MOST.pageBytes) break;
    }
    return { page, last: page.length < asked.length ? page.at(-1) : undefined };
  }

  /** @param times how often each write is charged */
  #carryOut(writes: readonly Write[], times: 1 | 2): Outcome {
    checkWrites(writes);
    const found = writes.map(({ key }) => this.#find(key));
    const failed = new Map<number, Item | undefined>();
    for (const [i, { condition }] of writes.entries())
      if (condition && !holds(condition, found[i])) failed.set(i, found[i] && copyOf(found[i]));
    const nexts = writes.map((write, i) => (failed.size > 0 ? write.item : itemAfter(write, found[i])));
    const bytes = nexts.map((next, i) => Math.max(bytesOf(next), bytesOf(found[i])));
    if (times > 1) checkTransactionBytes(bytes.reduce((sum, each) => sum + each, 0));
    for (const [i, each] of bytes.entries())
      this.meter.write('table', times * units(each, 1024), writes[i]?.key.pk ?? '');
    if (failed.size > 0) return { done: false, failed };
    for (const [i, next] of nexts.entries()) if (next) this.#keep(found[i], copyOf(next));
    return { done: true };
  }

  #keep(before: Item | undefined, item: Item): void {
    const partition = this.#partitions.get(item['pk']) ?? new Partition();
    this.#partitions.set(item['pk'], partition);
    partition.put(item);
    this.meter.write('index', this.#index.change(before, item), item['pk']);
  }
}

/** Items of one partition key. */
class Partition {
  readonly items = new Map<string, Item>();
  #sorted: string[] | undefined;

  put(item: Item): void {
    if (!this.items.has(item['sk'])) this.#sorted = undefined;
    this.items.set(item['sk'], item);
  }

  remove(sk: string): void {
    this.items.delete(sk);
    this.#sorted = undefined;
  }

  inOrder(): Item[] {
    this.#sorted ??= [...this.items.keys()].sort(compareText);
    return this.#sorted.map((sk) => this.items.get(sk) as Item);
  }
}

/** A copy without what is undefined; nobody who changes it changes the store. */
function copyOf<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return Uint8Array.from(value) as T;
  if (value instanceof Set) return new Set(value) as T;
  if (Array.isArray(value)) return value.map(copyOf) as T;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries.map(([name, each]) => [name, copyOf(each)])) as T;
}
