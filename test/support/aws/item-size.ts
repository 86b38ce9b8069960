/**
 * How large DynamoDB counts an item (developer guide, "DynamoDB item sizes and formats"): names and texts in UTF-8 bytes, a number
 * about a byte for two digits and one more, true, false and null one byte, a list or a map 3 bytes and one for each element.
 */
import type { Item } from '../../../backend/core/items.ts';

export function itemBytes(item: Item): number {
  let sum = 0;
  for (const [name, value] of Object.entries(item))
    if (value !== undefined) sum += Buffer.byteLength(name) + valueBytes(value);
  return sum;
}

function valueBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return 1 + Math.ceil(String(value).replace(/^-?0*|[-.]/g, '').length / 2);
  if (value instanceof Uint8Array) return value.length;
  if (value instanceof Set) return [...value].reduce((sum: number, element) => sum + valueBytes(element), 0);
  if (Array.isArray(value)) return value.reduce((sum: number, element) => sum + valueBytes(element) + 1, 3);
  if (typeof value !== 'object' || value === null) return 1;
  return Object.entries(value).reduce(
    (sum, [name, element]) => sum + Buffer.byteLength(name) + valueBytes(element) + 1,
    3,
  );
}
