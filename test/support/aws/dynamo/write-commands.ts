/** PutItem, UpdateItem, DeleteItem, BatchWriteItem and TransactWriteItems. */
import type {
  BatchWriteItemCommandInput,
  DeleteItemCommandInput,
  PutItemCommandInput,
  TransactWriteItemsCommandInput,
  UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { type Condition, holds, parseCondition } from './conditions.ts';
import { type CancellationReason, conditionFailed, transactionCanceled, validation } from './errors.ts';
import { Scope } from './names.ts';
import type { Table } from './table.ts';
import { applyUpdate, parseUpdate, type Update } from './updates.ts';
import { checkItem, type Item, itemBytes } from './values.ts';

const BATCH_WRITE_ITEMS = 25;
const TRANSACT_ITEMS = 100;
const TRANSACT_BYTES = 4 * 1024 * 1024;

export interface WriteContext {
  table(name: string | undefined): Table;
  /** Whether a BatchWriteItem leaves this item unprocessed. */
  leaves(): boolean;
  /** Transactions of the last ten minutes by their token. */
  readonly tokens: Map<string, string>;
}

/** One write, read and checked as far as that needs no item. */
interface Write {
  readonly kind: 'put' | 'update' | 'delete' | 'check';
  readonly table: Table;
  readonly key: Item;
  readonly item: Item | undefined;
  readonly update: Update | undefined;
  readonly condition: Condition | undefined;
  /** Says the item as it is when the condition doesn't hold. */
  readonly tells: boolean;
}

type Input = Partial<UpdateItemCommandInput> & { readonly Item?: PutItemCommandInput['Item'] };

function readWrite(context: WriteContext, kind: Write['kind'], input: Input): Write {
  const table = context.table(input.TableName);
  const scope = new Scope(input as never);
  const update =
    kind === 'update' && input.UpdateExpression !== undefined
      ? parseUpdate(input.UpdateExpression, scope)
      : undefined;
  const condition =
    input.ConditionExpression === undefined
      ? undefined
      : parseCondition('ConditionExpression', input.ConditionExpression, scope);
  scope.end();
  if (kind === 'check' && !condition) throw validation('a ConditionCheck needs a ConditionExpression');
  const item = kind === 'put' ? checkItem(input.Item as Item) : undefined;
  if (item) table.keyOf(item);
  else table.keyOfRequest(input.Key as Item);
  if (item) table.check(item);
  const { hash, range } = table.keys;
  for (const { path } of update ?? [])
    if (path[0] === hash || path[0] === range)
      throw validation(
        `One or more parameter values were invalid: Cannot update attribute ${path[0]}. This attribute is part of the key`,
      );
  const tells = input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD';
  return { kind, table, key: item ?? (input.Key as Item), item, update, condition, tells };
}

/** The item after the write. Throws a ValidationException when the update doesn't fit the item. */
function after({ kind, table, key, item, update }: Write, before: Item | undefined): Item | undefined {
  if (kind === 'delete') return undefined;
  if (kind === 'check') return before;
  if (kind === 'put') return item;
  const next = applyUpdate(update ?? [], before ?? key);
  table.check(next);
  return next;
}

function writeOne(context: WriteContext, kind: 'put' | 'update' | 'delete', input: Input) {
  const write = readWrite(context, kind, input);
  const { table, key, condition, tells } = write;
  const before = table.get(key);
  if (condition && !holds(condition, before ?? {})) {
    table.chargeWrite(before, write.item, 1);
    throw conditionFailed(tells ? before : undefined);
  }
  const next = after(write, before);
  table.write(key, next, 1);
  const changed = (of: Item | undefined) => {
    const names = new Set((write.update ?? []).map(({ path }) => path[0]));
    return Object.fromEntries(Object.entries(of ?? {}).filter(([name]) => names.has(name)));
  };
  const Attributes = {
    ALL_OLD: before,
    ALL_NEW: next,
    UPDATED_OLD: changed(before),
    UPDATED_NEW: changed(next),
    NONE: undefined,
  }[input.ReturnValues ?? 'NONE'];
  return Attributes && Object.keys(Attributes).length > 0 ? { Attributes } : {};
}

export const putItem = (context: WriteContext, input: PutItemCommandInput) =>
  writeOne(context, 'put', input as Input);
export const updateItem = (context: WriteContext, input: UpdateItemCommandInput) =>
  writeOne(context, 'update', input);
export const deleteItem = (context: WriteContext, input: DeleteItemCommandInput) =>
  writeOne(context, 'delete', input as Input);

export function batchWriteItem(context: WriteContext, { RequestItems = {} }: BatchWriteItemCommandInput) {
  const asked = Object.entries(RequestItems).flatMap(([name, requests]) =>
    requests.map((request) => ({ name, request })),
  );
  if (asked.length === 0) throw validation('1 validation error detected: requestItems must not be empty');
  if (asked.length > BATCH_WRITE_ITEMS)
    throw validation('Too many items requested for the BatchWriteItem call');
  const writes = asked.map(({ name, request: { PutRequest: put, DeleteRequest: remove } }) =>
    put
      ? readWrite(context, 'put', { TableName: name, Item: put.Item })
      : readWrite(context, 'delete', { TableName: name, Key: remove?.Key }),
  );
  checkDistinct(writes, 'Provided list of item keys contains duplicates');
  const UnprocessedItems: Record<string, object[]> = {};
  for (const [i, write] of writes.entries()) {
    const { name, request } = asked[i] as (typeof asked)[number];
    if (context.leaves()) UnprocessedItems[name] = [...(UnprocessedItems[name] ?? []), request];
    else write.table.write(write.key, after(write, write.table.get(write.key)), 1);
  }
  return { UnprocessedItems };
}

function checkDistinct(writes: readonly Write[], message: string): void {
  const keys = writes.map(({ table, key }) => `${table.name} ${table.keyOf(key)}`);
  if (new Set(keys).size < keys.length) throw validation(message);
}

export function transactWriteItems(context: WriteContext, input: TransactWriteItemsCommandInput) {
  const { TransactItems = [], ClientRequestToken: token } = input;
  if (TransactItems.length === 0 || TransactItems.length > TRANSACT_ITEMS)
    throw validation(
      `1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to ${TRANSACT_ITEMS}`,
    );
  if (token !== undefined) {
    const known = context.tokens.get(token);
    if (known === JSON.stringify(TransactItems)) return {};
    if (known !== undefined) throw validation('IdempotentParameterMismatchException');
  }
  const writes = TransactItems.map((action) => {
    const [kind, named] = (
      [
        ['put', action.Put],
        ['update', action.Update],
        ['delete', action.Delete],
        ['check', action.ConditionCheck],
      ] as const
    ).find(([, found]) => found) ?? ['check', undefined];
    if (!named) throw validation('a transaction item must hold one action');
    return readWrite(context, kind, named as Input);
  });
  checkDistinct(writes, 'Transaction request cannot include multiple operations on one item');
  const olds = writes.map(({ table, key }) => table.get(key));
  const nexts: (Item | undefined)[] = [];
  let bytes = 0;
  const reasons = writes.map((write, i): CancellationReason => {
    const before = olds[i];
    if (write.condition && !holds(write.condition, before ?? {}))
      return {
        Code: 'ConditionalCheckFailed',
        Message: 'The conditional request failed',
        ...(write.tells && before ? { Item: before } : {}),
      };
    try {
      nexts[i] = after(write, before);
    } catch (error) {
      return { Code: 'ValidationError', Message: (error as Error).message };
    }
    bytes += Math.max(itemBytes(before ?? {}), itemBytes(nexts[i] ?? {}));
    return { Code: 'None' };
  });
  if (reasons.some(({ Code }) => Code !== 'None')) {
    for (const [i, { table, item }] of writes.entries()) table.chargeWrite(olds[i], item, 2);
    throw transactionCanceled(reasons);
  }
  if (bytes > TRANSACT_BYTES)
    throw validation('Transaction request size exceeded: the items of one transaction may have 4 MB');
  for (const [i, { kind, table, key }] of writes.entries())
    if (kind === 'check') table.chargeWrite(olds[i], undefined, 2);
    else table.write(key, nexts[i], 2);
  if (token !== undefined) context.tokens.set(token, JSON.stringify(TransactItems));
  return {};
}
