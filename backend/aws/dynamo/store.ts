/**
 * The store on DynamoDB: consistent reads, single conditional writes, and transactions that either happen or say which of their
 * conditions didn't hold. What DynamoDB leaves undone for want of capacity or because of a conflict is tried again with
 * jitter, within a bounded number of tries. Throttled and unanswered requests are repeated by the SDK; what it gives up is thrown.
 */
import { randomUUID } from 'node:crypto';
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { Item, Key } from '../../core/items.ts';
import type { Outcome, Range, Store, Write } from '../../ports/store.ts';
import { type Attributes, attributesOf, itemOf } from './attributes.ts';
import { conditionExpression, expressionOf, Terms } from './expressions.ts';
import { failedConditions, isPassing, wasRepeated } from './refusals.ts';
import { putOf, stepOf, updateOf } from './requests.ts';
import { tookEffect } from './took-effect.ts';

export type DynamoSender = Pick<DynamoDBClient, 'send'>;

/** Limits of the DynamoDB API: items of BatchGetItem and BatchWriteItem. */
const BATCH_GET_MOST = 100;
const BATCH_WRITE_MOST = 25;
/** Tries without progress, and the longest wait before the first of them in ms; it doubles each time. */
const TRIES = 12;
const WAIT_MS = { first: 10, longest: 2000 };

export interface DynamoStoreOptions {
  readonly client: DynamoSender;
  readonly name: string;
  /** Waits; injected so that a test needn't. */
  readonly pause?: (ms: number) => Promise<void>;
  /** From 0 to 1, different each time: what share of a wait is waited. */
  readonly jitter?: () => number;
  /** Names a transaction: sent again, it does nothing again. */
  readonly token?: () => string;
}

export class DynamoStore implements Store {
  readonly #client: DynamoSender;
  readonly #name: string;
  readonly #pause: (ms: number) => Promise<void>;
  readonly #jitter: () => number;
  readonly #token: () => string;

  constructor(options: DynamoStoreOptions) {
    this.#client = options.client;
    this.#name = options.name;
    this.#pause = options.pause ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
    this.#jitter = options.jitter ?? Math.random;
    this.#token = options.token ?? randomUUID;
  }

  async get({ pk, sk }: Key): Promise<Item | undefined> {
    const { Item } = await this.#client.send(
      new GetItemCommand({ TableName: this.#name, Key: attributesOf({ pk, sk }), ConsistentRead: true }),
    );
    return Item && itemOf(Item);
  }

  /** Items in the order of their keys; undefined where there is none. */
  async getAll(keys: readonly Key[]): Promise<(Item | undefined)[]> {
    const found = new Map<string, Item>();
    let open = [...byId(keys).values()].map(({ pk, sk }) => attributesOf({ pk, sk }));
    for (let tries = 0; open.length > 0; ) {
      const asked = open.slice(0, BATCH_GET_MOST);
      const { Responses, UnprocessedKeys } = await this.#client.send(
        new BatchGetItemCommand({ RequestItems: { [this.#name]: { Keys: asked, ConsistentRead: true } } }),
      );
      const items = (Responses?.[this.#name] ?? []).map((raw) => itemOf(raw) as Item & Key);
      for (const item of items) found.set(idOf(item), item);
      const left = UnprocessedKeys?.[this.#name]?.Keys ?? [];
      open = [...left, ...open.slice(BATCH_GET_MOST)];
      // An answer holds 16 MB: where something came, the rest only takes another one.
      if (items.length > 0) tries = 0;
      else if (left.length > 0) await this.#wait(tries++, 'reads were left undone');
    }
    return keys.map((key) => found.get(idOf(key)));
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
    let start: Attributes | undefined;
    let left = limit ?? Number.POSITIVE_INFINITY;
    while (left > 0) {
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
        yield itemOf(raw);
      }
      start = page.LastEvaluatedKey;
      if (start === undefined) return;
    }
  }

  /** One write of its own. */
  async write(write: Write, first: readonly Item[] = []): Promise<Outcome> {
    await this.putAll(first);
    // A check alone is no request of its own.
    if (!write.item && !write.changes) return this.#transact([write]);
    return this.#untilItPasses(
      () =>
        write.item
          ? this.#client.send(new PutItemCommand(putOf(this.#name, write)))
          : this.#client.send(new UpdateItemCommand(updateOf(this.#name, write))),
      (found) => tookEffect(write, found),
    );
  }

  /** Writes without a condition, which may be repeated; of one item the last. */
  async putAll(items: readonly Item[]): Promise<void> {
    let open = [...byId(items as readonly (Item & Key)[]).values()].map((item) => ({
      PutRequest: { Item: attributesOf(item) },
    }));
    for (let tries = 0; open.length > 0; ) {
      const asked = open.slice(0, BATCH_WRITE_MOST);
      const { UnprocessedItems } = await this.#client.send(
        new BatchWriteItemCommand({ RequestItems: { [this.#name]: asked } }),
      );
      const left = (UnprocessedItems?.[this.#name] ?? []) as typeof open;
      open = [...left, ...open.slice(BATCH_WRITE_MOST)];
      if (left.length < asked.length) tries = 0;
      if (left.length > 0) await this.#wait(tries++, 'writes were left undone');
    }
  }

  /** Up to `TRANSACT_MOST` writes, all or none. */
  async transact(writes: readonly Write[], first: readonly Item[] = []): Promise<Outcome> {
    if (writes.length === 1) return this.write(writes[0] as Write, first);
    await this.putAll(first);
    return this.#transact(writes);
  }

  #transact(writes: readonly Write[]): Promise<Outcome> {
    const input = {
      TransactItems: writes.map((write) => stepOf(this.#name, write)),
      ClientRequestToken: this.#token(),
    };
    return this.#untilItPasses(() => this.#client.send(new TransactWriteItemsCommand(input)));
  }

  /**
   * Sends a write until it is done or refused for a reason that stays.
   * @param known whether a refusal's item shows that the write had been done before; asked only where it had been sent before
   */
  async #untilItPasses(
    send: () => Promise<unknown>,
    known: (found: Item | undefined) => boolean = () => false,
  ): Promise<Outcome> {
    let repeated = false;
    for (let tries = 0; ; ) {
      try {
        await send();
        return { done: true };
      } catch (error) {
        repeated ||= wasRepeated(error);
        const failed = failedConditions(error);
        if (failed) return repeated && known(failed.get(0)) ? { done: true } : { done: false, failed };
        if (!isPassing(error)) throw error;
        await this.#wait(tries++, (error as Error).message);
      }
    }
  }

  async #wait(tries: number, what: string): Promise<void> {
    if (tries >= TRIES) throw new Error(`the table was too busy: ${what}`);
    await this.#pause(this.#jitter() * Math.min(WAIT_MS.first * 2 ** tries, WAIT_MS.longest));
  }
}

/** A key as one text. */
const idOf = ({ pk, sk }: Key): string => `${pk.length} ${pk}${sk}`;

/** Each once, the last of those with the same key. */
const byId = <T extends Key>(all: readonly T[]) => new Map(all.map((each) => [idOf(each), each]));
