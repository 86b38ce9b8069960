/** Items as DynamoDB's attribute values, and back. Text goes as UTF-8, which has no halves of a character: U+FFFD takes their place. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Item } from '../../core/items.ts';

export type Attributes = Record<string, AttributeValue>;

export function attributesOf(item: Item): Attributes {
  return marshall(wellFormed(item) as Item, { removeUndefinedValues: true });
}

export const itemOf = (attributes: Attributes): Item => unmarshall(attributes);

function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/\p{Surrogate}/gu, '\ufffd');
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (value instanceof Set) return new Set([...value].map(wellFormed));
  if (Array.isArray(value)) return value.map(wellFormed);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, wellFormed(each)]));
}
