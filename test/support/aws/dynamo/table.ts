/** A table: items by key, its indexes, and what reads and writes of it cost. */
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import { validation } from './errors.ts';
import { IndexTable, type Keys, keysOf, textOf } from './index-table.ts';
import type { Meter } from './meter.ts';
import { type Item, itemBytes, MAX_ITEM_BYTES, type Value } from './values.ts';

/** Largest keys (DynamoDB quotas). */
const MAX_KEY_BYTES = { hash: 2048, range: 1024 };

interface Entry {
  item: Item | undefined;
  /** As it was before the last change: what an eventually consistent read may still see. */
  before: Item | undefined;
}

export class Table {
  readonly name: string;
  readonly keys: Keys;
  readonly indexes: ReadonlyMap<string, IndexTable>;
  readonly #types: ReadonlyMap<string, string>;
  readonly #partitions = new Map<string, Map<string, Entry>>();
  readonly #meter: Meter;

  constructor(definition: CreateTableCommandInput, meter: Meter) {
    this.name = definition.TableName as string;
    this.keys = keysOf(definition.KeySchema);
    const attributes = definition.AttributeDefinitions ?? [];
    this.#types = new Map(
      attributes.map(({ AttributeName: n, AttributeType: t }) => [n as string, t as string]),
    );
    this.#meter = meter;
    this.indexes = new Map(
      (definition.GlobalSecondaryIndexes ?? []).map((index) => [
        index.IndexName as string,
        new IndexTable(index, this.keys, this.#types),
      ]),
    );
  }

  index(name: string): IndexTable {
    const index = this.indexes.get(name);
    if (!index) throw validation(`The table does not have the specified index: ${name}`);
    return index;
  }

  /** An item's key as text; throws unless the key attributes are there and of their types. */
  keyOf(item: Item): string {
    const { hash, range } = this.keys;
    for (const [name, most] of [
      [hash, MAX_KEY_BYTES.hash],
      [range, MAX_KEY_BYTES.range],
    ] as const) {
      if (name === undefined) continue;
      const value = item[name];
      if (value === undefined)
        throw validation(`One or more parameter values were invalid: Missing the key ${name} in the item`);
      const text = (value as Record<string, string>)[this.#types.get(name) ?? 'S'];
      if (text === undefined)
        throw validation(
          `One or more parameter values were invalid: Type mismatch for key ${name} expected: ${this.#types.get(name)} actual: ${Object.keys(value)[0]}`,
        );
      if (text === '')
        throw validation(
          `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: ${name}`,
        );
      if (Buffer.byteLength(text) > most)
        throw validation(
          `One or more parameter values were invalid: Size of ${name} has exceeded the maximum size limit of ${most} bytes`,
        );
    }
    return textOf(item[hash]) + (range === undefined ? '' : textOf(item[range]));
  }

  /** A `Key` of a request: the key attributes and nothing else. */
  keyOfRequest(key: Item | undefined): string {
    const names = Object.keys(key ?? {});
    const { hash, range } = this.keys;
    if (
      !key ||
      names.length !== (range === undefined ? 1 : 2) ||
      !names.every((n) => n === hash || n === range)
    )
      throw validation('The provided key element does not match the schema');
    return this.keyOf(key);
  }

  get(key: Item, stale = false): Item | undefined {
    const entry = this.#partitions.get(textOf(key[this.keys.hash]))?.get(this.keyOf(key));
    return stale ? entry?.before : entry?.item;
  }

  /** Items of one hash key, with their keys as text. */
  items(hash: Value, stale = false): [key: string, item: Item][] {
    const found: [string, Item][] = [];
    for (const [key, entry] of this.#partitions.get(textOf(hash)) ?? []) {
      const item = stale ? entry.before : entry.item;
      if (item) found.push([key, item]);
    }
    return found;
  }

  all(): [key: string, item: Item][] {
    return [...this.#partitions.values()].flatMap((partition) =>
      [...partition].flatMap(([key, { item }]): [string, Item][] => (item ? [[key, item]] : [])),
    );
  }

  /** Throws for an item that is too large or has index keys of another type. */
  check(item: Item): void {
    if (itemBytes(item) > MAX_ITEM_BYTES) throw validation('Item size has exceeded the maximum allowed size');
    for (const index of this.indexes.values()) index.check(item);
  }

  /** Puts the item at a key, or removes it. `times`: 2 in a transaction. */
  write(at: Item, next: Item | undefined, times: 1 | 2): void {
    const hash = textOf(at[this.keys.hash]);
    const key = this.keyOf(at);
    const partition = this.#partitions.get(hash) ?? new Map<string, Entry>();
    const before = partition.get(key)?.item;
    this.#partitions.set(hash, partition.set(key, { item: next, before }));
    this.chargeWrite(before, next, times);
    for (const index of this.indexes.values())
      this.#meter.write(`${this.name}/${index.name}`, index.change(key, before, next));
  }

  /** A write that changed nothing, as its condition didn't hold, costs what the item is large. */
  chargeWrite(before: Item | undefined, next: Item | undefined, times: 1 | 2): void {
    const bytes = Math.max(before ? itemBytes(before) : 0, next ? itemBytes(next) : 0);
    this.#meter.write(this.name, times * Math.max(1, Math.ceil(bytes / 1024)));
  }

  /** @param share 1 for a strongly consistent read, 0.5 for an eventually consistent one, 2 in a transaction */
  chargeRead(bytes: number, share: 0.5 | 1 | 2, index?: string): void {
    const name = index === undefined ? this.name : `${this.name}/${index}`;
    this.#meter.read(name, share * Math.max(1, Math.ceil(bytes / 4096)));
  }
}
