/**
 * Whether a refused write had taken effect before: its answer got lost, the SDK sent it again, and the second time its condition
 * didn't hold any more, because of what it had itself written. Only to be asked where there was a first time.
 */
import type { Item } from '../../core/items.ts';
import type { Write } from '../../ports/store.ts';

/** @param found the item that the refusal came with */
export function tookEffect({ key, item, changes }: Write, found: Item | undefined): boolean {
  if (!found) return false;
  if (item) return isSame({ ...item, ...key }, found);
  const { set = {}, add = {}, take = {}, remove = [] } = changes ?? {};
  const sets = Object.entries(set).filter(([, value]) => value !== undefined);
  // What a number or a set was before is not known: nor is whether this was added to it or taken out.
  if (sets.length === 0 || Object.keys(add).length > 0 || Object.keys(take).length > 0) return false;
  return (
    sets.every(([attribute, value]) => isSame(value, found[attribute])) &&
    remove.every((attribute) => found[attribute] === undefined)
  );
}

/** Equality of what an item may hold; names whose value is undefined are not there. */
function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (a instanceof Uint8Array || b instanceof Uint8Array)
    return a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (a instanceof Set || b instanceof Set)
    return a instanceof Set && b instanceof Set && a.size === b.size && [...a].every((each) => b.has(each));
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [a, b].map((of) => Object.entries(of).filter(([, value]) => value !== undefined));
  const others = new Map(right);
  return left?.length === right?.length && !!left?.every(([name, value]) => isSame(value, others.get(name)));
}
