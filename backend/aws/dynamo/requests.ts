/** Writes as requests of DynamoDB. One whose condition doesn't hold is answered with the item that was found. */
import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import type { Condition } from '../../core/items.ts';
import type { Write } from '../../ports/store.ts';
import { attributesOf } from './attributes.ts';
import { conditionExpression, expressionOf, Terms, updateExpression } from './expressions.ts';

export function putOf(TableName: string, { key, item, condition }: Write) {
  const terms = new Terms();
  const conditional = conditionOf(condition, terms);
  return {
    TableName,
    Item: attributesOf({ ...item, ...key }),
    ...conditional,
    ...expressionOf(terms),
  };
}

export function updateOf(TableName: string, { key: { pk, sk }, changes = {}, condition }: Write) {
  const terms = new Terms();
  const UpdateExpression = updateExpression(changes, terms);
  const conditional = conditionOf(condition, terms);
  return {
    TableName,
    Key: attributesOf({ pk, sk }),
    // None: an item of the key alone is made, where there is none.
    UpdateExpression: UpdateExpression === '' ? undefined : UpdateExpression,
    ...conditional,
    ...expressionOf(terms),
  };
}

/** A write as a step of a transaction. */
export function stepOf(TableName: string, write: Write): TransactWriteItem {
  if (write.item) return { Put: putOf(TableName, write) };
  if (write.changes) return { Update: updateOf(TableName, write) };
  const { UpdateExpression: _, ...check } = updateOf(TableName, write);
  return { ConditionCheck: { ConditionExpression: undefined, ...check } };
}

function conditionOf(
  condition: Condition | undefined,
  terms: Terms,
): { ConditionExpression?: string; ReturnValuesOnConditionCheckFailure?: 'ALL_OLD' } {
  if (!condition) return {};
  return {
    ConditionExpression: conditionExpression(condition, terms),
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  };
}
