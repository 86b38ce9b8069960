/** GetItem, BatchGetItem, TransactGetItems, Query and Scan. */
import type {
  BatchGetItemCommandInput,
  GetItemCommandInput,
  QueryCommandInput,
  ScanCommandInput,
  TransactGetItemsCommandInput,
} from '@aws-sdk/client-dynamodb';
import { type Condition, holds, parseCondition, pathsOf } from './conditions.ts';
import { validation } from './errors.ts';
import type { IndexTable } from './index-table.ts';
import { Lexer } from './lexer.ts';
import { type Path, Scope, valueAt } from './names.ts';
import type { Table } from './table.ts';
import { compare, compareText, type Item, itemBytes, type Value } from './values.ts';

/** A page of a Query or Scan holds 1 MB (DynamoDB quotas). */
const PAGE_BYTES = 1024 * 1024;
const BATCH_GET_KEYS = 100;
const BATCH_GET_BYTES = 16 * 1024 * 1024;
const TRANSACT_ITEMS = 100;

export interface ReadContext {
  table(name: string | undefined): Table;
  /** Whether an eventually consistent read sees what was before the last change. */
  stale(): boolean;
  /** Items that a page of a Query or Scan holds at most. */
  readonly pageItems: number;
  /** Whether a BatchGetItem leaves this key unprocessed. */
  leaves(): boolean;
}

function parseProjection(text: string | undefined, scope: Scope): Path[] | undefined {
  if (text === undefined) return undefined;
  const lexer = new Lexer('ProjectionExpression', text);
  const paths = [scope.path(lexer)];
  while (lexer.take(',')) paths.push(scope.path(lexer));
  if (lexer.peek().kind !== 'end') throw lexer.syntax();
  return paths;
}

/** Top-level attributes are copied whole, deeper paths as maps of maps. */
function project(item: Item, paths: readonly Path[] | undefined): Item {
  if (!paths) return item;
  const picked: Record<string, Value> = {};
  for (const path of paths) {
    const value = valueAt(item, path);
    if (value === undefined) continue;
    let into = picked;
    for (const step of path.slice(0, -1)) {
      const known = into[step]?.M as Record<string, Value> | undefined;
      const map = known ?? {};
      into[step] = { M: map };
      into = map;
    }
    into[path.at(-1) as string] = value;
  }
  return picked;
}

export function getItem(context: ReadContext, input: GetItemCommandInput) {
  const table = context.table(input.TableName);
  const scope = new Scope(input as never);
  const paths = parseProjection(input.ProjectionExpression, scope);
  scope.end();
  const key = input.Key as Item | undefined;
  table.keyOfRequest(key);
  const consistent = input.ConsistentRead ?? false;
  const item = table.get(key as Item, !consistent && context.stale());
  table.chargeRead(item ? itemBytes(item) : 0, consistent ? 1 : 0.5);
  return item ? { Item: project(item, paths) } : {};
}

export function batchGetItem(context: ReadContext, { RequestItems = {} }: BatchGetItemCommandInput) {
  const asked = Object.entries(RequestItems);
  const count = asked.reduce((sum, [, { Keys = [] }]) => sum + Keys.length, 0);
  if (count === 0) throw validation('1 validation error detected: requestItems must not be empty');
  if (count > BATCH_GET_KEYS) throw validation('Too many items requested for the BatchGetItem call');
  const Responses: Record<string, Item[]> = {};
  const UnprocessedKeys: Record<string, object> = {};
  let bytes = 0;
  for (const [name, request] of asked) {
    const table = context.table(name);
    const scope = new Scope(request as never);
    const paths = parseProjection(request.ProjectionExpression, scope);
    scope.end();
    const keys = (request.Keys ?? []) as Item[];
    const texts = keys.map((key) => table.keyOfRequest(key));
    if (new Set(texts).size < texts.length)
      throw validation('Provided list of item keys contains duplicates');
    const found: Item[] = [];
    const left: Item[] = [];
    const consistent = request.ConsistentRead ?? false;
    for (const key of keys) {
      const item = table.get(key, !consistent && context.stale());
      const size = item ? itemBytes(item) : 0;
      if (context.leaves() || bytes + size > BATCH_GET_BYTES) {
        left.push(key);
        continue;
      }
      bytes += size;
      table.chargeRead(size, consistent ? 1 : 0.5);
      if (item) found.push(project(item, paths));
    }
    // In no order, as documented.
    Responses[name] = found.reverse();
    if (left.length > 0) UnprocessedKeys[name] = { ...request, Keys: left };
  }
  return { Responses, UnprocessedKeys };
}

export function transactGetItems(context: ReadContext, { TransactItems = [] }: TransactGetItemsCommandInput) {
  if (TransactItems.length === 0 || TransactItems.length > TRANSACT_ITEMS)
    throw validation(`Member must have length from 1 to ${TRANSACT_ITEMS}: ${TransactItems.length}`);
  const Responses = TransactItems.map(({ Get: get }) => {
    const table = context.table(get?.TableName);
    const scope = new Scope(get as never);
    const paths = parseProjection(get?.ProjectionExpression, scope);
    scope.end();
    table.keyOfRequest(get?.Key as Item);
    const item = table.get(get?.Key as Item);
    table.chargeRead(item ? itemBytes(item) : 0, 2);
    return item ? { Item: project(item, paths) } : {};
  });
  return { Responses };
}

export function query(context: ReadContext, input: QueryCommandInput) {
  const table = context.table(input.TableName);
  const index = input.IndexName === undefined ? undefined : table.index(input.IndexName);
  const scope = new Scope(input as never);
  const key = parseCondition('KeyConditionExpression', input.KeyConditionExpression ?? '', scope);
  const hash = checkKeyCondition(key, (index ?? table).keys);
  if (index && input.ConsistentRead)
    throw validation('Consistent reads are not supported on global secondary indexes');
  const stale = !index && !input.ConsistentRead && context.stale();
  const items = (index ? index.items(hash) : table.items(hash, stale)).filter(([, item]) => holds(key, item));
  return page(context, table, index, items, input, scope);
}

export function scan(context: ReadContext, input: ScanCommandInput) {
  const table = context.table(input.TableName);
  const index = input.IndexName === undefined ? undefined : table.index(input.IndexName);
  return page(context, table, index, (index ?? table).all(), input, new Scope(input as never));
}

function page(
  context: ReadContext,
  table: Table,
  index: IndexTable | undefined,
  items: [key: string, item: Item][],
  input: QueryCommandInput,
  scope: Scope,
) {
  const filter =
    input.FilterExpression === undefined
      ? undefined
      : parseCondition('FilterExpression', input.FilterExpression, scope);
  const paths = parseProjection(input.ProjectionExpression, scope);
  scope.end();
  const keys = (index ?? table).keys;
  checkAttributes(filter, paths, index, keys, input);
  const range = keys.range;
  const rangeOf = (item: Item) => (range === undefined ? {} : (item[range] as Value));
  const order = ([a, x]: [string, Item], [b, y]: [string, Item]) =>
    (compare(rangeOf(x), rangeOf(y)) ?? 0) || (index ? compareText(a, b) : 0);
  items.sort(order);
  if (input.ScanIndexForward === false) items.reverse();
  const startKey = input.ExclusiveStartKey as Item | undefined;
  const start = startKey && ([table.keyOf(startKey), startKey] as [string, Item]);
  const after = (at: [string, Item]) =>
    !start || order(at, start) * (input.ScanIndexForward === false ? -1 : 1) > 0;
  const most = Math.min(input.Limit ?? Number.POSITIVE_INFINITY, context.pageItems);
  if (most < 1) throw validation('Limit must be at least 1');
  const read: Item[] = [];
  let bytes = 0;
  let more = false;
  for (const at of items) {
    if (!after(at)) continue;
    if (read.length === most || bytes >= PAGE_BYTES) {
      more = true;
      break;
    }
    read.push(at[1]);
    bytes += itemBytes(at[1]);
  }
  table.chargeRead(bytes, input.ConsistentRead ? 1 : 0.5, index?.name);
  const kept = filter ? read.filter((item) => holds(filter, item)) : read;
  const last = read.at(-1);
  // A page that ends at its limit names its last key even where nothing follows.
  const LastEvaluatedKey =
    last && (more || read.length === most) ? positionOf(last, table, index) : undefined;
  return {
    ...(input.Select === 'COUNT' ? {} : { Items: kept.map((item) => project(item, paths)) }),
    Count: kept.length,
    ScannedCount: read.length,
    ...(LastEvaluatedKey ? { LastEvaluatedKey } : {}),
  };
}

function positionOf(item: Item, table: Table, index: IndexTable | undefined): Item {
  const names = [table.keys.hash, table.keys.range, index?.keys.hash, index?.keys.range];
  return Object.fromEntries(
    names.flatMap((name) => (name === undefined ? [] : [[name, item[name] as Value]])),
  );
}

function checkAttributes(
  filter: Condition | undefined,
  paths: readonly Path[] | undefined,
  index: IndexTable | undefined,
  { hash, range }: Table['keys'],
  input: QueryCommandInput,
): void {
  const filtered = filter ? pathsOf(filter).map(([name]) => name) : [];
  const key = filtered.find((name) => name === hash || name === range);
  if (key !== undefined && input.KeyConditionExpression !== undefined)
    throw validation(
      `Filter Expression can only contain non-primary key attributes: Primary key attribute: ${key}`,
    );
  if (!index?.projected) return;
  if (input.Select === 'ALL_ATTRIBUTES')
    throw validation(
      `One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index ${index.name} because its projection type is not ALL`,
    );
  const missing = [...filtered, ...(paths ?? []).map(([name]) => name)].filter(
    (name) => !index.projected?.has(name as string),
  );
  if (missing.length > 0)
    throw validation(
      `One or more parameter values were invalid: Global secondary index ${index.name} does not project [${missing.join(', ')}]`,
    );
}

/** A key condition: the hash key equal to a value, and at most one condition of the range key. Gives the value. */
function checkKeyCondition(condition: Condition, { hash, range }: Table['keys']): Value {
  const parts = condition.kind === 'and' ? [condition.left, condition.right] : [condition];
  const isHash = (part: Condition) =>
    part.kind === 'compare' && part.by === '=' && part.left.kind === 'path' && part.left.path[0] === hash;
  const [first] = parts.filter(isHash);
  if (first?.kind !== 'compare' || first.right.kind !== 'value')
    throw validation(`Query condition missed key schema element: ${hash}`);
  const rest = parts.find((part) => part !== first);
  const legal = (part: Condition) =>
    (part.kind === 'compare' && part.by !== '<>') || part.kind === 'between' || part.kind === 'begins';
  if (rest && (!legal(rest) || pathsOf(rest).some(([name]) => name !== range)))
    throw validation(`Query key condition not supported`);
  return first.right.value;
}
