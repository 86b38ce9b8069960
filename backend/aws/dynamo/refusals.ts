/** What DynamoDB's errors say: which conditions didn't hold, and whether trying again may help. */
import type { CancellationReason } from '@aws-sdk/client-dynamodb';
import type { Item } from '../../core/items.ts';
import { type Attributes, itemOf } from './attributes.ts';

type Refusal = Error & {
  /** Of a single write that was refused. */
  readonly Item?: Attributes;
  /** Of a transaction, one for each of its writes. */
  readonly CancellationReasons?: readonly CancellationReason[];
  readonly $metadata?: { readonly attempts?: number };
};

/** By the index of the write, for each whose condition didn't hold, the item that was found; undefined: it was refused for other reasons. */
export function failedConditions(error: unknown): Map<number, Item | undefined> | undefined {
  const { name, Item, CancellationReasons = [] } = error as Refusal;
  if (name === 'ConditionalCheckFailedException') return new Map([[0, Item && itemOf(Item)]]);
  const failed = CancellationReasons.flatMap(({ Code, Item }, i) =>
    Code === 'ConditionalCheckFailed' ? [[i, Item && itemOf(Item)] as const] : [],
  );
  return failed.length > 0 ? new Map(failed) : undefined;
}

/** Reasons of a cancelled transaction that pass. `None`: that write alone would have been done. */
const PASSING = new Set(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded', 'None']);

/**
 * Whether trying again may help: a transaction was at the same items, or capacity ran short in one. Throttles of single requests
 * are the SDK's to repeat, which it has done when they come here.
 */
export function isPassing(error: unknown): boolean {
  const { name, CancellationReasons: reasons = [] } = error as Refusal;
  if (name === 'TransactionConflictException' || name === 'TransactionInProgressException') return true;
  return reasons.length > 0 && reasons.every(({ Code }) => Code !== undefined && PASSING.has(Code));
}

/** Whether the SDK had sent the request before: then an answer may have got lost after its effect. */
export function wasRepeated(error: unknown): boolean {
  return ((error as Refusal).$metadata?.attempts ?? 1) > 1;
}
