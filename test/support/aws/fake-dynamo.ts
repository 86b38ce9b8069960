/**
 * DynamoDB in this process, spoken to with the SDK's command objects. What it does, as DynamoDB does it:
 *
 * - CreateTable (keys and global secondary indexes) and DescribeTable; PutItem, UpdateItem, DeleteItem, GetItem, Query,
 *   Scan, BatchGetItem, BatchWriteItem, TransactWriteItems and TransactGetItems, each atomic.
 * - Expressions are read by DynamoDB's grammar. A ValidationException answers reserved words, names and values that are
 *   not defined or not used, empty sets, updates of keys, overlapping paths, operands of the wrong type, keys that don't
 *   fit the schema (index keys too), items over 400 KB, batches and transactions over their numbers or sizes, and one item
 *   twice in a transaction.
 * - A condition that doesn't hold throws ConditionalCheckFailedException or TransactionCanceledException with its reasons
 *   in the order of the actions, with the item where it was asked for. A transaction takes effect whole or not at all; one
 *   with a ClientRequestToken that was seen does nothing again.
 * - A Query's page holds 1 MB, `pageItems` items or its Limit. A page that ends at a limit has a LastEvaluatedKey even
 *   where nothing follows.
 * - Indexes follow their table at once, or while `lagIndexes(true)` only when `catchUp` is called. Eventually consistent
 *   reads of the table see the state before an item's last change when `staleReads` says so.
 * - BatchGetItem and BatchWriteItem leave keys unprocessed when `unprocessed` says so.
 * - `meter` counts calls, and capacity units by DynamoDB's rules: a write 1 for each KB begun of the larger of old and new
 *   item, a read 1 for each 4 KB begun (a Query for all it reads together), half when eventually consistent, twice in
 *   transactions (condition checks count as writes). An index write is counted when an item's projected attributes
 *   change, two when its index keys do. Refused conditional writes count too.
 *
 * `before` is called with each command before anything happens, `after` once it has taken effect: what they throw is
 * thrown, and what they wait for is waited for.
 */
import type { CreateTableCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { notFound, validation } from './dynamo/errors.ts';
import { Meter } from './dynamo/meter.ts';
import {
  batchGetItem,
  getItem,
  query,
  type ReadContext,
  scan,
  transactGetItems,
} from './dynamo/read-commands.ts';
import { Table } from './dynamo/table.ts';
import type { Item } from './dynamo/values.ts';
import {
  batchWriteItem,
  deleteItem,
  putItem,
  transactWriteItems,
  updateItem,
  type WriteContext,
} from './dynamo/write-commands.ts';
import { type Command, FakeClient } from './fake-client.ts';

export class FakeDynamo extends FakeClient {
  readonly meter = new Meter();
  pageItems = Number.POSITIVE_INFINITY;
  staleReads: () => boolean = () => false;
  unprocessed: () => boolean = () => false;
  readonly #tables = new Map<string, Table>();
  readonly #context: ReadContext & WriteContext;

  constructor() {
    super();
    const fake = this;
    this.#context = {
      table: (name) => fake.#table(name),
      stale: () => fake.staleReads(),
      get pageItems() {
        return fake.pageItems;
      },
      leaves: () => fake.unprocessed(),
      tokens: new Map(),
    };
  }

  /** As what the code under test takes. */
  get client(): Pick<DynamoDBClient, 'send'> {
    return this as never;
  }

  /** Whether indexes wait for `catchUp` from now on. */
  lagIndexes(lagging: boolean): void {
    for (const table of this.#tables.values())
      for (const index of table.indexes.values()) index.lagging = lagging;
    if (!lagging) this.catchUp();
  }

  /** Lets the indexes follow: all the way, or by so many changes each. */
  catchUp(changes?: number): void {
    for (const table of this.#tables.values())
      for (const index of table.indexes.values()) index.catchUp(changes);
  }

  /** All items of a table, for a test to look at. */
  items(name: string): Item[] {
    return this.#table(name)
      .all()
      .map(([, item]) => item);
  }

  /** Removes what has expired by its attribute (epoch seconds), as DynamoDB does in its own time. */
  expire(name: string, attribute: string, now: number): void {
    const table = this.#table(name);
    const { hash, range } = table.keys;
    for (const [, item] of table.all())
      if (Number(item[attribute]?.N ?? Number.POSITIVE_INFINITY) * 1000 < now)
        table.write(
          { [hash]: item[hash] as never, ...(range ? { [range]: item[range] as never } : {}) },
          undefined,
          1,
        );
  }

  #table(name: string | undefined): Table {
    const table = this.#tables.get(name ?? '');
    if (!table) throw notFound(name ?? '');
    return table;
  }

  protected override carryOut({ name, input }: Command): object {
    this.meter.call(name);
    const context = this.#context;
    const legacy = LEGACY.find((key) => key in input);
    if (legacy !== undefined) throw validation(`${legacy} is not supported here`);
    switch (name) {
      case 'CreateTable':
        return this.#create(input as never);
      case 'DescribeTable':
        return {
          Table: { TableName: this.#table(input['TableName'] as string).name, TableStatus: 'ACTIVE' },
        };
      case 'PutItem':
        return putItem(context, input as never);
      case 'UpdateItem':
        return updateItem(context, input as never);
      case 'DeleteItem':
        return deleteItem(context, input as never);
      case 'GetItem':
        return getItem(context, input as never);
      case 'Query':
        return query(context, input as never);
      case 'Scan':
        return scan(context, input as never);
      case 'BatchGetItem':
        return batchGetItem(context, input as never);
      case 'BatchWriteItem':
        return batchWriteItem(context, input as never);
      case 'TransactWriteItems':
        return transactWriteItems(context, input as never);
      case 'TransactGetItems':
        return transactGetItems(context, input as never);
      default:
        throw new Error(`the DynamoDB of the tests knows no ${name}`);
    }
  }

  #create(input: CreateTableCommandInput): object {
    const name = input.TableName as string;
    this.#tables.set(name, new Table(input, this.meter));
    return { TableDescription: { TableName: name, TableStatus: 'ACTIVE' } };
  }
}

/** Parameters from before there were expressions. */
const LEGACY = [
  'Expected',
  'AttributeUpdates',
  'KeyConditions',
  'QueryFilter',
  'ScanFilter',
  'AttributesToGet',
  'ConditionalOperator',
] as const;
