/**
 * The store's index of open work as DynamoDB has it: copies of the attributes that it holds, which follow their items by a queue of
 * changes. That is worked off at once or, while `lagging`, when `catchUp` is called.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Item, Key } from '../../../backend/core/items.ts';
import { OPEN_INDEX_ATTRIBUTES } from '../../../backend/core/open-index.ts';
import { itemBytes } from './item-size.ts';
import { compareText } from './text-order.ts';

const HELD: ReadonlySet<string> = new Set(['pk', 'sk', 'openKey', 'openAt', ...OPEN_INDEX_ATTRIBUTES]);

export class OpenIndex {
  lagging = false;
  readonly #partitions = new Map<string, Map<string, Item>>();
  readonly #behind: { readonly before: Item | undefined; readonly after: Item | undefined }[] = [];

  /** Takes note of a change of an item; gives the write units that it costs (developer guide, "Write throughput" of indexes). */
  change(old: Item | undefined, next: Item | undefined): number {
    const [before, after] = [held(old), held(next)];
    if ((!before && !after) || isDeepStrictEqual(before, after)) return 0;
    this.#behind.push({ before, after });
    if (!this.lagging) this.catchUp();
    const units = (item: Item | undefined) => (item ? Math.ceil(itemBytes(item) / 1024) : 0);
    const moved = before && after && !samePlace(before, after);
    return moved ? units(before) + units(after) : Math.max(units(before), units(after));
  }

  /** Applies the changes that it is behind by: all, or the oldest so many. */
  catchUp(changes = Number.POSITIVE_INFINITY): void {
    for (const { before, after } of this.#behind.splice(0, changes)) {
      if (before) this.#partitions.get(before['openKey'])?.delete(idOf(before as Key));
      if (!after) continue;
      const partition = this.#partitions.get(after['openKey']) ?? new Map<string, Item>();
      this.#partitions.set(after['openKey'], partition.set(idOf(after as Key), after));
    }
  }

  /** What it holds under a key, in order. */
  items(openKey: string): Item[] {
    const items = [...(this.#partitions.get(openKey)?.values() ?? [])];
    return items.sort((a, b) => comparePlaces(a, b));
  }
}

/** A key as one text. */
export const idOf = ({ pk, sk }: Key): string => `${pk.length} ${pk}${sk}`;
/** Which of two items of one key of the index comes first. */
export const comparePlaces = (a: Item, b: Item): number =>
  compareText(a['openAt'], b['openAt']) || compareText(a['pk'], b['pk']) || compareText(a['sk'], b['sk']);

const samePlace = (a: Item, b: Item) => a['openKey'] === b['openKey'] && a['openAt'] === b['openAt'];

function held(item: Item | undefined): Item | undefined {
  if (item?.['openKey'] === undefined || item['openAt'] === undefined) return undefined;
  return Object.fromEntries(Object.entries(item).filter(([name]) => HELD.has(name)));
}
