/** Condition and update expressions of DynamoDB, put together from parts; names and values are placeholders throughout. */
import type { NativeAttributeValue } from '@aws-sdk/util-dynamodb';

/** Collects what an expression refers to. */
export class Terms {
  readonly names: Record<string, string> = {};
  readonly values: Record<string, NativeAttributeValue> = {};
  readonly #known = new Map<string, string>();

  name(attribute: string): string {
    const known = this.#known.get(attribute);
    if (known !== undefined) return known;
    const name = `#n${this.#known.size}`;
    this.#known.set(attribute, name);
    this.names[name] = attribute;
    return name;
  }

  value(value: NativeAttributeValue): string {
    const name = `:v${Object.keys(this.values).length}`;
    this.values[name] = value;
    return name;
  }
}

export type Condition = (terms: Terms) => string;

export const equal =
  (attribute: string, value: NativeAttributeValue): Condition =>
  (t) =>
    `${t.name(attribute)} = ${t.value(value)}`;
export const differs =
  (attribute: string, value: NativeAttributeValue): Condition =>
  (t) =>
    `${t.name(attribute)} <> ${t.value(value)}`;
export const below =
  (attribute: string, value: number): Condition =>
  (t) =>
    `${t.name(attribute)} < ${t.value(value)}`;
export const atMost =
  (attribute: string, value: number): Condition =>
  (t) =>
    `${t.name(attribute)} <= ${t.value(value)}`;
export const oneOf =
  (attribute: string, values: readonly string[]): Condition =>
  (t) =>
    `${t.name(attribute)} IN (${values.map((value) => t.value(value)).join(', ')})`;
export const absent =
  (attribute: string): Condition =>
  (t) =>
    `attribute_not_exists(${t.name(attribute)})`;
export const present =
  (attribute: string): Condition =>
  (t) =>
    `attribute_exists(${t.name(attribute)})`;
export const fewerThan =
  (attribute: string, count: number): Condition =>
  (t) =>
    `size(${t.name(attribute)}) < ${t.value(count)}`;
export const both =
  (...conditions: readonly Condition[]): Condition =>
  (t) =>
    conditions.map((condition) => `(${condition(t)})`).join(' AND ');
export const either =
  (...conditions: readonly Condition[]): Condition =>
  (t) =>
    conditions.map((condition) => `(${condition(t)})`).join(' OR ');

/** What an update does to an item. */
export interface Changes {
  readonly set?: Readonly<Record<string, NativeAttributeValue>>;
  /** Adds to numbers (absent: 0) and to sets. */
  readonly add?: Readonly<Record<string, NativeAttributeValue>>;
  /** Takes out of sets. */
  readonly take?: Readonly<Record<string, NativeAttributeValue>>;
  readonly remove?: readonly string[];
}

export function updateExpression(
  { set = {}, add = {}, take = {}, remove = [] }: Changes,
  terms: Terms,
): string {
  const sets = Object.entries(set).filter(([, value]) => value !== undefined);
  const clauses = [
    clause(
      'SET',
      sets.map(([attribute, value]) => `${terms.name(attribute)} = ${terms.value(value)}`),
    ),
    clause(
      'ADD',
      Object.entries(add).map(([attribute, value]) => `${terms.name(attribute)} ${terms.value(value)}`),
    ),
    clause(
      'DELETE',
      Object.entries(take).map(([attribute, value]) => `${terms.name(attribute)} ${terms.value(value)}`),
    ),
    clause(
      'REMOVE',
      remove.map((attribute) => terms.name(attribute)),
    ),
  ];
  return clauses.filter((text) => text !== '').join(' ');
}

function clause(word: string, parts: readonly string[]): string {
  return parts.length > 0 ? `${word} ${parts.join(', ')}` : '';
}
