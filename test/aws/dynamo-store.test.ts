/**
 * The DynamoDB driver over a client that answers as the test says, in the shapes that the API reference gives: what a table that
 * behaves never shows. Names, reasons and messages are those of "DynamoDB API Reference" (TransactWriteItems, PutItem,
 * BatchGetItem, BatchWriteItem) and of the SDK's own documentation of its exceptions.
 */
import {
  type CancellationReason,
  ConditionalCheckFailedException,
  DynamoDBServiceException,
  TransactionCanceledException,
  TransactionConflictException,
  TransactionInProgressException,
} from '@aws-sdk/client-dynamodb';

import { beforeEach, describe, expect, it } from 'vitest';
import { attributesOf } from '../../backend/aws/dynamo/attributes.ts';
import { DynamoStore } from '../../backend/aws/dynamo/store.ts';
import { absent, equal, type Item, type Key } from '../../backend/core/items.ts';
import type { Write } from '../../backend/ports/store.ts';

// biome-ignore lint/suspicious/noExplicitAny: what a command sends
type Input = Record<string, any>;
type Answer = object | ((input: Input) => object);

/** Requests that were sent, and the waits before those that were sent again. */
const sent: Input[] = [];
const waits: number[] = [];
beforeEach(() => {
  sent.length = 0;
  waits.length = 0;
});

/** Answers in this order, the last one for all that follow; errors are thrown. */
function storeOf(...answers: readonly Answer[]) {
  let [turn, tokens] = [0, 0];
  const send = async ({ input }: { readonly input: Input }) => {
    sent.push(input);
    const answer = answers[Math.min(turn++, answers.length - 1)] ?? {};
    const given = typeof answer === 'function' ? answer(input) : answer;
    if (given instanceof Error) throw given;
    return given;
  };
  return new DynamoStore({
    client: { send } as never,
    name: 'jobs',
    pause: async (ms) => void waits.push(ms),
    jitter: () => 0.5,
    token: () => `token-${tokens++}`,
  });
}

/** @param attempts as the SDK counts its own (`$metadata.attempts`): more than one, and an answer may have got lost */
const metadata = (attempts: number) => ({
  httpStatusCode: 400,
  requestId: 'r',
  attempts,
  totalRetryDelay: 0,
});
const item = (more: Item = {}) => ({ pk: 'p', sk: 'a', ...more });
const key = { pk: 'p', sk: 'a' };

/** PutItem and UpdateItem with ReturnValuesOnConditionCheckFailure ALL_OLD: the exception holds the item. */
const refused = (found: Item | undefined, attempts = 1) =>
  new ConditionalCheckFailedException({
    message: 'The conditional request failed',
    $metadata: metadata(attempts),
    ...(found ? { Item: attributesOf(found) } : {}),
  });

/** One reason for each step, in their order; `None` for those that would have been done. */
const cancelled = (...reasons: readonly CancellationReason[]) =>
  new TransactionCanceledException({
    message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${reasons
      .map(({ Code }) => Code)
      .join(', ')}]`,
    $metadata: metadata(1),
    CancellationReasons: [...reasons],
  });
const NONE = { Code: 'None' };
const CONFLICT = { Code: 'TransactionConflict', Message: 'Transaction is ongoing for the item' };

/** What the SDK throws when it has given up repeating. */
const thrown = (name: string, message: string) =>
  new DynamoDBServiceException({ name, message, $fault: 'client', $metadata: metadata(4) });

describe('a transaction that is cancelled', () => {
  const writes: Write[] = [
    { key, item: item({ n: 1 }), condition: absent('pk') },
    { key: { pk: 'p', sk: 'b' }, changes: { add: { n: 1 } }, condition: equal('st', 'Open') },
    { key: { pk: 'p', sk: 'c' }, condition: absent('pk') },
  ];

  it('because of conditions says which, and what was found there', async () => {
    const failed = { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed' };
    const store = storeOf(cancelled({ ...failed, Item: attributesOf(item({ n: 7 })) }, NONE, failed));
    expect(await store.transact(writes)).toEqual({
      done: false,
      failed: new Map([
        [0, item({ n: 7 })],
        [2, undefined],
      ]),
    });
    expect(sent).toHaveLength(1);
    expect(
      sent[0]?.['TransactItems'].map((step: object) => [
        Object.keys(step)[0],
        Object.values(step)[0].ReturnValuesOnConditionCheckFailure,
      ]),
    ).toEqual([
      ['Put', 'ALL_OLD'],
      ['Update', 'ALL_OLD'],
      ['ConditionCheck', 'ALL_OLD'],
    ]);
  });

  it.each([
    ['another transaction', CONFLICT],
    [
      'an on-demand table that grows',
      { Code: 'ThrottlingError', Message: 'Throughput exceeds the current capacity of your table or index.' },
    ],
    [
      'the provisioned throughput',
      {
        Code: 'ProvisionedThroughputExceeded',
        Message: 'The level of configured provisioned throughput for the table was exceeded.',
      },
    ],
  ])('because of %s is sent again, later each time, under the same token', async (_, reason) => {
    const store = storeOf(cancelled(NONE, reason, NONE), cancelled(reason, NONE, NONE), {});
    expect(await store.transact(writes)).toEqual({ done: true });
    expect(waits).toEqual([5, 10]);
    expect(sent.map(({ ClientRequestToken }) => ClientRequestToken)).toEqual(Array(3).fill('token-0'));
    expect(await store.transact(writes)).toEqual({ done: true });
    expect(sent.at(-1)?.['ClientRequestToken']).toBe('token-1');
  });

  it('again and again is given up, in bounded time', async () => {
    await expect(storeOf(cancelled(CONFLICT, NONE, NONE)).transact(writes)).rejects.toThrow('too busy');
    expect(sent).toHaveLength(13);
    expect(waits.reduce((sum, ms) => sum + ms)).toBeLessThan(6_000);
  });

  it('because a condition failed beside a conflict is not sent again: the refusal stands', async () => {
    const store = storeOf(cancelled({ Code: 'ConditionalCheckFailed' }, CONFLICT, NONE));
    expect(await store.transact(writes)).toEqual({ done: false, failed: new Map([[0, undefined]]) });
    expect(sent).toHaveLength(1);
  });

  it.each([
    ['ValidationError', 'Item size to update has exceeded the maximum allowed size'],
    ['ItemCollectionSizeLimitExceeded', 'Collection size exceeded.'],
  ])('because of %s is not sent again', async (Code, Message) => {
    await expect(storeOf(cancelled(NONE, CONFLICT, { Code, Message })).transact(writes)).rejects.toThrow(
      Code,
    );
    expect(sent).toHaveLength(1);
  });

  it('of one check is a transaction too: no item is made by looking', async () => {
    expect(await storeOf({}).write({ key, condition: absent('pk') })).toEqual({ done: true });
    expect(sent).toMatchObject([{ TransactItems: [{ ConditionCheck: { Key: attributesOf(key) } }] }]);
  });
});

it('a transaction that is still under way is asked for again under its token', async () => {
  const message = 'The transaction with the given request token is already in progress.';
  const busy = new TransactionInProgressException({ Message: message, message, $metadata: metadata(4) });
  const writes = ['a', 'b'].map((sk): Write => ({ key: { pk: 'p', sk }, changes: { add: { n: 1 } } }));
  expect(await storeOf(busy, busy, {}).transact(writes)).toEqual({ done: true });
  expect(sent.map(({ ClientRequestToken }) => ClientRequestToken)).toEqual(Array(3).fill('token-0'));
});

describe('a single write', () => {
  const put: Write = { key, item: item({ n: 1, tags: new Set(['x', 'y']) }), condition: absent('pk') };
  const update: Write = {
    key,
    changes: { set: { st: 'Done', by: 'me' }, remove: ['openKey'] },
    condition: equal('st', 'Open'),
  };
  /** The SDK repeats none of these: they are no throttle, no server's error and not marked as retryable. */
  const conflict = (attempts = 1) =>
    new TransactionConflictException({
      message: 'Transaction is ongoing for the item',
      $metadata: metadata(attempts),
    });

  it.each([
    ['put', put],
    ['update', update],
  ])('(%s) of an item that a transaction holds is sent again, later each time', async (_, write) => {
    expect(await storeOf(conflict(), conflict(), conflict(), {}).write(write)).toEqual({ done: true });
    expect(waits).toEqual([5, 10, 20]);
    await expect(storeOf(conflict()).write(write)).rejects.toThrow('too busy');
  });

  it('that is refused answers with what was found, as often as it is sent', async () => {
    for (const found of [item({ n: 2 }), undefined]) {
      const failed = new Map([[0, found]]);
      expect(await storeOf(refused(found)).write(put)).toEqual({ done: false, failed });
      expect(await storeOf(refused(found, 3)).write(put)).toEqual({ done: false, failed });
      expect(await storeOf(refused(found)).write(update)).toEqual({ done: false, failed });
      expect(await storeOf(refused(found, 3)).write(update)).toEqual({ done: false, failed });
    }
  });

  const wanted = item({ tags: new Set(['y', 'x']), n: 1 });
  const updated = item({ st: 'Done', by: 'me', other: 1 });
  it.each([
    ['put', put, wanted],
    ['update', update, updated],
  ])('(%s) whose answer got lost is done: the repeat finds the very item', async (_, write, found) => {
    expect(await storeOf(refused(found, 2)).write(write)).toEqual({ done: true });
    // Lost before, and then a conflict: what is sent after that is not the first either.
    expect(await storeOf(conflict(2), refused(found)).write(write)).toEqual({ done: true });
  });

  it.each([
    ['put', put, wanted],
    ['update', update, updated],
  ])('(%s) that was sent once only is refused by another who wrote the same', async (_, write, found) => {
    const failed = new Map([[0, found]]);
    expect(await storeOf(refused(found)).write(write)).toEqual({ done: false, failed });
    expect(await storeOf(conflict(), refused(found)).write(write)).toEqual({ done: false, failed });
  });

  it.each<[string, Write, Item]>([
    ['another value', update, item({ st: 'Done', by: 'another' })],
    ['what was to be removed', update, item({ st: 'Done', by: 'me', openKey: 'k' })],
    ['one attribute more', put, { ...wanted, more: 1 }],
    ['one element less', put, { ...wanted, tags: new Set(['x']) }],
    [
      'a number that was added to',
      { ...update, changes: { set: { st: 'Done' }, add: { n: 1 } } },
      item({ st: 'Done', n: 5 }),
    ],
    ['nothing to compare', { ...update, changes: { remove: ['openKey'] } }, item({ st: 'Done' })],
  ])('that was repeated is refused where the item shows %s', async (_, write, found) => {
    const failed = new Map([[0, found]]);
    expect(await storeOf(refused(found, 2)).write(write)).toEqual({ done: false, failed });
  });

  it('compares bytes, lists and maps', async () => {
    const of = (last: number) =>
      item({ bytes: Uint8Array.of(1, last), list: [1, { deep: ['x'] }], map: { a: { b: true } } });
    const write: Write = { key, item: of(2), condition: absent('pk') };
    expect(await storeOf(refused(of(2), 2)).write(write)).toEqual({ done: true });
    expect(await storeOf(refused(of(3), 2)).write(write)).toMatchObject({ done: false });
  });

  it.each(['ProvisionedThroughputExceededException', 'ThrottlingException', 'RequestLimitExceeded'])(
    'that is throttled (%s) was repeated by the SDK: it is thrown and not sent again',
    async (name) => {
      const answer = thrown(name, 'Throughput exceeds the current capacity of your table or index.');
      for (const write of [put, update]) await expect(storeOf(answer).write(write)).rejects.toBe(answer);
      await expect(storeOf(answer).get(key)).rejects.toBe(answer);
      await expect(storeOf(answer).getAll([key])).rejects.toBe(answer);
      await expect(storeOf(answer).putAll([item()])).rejects.toBe(answer);
      expect([sent.length, waits]).toEqual([5, []]);
    },
  );

  it('names what it needs to be put first, and is not sent when that fails', async () => {
    const answer = thrown('ThrottlingException', 'Rate exceeded');
    await expect(storeOf(answer).write(update, [item()])).rejects.toBe(answer);
    await expect(storeOf(answer).transact([update, put], [item()])).rejects.toBe(answer);
    expect(sent.map((input) => Object.keys(input))).toEqual([['RequestItems'], ['RequestItems']]);
  });
});

describe('batches', () => {
  const keys = (count: number) => Array.from({ length: count }, (_, n) => ({ pk: 'p', sk: `${n}` }));
  const asked = (input: Input): Input[] => input['RequestItems'].jobs.Keys ?? input['RequestItems'].jobs;

  /** "If you ask to retrieve 100 items, but each item is 300 KB, the system returns 52 items" and the others' keys (BatchGetItem). */
  const first = (most: number) => (input: Input) => ({
    Responses: { jobs: asked(input).slice(0, most) },
    UnprocessedKeys: asked(input).length > most ? { jobs: { Keys: asked(input).slice(most) } } : {},
  });

  it('of keys are read a hundred at a time, and again where 16 MB were not enough, without a wait', async () => {
    const all = keys(1000);
    const read = await storeOf(first(52)).getAll(all);
    expect(read).toEqual(all);
    expect(sent.every((input) => asked(input).length <= 100)).toBe(true);
    expect([sent.length, waits]).toEqual([20, []]);
  });

  it('of which nothing was read are asked for again, later each time, and given up at last', async () => {
    const none = (input: Input) => ({ Responses: { jobs: [] }, UnprocessedKeys: input['RequestItems'] });
    expect(await storeOf(none, none, first(100)).getAll(keys(3))).toEqual(keys(3));
    expect(waits).toEqual([5, 10]);
    await expect(storeOf(none).getAll(keys(3))).rejects.toThrow('too busy');
  });

  it('give what is there in the order asked, once for keys that come twice', async () => {
    const [a, b, c] = keys(3);
    const answer = { Responses: { jobs: [attributesOf({ ...c, n: 3 }), attributesOf({ ...a, n: 1 })] } };
    const read = await storeOf(answer).getAll([a, b, c, a].map((each) => each as Key));
    expect(read.map((each) => each?.['n'])).toEqual([1, undefined, 3, 1]);
    expect(asked(sent[0] as Input)).toHaveLength(3);
  });

  it('of items are written 25 at a time, and what was left again', async () => {
    const left: number[] = [];
    const some = (input: Input) => {
      left.push(asked(input).length);
      const rest = asked(input).slice(20);
      return { UnprocessedItems: rest.length > 0 ? { jobs: rest } : {} };
    };
    await storeOf(some).putAll(keys(60));
    expect(left).toEqual([25, 25, 20]);
    const none = (input: Input) => ({ UnprocessedItems: input['RequestItems'] });
    await expect(storeOf(none).putAll(keys(3))).rejects.toThrow('too busy');
  });

  it('of items with the same key hold the last: DynamoDB refuses a batch with both', async () => {
    await storeOf({}).putAll([item({ n: 1 }), item({ n: 2 })]);
    expect(asked(sent[0] as Input)).toEqual([{ PutRequest: { Item: attributesOf(item({ n: 2 })) } }]);
  });
});

describe('a query', () => {
  const page = (from: number, to: number, last = true) => ({
    Items: Array.from({ length: to - from }, (_, i) => attributesOf({ pk: 'p', sk: `${from + i}` })),
    ...(last ? {} : { LastEvaluatedKey: attributesOf({ pk: 'p', sk: `${to - 1}` }) }),
  });
  const read = async (store: DynamoStore, range: object = {}) => {
    const sks: string[] = [];
    for await (const { sk } of store.query({ pk: 'p', ...range })) sks.push(sk);
    return sks;
  };

  it('goes on from where a page ended, also one without items', async () => {
    const store = storeOf(page(0, 2, false), { Items: [], LastEvaluatedKey: attributesOf(key) }, page(2, 3));
    expect(await read(store)).toEqual(['0', '1', '2']);
    expect(sent.map(({ ExclusiveStartKey }) => ExclusiveStartKey)).toEqual([
      undefined,
      attributesOf({ pk: 'p', sk: '1' }),
      attributesOf(key),
    ]);
    expect(sent.every(({ ConsistentRead }) => ConsistentRead)).toBe(true);
  });

  it('asks for no page more than it needs', async () => {
    expect(await read(storeOf(page(0, 2, false), page(2, 3, false)), { limit: 3 })).toEqual(['0', '1', '2']);
    expect(sent.map(({ Limit }) => Limit)).toEqual([3, 1]);
    expect(await read(storeOf(page(0, 2)), { limit: 0 })).toEqual([]);
    expect(sent).toHaveLength(2);
  });

  it('of the index is eventually consistent: DynamoDB has no other', async () => {
    await read(storeOf(page(0, 0)), { index: 'open', from: '1', to: '2', newestFirst: true });
    expect(sent).toMatchObject([
      {
        IndexName: 'open',
        ScanIndexForward: false,
        KeyConditionExpression: '#n0 = :v0 AND #n1 BETWEEN :v1 AND :v2',
      },
    ]);
    expect(sent[0]).not.toHaveProperty('ConsistentRead');
  });
});

it('reads by keys are consistent: what was just written is there', async () => {
  const store = storeOf({}, { Responses: { jobs: [] } });
  await store.get(key);
  await store.getAll([key]);
  expect(sent[0]).toMatchObject({ ConsistentRead: true });
  expect(sent[1]).toMatchObject({ RequestItems: { jobs: { ConsistentRead: true } } });
});
