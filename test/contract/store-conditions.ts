/** What holds of an item, and of none. */
import { expect, it } from 'vitest';
import {
  absent,
  atMost,
  below,
  both,
  type Condition,
  either,
  equal,
  fewerThan,
  type Item,
  differs as isNot,
  oneOf,
  present,
} from '../../backend/core/items.ts';
import type { Store } from '../../backend/ports/store.ts';

const ITEM = {
  text: 'b',
  astral: '\u{1f600}',
  count: 5,
  zero: 0,
  yes: true,
  no: false,
  bytes: Buffer.from([1, 2]),
  set: new Set(['x', 'y']),
} satisfies Item;

/** Conditions, whether they hold of the item above, and whether of no item. */
const CASES: readonly (readonly [condition: Condition, ofItem: boolean, ofNone: boolean])[] = [
  [equal('text', 'b'), true, false],
  [equal('text', 'B'), false, false],
  [equal('count', 5), true, false],
  [equal('count', '5'), false, false],
  [equal('zero', 0), true, false],
  [equal('yes', true), true, false],
  [equal('no', false), true, false],
  [equal('no', 0), false, false],
  [equal('other', 5), false, false],
  [isNot('text', 'c'), true, true],
  [isNot('text', 'b'), false, true],
  [isNot('count', '5'), true, true],
  [isNot('other', 'b'), true, true],
  [below('count', 6), true, false],
  [below('count', 5), false, false],
  [below('count', '6'), false, false],
  [below('text', 'c'), true, false],
  [below('text', 'b'), false, false],
  [below('other', 6), false, false],
  // Texts are compared as their bytes in UTF-8, not as the halves of UTF-16.
  [below('astral', '\uffff'), false, false],
  [atMost('astral', '\u{1f601}'), true, false],
  [atMost('count', 5), true, false],
  [atMost('count', 4.5), false, false],
  [atMost('text', 'b'), true, false],
  [atMost('other', 5), false, false],
  [oneOf('text', ['a', 'b']), true, false],
  [oneOf('text', ['a', 'c']), false, false],
  [oneOf('count', ['5']), false, false],
  [oneOf('other', ['a']), false, false],
  [absent('text'), false, true],
  [absent('no'), false, true],
  [absent('other'), true, true],
  [present('zero'), true, false],
  [present('set'), true, false],
  [present('pk'), true, false],
  [present('other'), false, false],
  [fewerThan('set', 3), true, false],
  [fewerThan('set', 2), false, false],
  [fewerThan('other', 2), false, false],
  [both(equal('text', 'b'), equal('count', 5)), true, false],
  [both(equal('text', 'b'), equal('count', 6)), false, false],
  [either(equal('text', 'x'), equal('count', 5)), true, false],
  [either(absent('pk'), equal('text', 'b')), true, true],
  [either(absent('set'), fewerThan('set', 3)), true, true],
  [either(absent('set'), fewerThan('set', 2)), false, true],
  [both(present('pk'), either(absent('other'), below('count', 5))), true, false],
];

/** @param differs where the server behind a driver is known to be wrong */
export function conditionContract(store: () => Store, differs: (condition: Condition) => boolean): void {
  it('hold of an item, and of none, alike in a write, in a transaction and in a query', async () => {
    const item = { pk: 'p', sk: 'item' };
    await store().putAll([{ ...item, ...ITEM }]);
    for (const [i, [condition, ofItem, ofNone]] of CASES.entries()) {
      if (differs(condition)) continue;
      const none = { pk: 'p', sk: `none ${i}` };
      const seen = { set: { seen: i } };
      const beside = { key: { pk: 'q', sk: 'q' }, changes: { add: { n: 1 } } };
      const found: Item[] = [];
      for await (const each of store().query({ pk: 'p', from: 'item', to: 'item', where: condition }))
        found.push(each);
      expect({
        condition,
        check: (await store().transact([beside, { key: item, condition }])).done,
        change: (await store().write({ key: item, changes: seen, condition })).done,
        query: found.length === 1,
        noneCheck: (await store().transact([beside, { key: none, condition }])).done,
        noneChange: (await store().write({ key: none, changes: seen, condition })).done,
        noneThere: (await store().get(none)) !== undefined,
      }).toEqual({
        condition,
        check: ofItem,
        change: ofItem,
        query: ofItem,
        noneCheck: ofNone,
        noneChange: ofNone,
        noneThere: ofNone,
      });
    }
  });
}
