/**
 * The table as the ledger uses it: consistent reads, single conditional writes, and transactions that either happen or say
 * which of their conditions didn't hold. What DynamoDB leaves undone for want of capacity or because of a conflict is
 * tried again with jitter, within a bounded number of tries.
 */
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type CancellationReason,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, type NativeAttributeValue, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Item, Key } from '../../core/items.ts';
import type { Outcome, Range, Store, Write } from '../../ports/store.ts';
import { conditionExpression, Terms, updateExpression } from './expressions.ts';

export type DynamoSender = Pick<DynamoDBClient, 'send'>;

/** Limits of the DynamoDB API: items of BatchGetItem and BatchWriteItem. */
const BATCH_GET_MOST = 100;
const BATCH_WRITE_MOST = 25;
/** Tries of what was left undone, and the longest wait before the first of them in ms; it doubles each time. */
const TRIES = 12;
const WAIT_MS = { first: 10, longest: 2000 };

export interface DynamoStoreOptions {
  readonly client: DynamoSender;
  readonly name: string;
  /** Waits; injected so that a test needn't. */
  readonly pause?: (ms: number) => Promise<void>;
  /** From 0 to 1, different each time: what share of a wait is waited. */
  readonly jitter?: () => number;
}

export class DynamoStore implements Store {
  readonly #client: DynamoSender;
  readonly #name: string;
  readonly #pause: (ms: number) => Promise<void>;
  readonly #jitter: () => number;

  constructor(options: DynamoStoreOptions) {
    this.#client = options.client;
    this.#name = options.name;
    this.#pause = options.pause ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
    this.#jitter = options.jitter ?? Math.random;
  }

  async get({ pk, sk }: Key): Promise<Item | undefined> {
    const { Item } = await this.#client.send(
      new GetItemCommand({ TableName: this.#name, Key: marshall({ pk, sk }), ConsistentRead: true }),
    );
    return Item && unmarshall(Item);
  }

  /** Items in the order of their keys; undefined where there is none. */
  async getAll(keys: readonly Key[]): Promise<(Item | undefined)[]> {
    const id = ({ pk, sk }: Key) => `${pk} ${sk}`;
    const found = new Map<string, Item>();
    let open = [...new Map(keys.map((key) => [id(key), key])).values()].map(({ pk, sk }) =>
      marshall({ pk, sk }),
    );
    for (let tries = 0; open.length > 0; ) {
      const asked = open.slice(0, BATCH_GET_MOST);
      const { Responses, UnprocessedKeys } = await this.#client.send(
        new BatchGetItemCommand({ RequestItems: { [this.#name]: { Keys: asked, ConsistentRead: true } } }),
      );
      for (const raw of Responses?.[this.#name] ?? []) {
        const item = unmarshall(raw);
        found.set(id(item as Key), item);
      }
      const left = UnprocessedKeys?.[this.#name]?.Keys ?? [];
      open = [...left, ...open.slice(BATCH_GET_MOST)];
      if (left.length > 0) await this.#wait(tries++, 'reads were left undone');
    }
    return keys.map((key) => found.get(id(key)));
  }

  /** Items of a partition in the order of their sort keys, page by page as they are asked for. */
  async *query({ pk, from, to, index, newestFirst = false, limit, where }: Range): AsyncGenerator<Item> {
    const terms = new Terms();
    const [hash, sort] = index ? ['openKey', 'openAt'] : ['pk', 'sk'];
    const parts = [`${terms.name(hash)} = ${terms.value(pk)}`];
    if (from !== undefined && to !== undefined)
      parts.push(`${terms.name(sort)} BETWEEN ${terms.value(from)} AND ${terms.value(to)}`);
    else if (from !== undefined) parts.push(`${terms.name(sort)} >= ${terms.value(from)}`);
    else if (to !== undefined) parts.push(`${terms.name(sort)} <= ${terms.value(to)}`);
    const FilterExpression = where && conditionExpression(where, terms);
    let start: Record<string, NativeAttributeValue> | undefined;
    let left = limit ?? Number.POSITIVE_INFINITY;
    do {
      const page = await this.#client.send(
        new QueryCommand({
          TableName: this.#name,
          KeyConditionExpression: parts.join(' AND '),
          ...expressionOf(terms),
          ...(FilterExpression === undefined ? {} : { FilterExpression }),
          ...(index ? { IndexName: index } : { ConsistentRead: true }),
          ...(newestFirst ? { ScanIndexForward: false } : {}),
          // With a filter, a page's limit would count what the filter leaves out.
          ...(limit === undefined || where ? {} : { Limit: Math.min(left, 1000) }),
          ...(start === undefined ? {} : { ExclusiveStartKey: start }),
        }),
      );
      for (const raw of page.Items ?? []) {
        if (left-- <= 0) return;
        yield unmarshall(raw);
      }
      start = page.LastEvaluatedKey;
    } while (start !== undefined && left > 0);
  }

  /** One write of its own. */
  async write(write: Write, first: readonly Item[] = []): Promise<Outcome> {
    await this.putAll(first);
    try {
      const terms = new Terms();
      if (write.item) await this.#client.send(new PutItemCommand({ ...this.#putOf(write, terms) }));
      else await this.#client.send(new UpdateItemCommand({ ...this.#updateOf(write, terms) }));
      return { done: true };
    } catch (error) {
      if ((error as Error).name !== 'ConditionalCheckFailedException') throw error;
      const { Item } = error as { Item?: Record<string, NativeAttributeValue> };
      return { done: false, failed: new Map([[0, Item && unmarshall(Item)]]) };
    }
  }

  /** Writes without a condition, which may be repeated. */
  async putAll(items: readonly Item[]): Promise<void> {
    let open = items.map((item) => ({
      PutRequest: { Item: marshall(item, { removeUndefinedValues: true }) },
    }));
    for (let tries = 0; open.length > 0; ) {
      const { UnprocessedItems } = await this.#client.send(
        new BatchWriteItemCommand({ RequestItems: { [this.#name]: open.slice(0, BATCH_WRITE_MOST) } }),
      );
      const left = (UnprocessedItems?.[this.#name] ?? []) as typeof open;
      open = [...left, ...open.slice(BATCH_WRITE_MOST)];
      if (left.length > 0) await this.#wait(tries++, 'writes were left undone');
    }
  }

  /** Up to `TRANSACT_MOST` writes, all or none. */
  async transact(writes: readonly Write[], first: readonly Item[] = []): Promise<Outcome> {
    if (writes.length === 1) return this.write(writes[0] as Write, first);
    await this.putAll(first);
    const TransactItems = writes.map((write): TransactWriteItem => {
      const terms = new Terms();
      if (write.item) return { Put: this.#putOf(write, terms) };
      if (write.changes) return { Update: this.#updateOf(write, terms) };
      const ConditionExpression = write.condition && conditionExpression(write.condition, terms);
      const { pk, sk } = write.key;
      return {
        ConditionCheck: {
          TableName: this.#name,
          Key: marshall({ pk, sk }),
          ConditionExpression,
          ...expressionOf(terms),
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      };
    });
    for (let tries = 0; ; ) {
      try {
        await this.#client.send(new TransactWriteItemsCommand({ TransactItems }));
        return { done: true };
      } catch (error) {
        const failed = failedConditions(error);
        if (failed.size > 0) return { done: false, failed };
        if (!isPassing(error)) throw error;
        await this.#wait(tries++, (error as Error).message);
      }
    }
  }

  #putOf({ item, condition }: Write, terms: Terms) {
    const ConditionExpression = condition && conditionExpression(condition, terms);
    return {
      TableName: this.#name,
      Item: marshall(item, { removeUndefinedValues: true }),
      ...conditional(ConditionExpression, terms),
    };
  }

  #updateOf({ key: { pk, sk }, changes = {}, condition }: Write, terms: Terms) {
    const UpdateExpression = updateExpression(changes, terms);
    const ConditionExpression = condition && conditionExpression(condition, terms);
    return {
      TableName: this.#name,
      Key: marshall({ pk, sk }),
      UpdateExpression,
      ...expressionOf(terms),
      ...(ConditionExpression === undefined
        ? {}
        : { ConditionExpression, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const }),
    };
  }

  async #wait(tries: number, what: string): Promise<void> {
    if (tries >= TRIES) throw new Error(`the table was too busy: ${what}`);
    await this.#pause(this.#jitter() * Math.min(WAIT_MS.first * 2 ** tries, WAIT_MS.longest));
  }
}

function expressionOf(terms: Terms) {
  return {
    ...(Object.keys(terms.names).length > 0 ? { ExpressionAttributeNames: terms.names } : {}),
    ...(Object.keys(terms.values).length > 0
      ? { ExpressionAttributeValues: marshall(terms.values, { removeUndefinedValues: true }) }
      : {}),
  };
}

function conditional(ConditionExpression: string | undefined, terms: Terms) {
  if (ConditionExpression === undefined) return {};
  return {
    ConditionExpression,
    ...expressionOf(terms),
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  };
}

function reasonsOf(error: unknown): readonly CancellationReason[] {
  return (error as { CancellationReasons?: CancellationReason[] }).CancellationReasons ?? [];
}

function failedConditions(error: unknown): Map<number, Item | undefined> {
  const failed = new Map<number, Item | undefined>();
  for (const [i, { Code, Item }] of reasonsOf(error).entries())
    if (Code === 'ConditionalCheckFailed') failed.set(i, Item && unmarshall(Item));
  return failed;
}

const PASSING = new Set(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded', 'None']);

/** Whether trying a transaction again may help: another one was at the same items, or capacity ran short. */
function isPassing(error: unknown): boolean {
  const { name } = error as Error;
  if (name === 'TransactionInProgressException') return true;
  if (name !== 'TransactionCanceledException') return false;
  const reasons = reasonsOf(error);
  return reasons.length > 0 && reasons.every(({ Code }) => Code !== undefined && PASSING.has(Code));
}
