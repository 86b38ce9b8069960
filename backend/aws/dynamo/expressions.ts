/** Conditions and changes as expressions of DynamoDB; names and values are placeholders throughout. */
import type { NativeAttributeValue } from '@aws-sdk/util-dynamodb';
import type { Changes, Condition } from '../../core/items.ts';
import { attributesOf } from './attributes.ts';

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

/** A condition as an expression. */
export function conditionExpression(condition: Condition, terms: Terms): string {
  if (condition.is === 'both' || condition.is === 'either') {
    const word = condition.is === 'both' ? ' AND ' : ' OR ';
    return condition.of.map((part) => `(${conditionExpression(part, terms)})`).join(word);
  }
  const name = terms.name(condition.attribute);
  switch (condition.is) {
    case 'equal':
      return `${name} = ${terms.value(condition.value)}`;
    case 'differs':
      return `${name} <> ${terms.value(condition.value)}`;
    case 'below':
      return `${name} < ${terms.value(condition.value)}`;
    case 'atMost':
      return `${name} <= ${terms.value(condition.value)}`;
    case 'oneOf':
      return `${name} IN (${condition.values.map((value) => terms.value(value)).join(', ')})`;
    case 'absent':
      return `attribute_not_exists(${name})`;
    case 'present':
      return `attribute_exists(${name})`;
    case 'fewerThan':
      return `size(${name}) < ${terms.value(condition.count)}`;
  }
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

/** What expressions refer to, as a request says it. */
export function expressionOf({ names, values }: Terms) {
  return {
    ...(Object.keys(names).length > 0 ? { ExpressionAttributeNames: names } : {}),
    ...(Object.keys(values).length > 0 ? { ExpressionAttributeValues: attributesOf(values) } : {}),
  };
}
