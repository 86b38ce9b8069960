/**
 * The store: items with a key, in partitions that are read in the order of their sort keys, and one sparse index of open work.
 * All that the ledger needs of a database, so that its rules are written once over it.
 */
import type { Changes, Condition, Item, Key } from '../core/items.ts';

/** One step of a transaction, or of its own. */
export interface Write {
  readonly key: Key;
  /** The item as a whole, or changes to it, or (neither) a check. */
  readonly item?: Item;
  readonly changes?: Changes;
  readonly condition?: Condition;
}

/** `failed`: by the index of the write, for each whose condition didn't hold, the item that was found (if any). */
export type Outcome =
  | { readonly done: true }
  | { readonly done: false; readonly failed: ReadonlyMap<number, Item | undefined> };

export interface Range {
  /** A partition; in the index, an `openKey`. */
  readonly pk: string;
  /** Sort keys (in the index: `openAt`) from and to, both inclusive. */
  readonly from?: string;
  readonly to?: string;
  /** The index holds the items that have the attributes `openKey` and `openAt`. It may lag behind. */
  readonly index?: 'open';
  readonly newestFirst?: boolean;
  /** At most so many items. */
  readonly limit?: number;
  readonly where?: Condition;
}

/** Most writes of one transaction: DynamoDB, TransactWriteItems. */
export const TRANSACT_MOST = 100;

export interface Store {
  /** As it is after all writes that were answered. */
  get(key: Key): Promise<Item | undefined>;
  /** Items in the order of their keys, as `get` gives them; undefined where there is none. */
  getAll(keys: readonly Key[]): Promise<(Item | undefined)[]>;
  /** Items of a partition in the order of their sort keys, page by page as they are asked for. */
  query(range: Range): AsyncIterable<Item>;
  /** One write of its own. Answered once it is durable, as all that follow. */
  write(write: Write, first?: readonly Item[]): Promise<Outcome>;
  /**
   * Up to `TRANSACT_MOST` writes of different keys, all or none.
   * @param first items that are put before, whatever becomes of the writes: what they name must be durable when they are
   */
  transact(writes: readonly Write[], first?: readonly Item[]): Promise<Outcome>;
  /** Writes without a condition, which may be repeated. */
  putAll(items: readonly Item[]): Promise<void>;
}

/** All items of a range. */
export async function allOf(store: Pick<Store, 'query'>, range: Range): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of store.query(range)) items.push(item);
  return items;
}
