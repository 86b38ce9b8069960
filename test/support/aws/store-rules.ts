/**
 * What DynamoDB refuses (API reference, "PutItem", "UpdateItem", "TransactWriteItems"; developer guide, "Quotas in Amazon DynamoDB"):
 * a store of the tests refuses it too, so that no test passes with what the real one would not take.
 */
import { type Changes, type Condition, changed, type Item, type Key } from '../../../backend/core/items.ts';
import { TRANSACT_MOST, type Write } from '../../../backend/ports/store.ts';
import { itemBytes } from './item-size.ts';
import { idOf } from './open-index.ts';

const MOST_BYTES = { item: 400 * 1024, transaction: 4 * 1024 * 1024, pk: 2048, sk: 1024 };
/** Operands of IN. */
const MOST_OPERANDS = 100;

/** As the SDK throws it: it has no class of its own for it. */
export function refusal(message: string): Error {
  return Object.assign(new Error(message), {
    name: 'ValidationException',
    $fault: 'client',
    $metadata: { httpStatusCode: 400, attempts: 1 },
  });
}

function refuseIf(refused: boolean, message: string): void {
  if (refused) throw refusal(message);
}

/** Throws for what can be seen of writes without their items. */
export function checkWrites(writes: readonly Write[]): void {
  refuseIf(
    writes.length === 0 || writes.length > TRANSACT_MOST,
    `Member must have length less than or equal to ${TRANSACT_MOST}`,
  );
  const keys = new Set(writes.map(({ key }) => idOf(key)));
  refuseIf(keys.size < writes.length, 'Transaction request cannot include multiple operations on one item');
  for (const { key, item, changes, condition } of writes) {
    checkKey(key);
    if (condition) checkCondition(condition);
    if (item) refuseIf('pk' in item && (item['pk'] !== key.pk || item['sk'] !== key.sk), 'another key');
    else if (changes) checkChanges(changes);
    else refuseIf(!condition, 'a ConditionCheck needs a ConditionExpression');
  }
}

export function checkKey({ pk, sk }: Key): void {
  for (const [text, most] of [
    [pk, MOST_BYTES.pk],
    [sk, MOST_BYTES.sk],
  ] as const) {
    refuseIf(
      typeof text !== 'string' || text === '',
      'The AttributeValue for a key attribute cannot be empty',
    );
    refuseIf(
      Buffer.byteLength(text) > most,
      `Size of a key has exceeded the maximum size limit of ${most} bytes`,
    );
  }
}

function checkChanges({ set = {}, add = {}, take = {}, remove = [] }: Changes): void {
  const sets = Object.entries(set).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  const names = [...sets, ...Object.keys(add), ...Object.keys(take), ...remove];
  refuseIf(new Set(names).size < names.length, 'Two document paths overlap with each other');
  refuseIf(
    names.includes('pk') || names.includes('sk'),
    'Cannot update an attribute that is part of the key',
  );
  for (const value of [...Object.values(add), ...Object.values(take)])
    refuseIf(value instanceof Set && value.size === 0, 'An string set may not be empty');
}

function checkCondition(condition: Condition): void {
  if (condition.is === 'both' || condition.is === 'either') {
    refuseIf(condition.of.length === 0, 'Invalid ConditionExpression: Syntax error');
    for (const part of condition.of) checkCondition(part);
  }
  if (condition.is === 'oneOf')
    refuseIf(
      condition.values.length === 0 || condition.values.length > MOST_OPERANDS,
      'Invalid number of operands for operator IN',
    );
}

/** The item after a write, undefined where that only checks. Throws where the write doesn't fit its item, or makes it too large. */
export function itemAfter({ key, item, changes }: Write, found: Item | undefined): Item | undefined {
  if (!item && !changes) return undefined;
  for (const [name, value] of Object.entries(changes?.add ?? {})) {
    const old: unknown = found?.[name];
    const fits =
      old === undefined || (typeof value === 'number' ? typeof old === 'number' : old instanceof Set);
    refuseIf(!fits, 'An operand in the update expression has an incorrect data type');
  }
  const next = item ? { ...item, ...key } : changed(key, found, changes ?? {});
  for (const value of Object.values(next)) {
    refuseIf(value instanceof Set && value.size === 0, 'An string set may not be empty');
    refuseIf(typeof value === 'number' && !Number.isFinite(value), 'cannot be converted to a numeric value');
  }
  for (const name of ['openKey', 'openAt']) {
    const value: unknown = next[name];
    refuseIf(
      value !== undefined && (typeof value !== 'string' || value === ''),
      `Type mismatch for Index Key ${name}`,
    );
  }
  refuseIf(itemBytes(next) > MOST_BYTES.item, 'Item size has exceeded the maximum allowed size');
  return next;
}

export function checkTransactionBytes(bytes: number): void {
  refuseIf(bytes > MOST_BYTES.transaction, 'Transaction request size exceeded: its items may have 4 MB');
}
