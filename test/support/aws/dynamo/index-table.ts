/**
 * A global secondary index: projected copies of the items that have its keys. It follows its table by a queue of changes,
 * which is worked off at once or, while `lagging`, when `catchUp` is called.
 */
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import { validation } from './errors.ts';
import { equal, type Item, itemBytes, type Value } from './values.ts';

export type IndexDefinition = NonNullable<CreateTableCommandInput['GlobalSecondaryIndexes']>[number];

export interface Keys {
  readonly hash: string;
  readonly range: string | undefined;
}

export function keysOf(schema: CreateTableCommandInput['KeySchema']): Keys {
  const named = (type: string) => schema?.find(({ KeyType }) => KeyType === type)?.AttributeName;
  const hash = named('HASH');
  if (hash === undefined) throw validation('No Hash Key specified in schema.');
  return { hash, range: named('RANGE') };
}

export const textOf = (value: Value | undefined): string => JSON.stringify(value ?? null);

export class IndexTable {
  readonly name: string;
  readonly keys: Keys;
  lagging = false;
  readonly #types: ReadonlyMap<string, string>;
  /** Attributes that it holds; undefined for all. */
  readonly projected: ReadonlySet<string> | undefined;
  readonly #partitions = new Map<string, Map<string, Item>>();
  readonly #behind: [key: string, before: Item | undefined, after: Item | undefined][] = [];

  constructor(definition: IndexDefinition, table: Keys, types: ReadonlyMap<string, string>) {
    this.name = definition.IndexName as string;
    this.keys = keysOf(definition.KeySchema);
    this.#types = types;
    const { ProjectionType: type, NonKeyAttributes: more = [] } = definition.Projection ?? {};
    const keys = [table.hash, table.range, this.keys.hash, this.keys.range].filter(
      (key) => key !== undefined,
    );
    this.projected = type === 'ALL' ? undefined : new Set([...keys, ...(type === 'INCLUDE' ? more : [])]);
  }

  /** Throws for an item whose index keys are of another type, or empty. */
  check(item: Item): void {
    for (const key of [this.keys.hash, this.keys.range]) {
      const value = key === undefined ? undefined : item[key];
      if (key === undefined || value === undefined) continue;
      const type = this.#types.get(key) ?? 'S';
      if (!(type in value))
        throw validation(
          `One or more parameter values were invalid: Type mismatch for Index Key ${key} Expected: ${type} Actual: ${Object.keys(value)[0]} IndexName: ${this.name}`,
        );
      if (value.S === '')
        throw validation(
          `One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: ${this.name}, IndexKey: ${key}`,
        );
    }
  }

  /** Takes note of a change of the table; gives the write units that it costs. */
  change(key: string, before: Item | undefined, after: Item | undefined): number {
    const [old, next] = [this.#project(before), this.#project(after)];
    if (old && next && equal({ M: old }, { M: next })) return 0;
    if (!old && !next) return 0;
    this.#behind.push([key, old, next]);
    if (!this.lagging) this.catchUp();
    const units = (item: Item | undefined) => (item ? Math.ceil(itemBytes(item) / 1024) : 0);
    const moved = old && next && this.#place(old) !== this.#place(next);
    return moved ? units(old) + units(next) : Math.max(units(old), units(next));
  }

  /** Applies the changes that it is behind by: all, or the oldest so many. */
  catchUp(changes = Number.POSITIVE_INFINITY): void {
    for (const [key, before, after] of this.#behind.splice(0, changes)) {
      if (before) this.#partitions.get(textOf(before[this.keys.hash]))?.delete(key);
      if (!after) continue;
      const hash = textOf(after[this.keys.hash]);
      const partition = this.#partitions.get(hash) ?? new Map<string, Item>();
      this.#partitions.set(hash, partition.set(key, after));
    }
  }

  /** Its items of one hash key, with their keys in the table. */
  items(hash: Value): [key: string, item: Item][] {
    return [...(this.#partitions.get(textOf(hash)) ?? [])];
  }

  all(): [key: string, item: Item][] {
    return [...this.#partitions.values()].flatMap((partition) => [...partition]);
  }

  #place(item: Item): string {
    return (
      textOf(item[this.keys.hash]) + textOf(this.keys.range === undefined ? undefined : item[this.keys.range])
    );
  }

  #project(item: Item | undefined): Item | undefined {
    const { hash, range } = this.keys;
    if (!item || item[hash] === undefined || (range !== undefined && item[range] === undefined))
      return undefined;
    const { projected } = this;
    if (!projected) return item;
    return Object.fromEntries(Object.entries(item).filter(([name]) => projected.has(name)));
  }
}
