/** Conditions and changes as DynamoDB's expressions ("Amazon DynamoDB Developer Guide", Using expressions in DynamoDB). */
import { describe, expect, it } from 'vitest';
import { conditionExpression, Terms, updateExpression } from '../../backend/aws/dynamo/expressions.ts';
import {
  absent,
  atMost,
  below,
  both,
  type Condition,
  differs,
  either,
  equal,
  fewerThan,
  oneOf,
  present,
} from '../../backend/core/items.ts';

/** With names and values in the place of what stands for them. */
function spoken(expression: string, { names, values }: Terms): string {
  return expression
    .replace(/#n\d+/g, (name) => names[name] ?? name)
    .replace(/:v\d+/g, (name) => {
      const value = values[name];
      return value instanceof Set ? `{${[...value].join(' ')}}` : JSON.stringify(value);
    });
}

describe('a condition', () => {
  it.each<[Condition, string]>([
    [equal('rev', 3), 'rev = 3'],
    [differs('state', 'Done'), 'state <> "Done"'],
    [below('n', 5), 'n < 5'],
    [atMost('isolated', 40), 'isolated <= 40'],
    [oneOf('state', ['Claimed', 'Running']), 'state IN ("Claimed", "Running")'],
    [absent('pk'), 'attribute_not_exists(pk)'],
    [present('pk'), 'attribute_exists(pk)'],
    [fewerThan('names', 2), 'size(names) < 2'],
    [both(equal('a', 1), absent('b')), '(a = 1) AND (attribute_not_exists(b))'],
    [
      either(absent('names'), both(fewerThan('names', 2), equal('a', true))),
      '(attribute_not_exists(names)) OR ((size(names) < 2) AND (a = true))',
    ],
  ])('%j', (condition, expression) => {
    const terms = new Terms();
    expect(spoken(conditionExpression(condition, terms), terms)).toBe(expression);
  });
});

describe('changes', () => {
  it('are one clause for each kind, and nothing is said of what is not given', () => {
    const terms = new Terms();
    const expression = updateExpression(
      {
        set: { state: 'Done', left: undefined, at: 7 },
        add: { n: 1, names: new Set(['x', 'y']) },
        take: { slots: new Set(['t']) },
        remove: ['openKey', 'openAt'],
      },
      terms,
    );
    expect(spoken(expression, terms)).toBe(
      'SET state = "Done", at = 7 ADD n 1, names {x y} DELETE slots {t} REMOVE openKey, openAt',
    );
    expect(updateExpression({}, new Terms())).toBe('');
  });
});
