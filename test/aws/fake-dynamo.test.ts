/** The DynamoDB of the tests answers as DynamoDB does: by what is documented, and as a moto server does where there is one. */
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { throttling } from '../support/aws/dynamo/errors.ts';
import { FakeDynamo } from '../support/aws/fake-dynamo.ts';
import { describeMoto, motoConfig } from '../support/aws/moto.ts';
import { createTable } from '../support/aws/tables.ts';
import { keyOf, operations } from './dynamo-operations.ts';

const TableName = 'jobs';
let dynamo: FakeDynamo;
let client: Pick<DynamoDBClient, 'send'>;
beforeEach(async () => {
  dynamo = new FakeDynamo();
  client = dynamo.client;
  await createTable(client, TableName);
  dynamo.meter.reset();
});

type Answer = Record<string, unknown>;

/** An answer as far as it says something of the table: the rest, and the wording of errors, is the server's own. */
async function answerOf(sender: Pick<DynamoDBClient, 'send'>, command: object): Promise<Answer> {
  try {
    const sent: unknown = await sender.send(command as never);
    const { $metadata: _, ConsumedCapacity: __, ItemCollectionMetrics: ___, ...answer } = sent as Answer;
    if (answer['Responses'] && !Array.isArray(answer['Responses']))
      for (const items of Object.values(answer['Responses'] as Record<string, object[]>))
        items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    return sorted(answer) as Answer;
  } catch (error) {
    const { name, Item, CancellationReasons } = error as Error & Answer;
    const reasons = (CancellationReasons as { Code: string; Item?: object }[] | undefined)?.map((reason) => [
      reason.Code,
      reason.Item,
    ]);
    return sorted({ error: name, ...(Item ? { Item } : {}), ...(reasons ? { reasons } : {}) }) as Answer;
  }
}

/** With the names and set elements in order, and without what is undefined. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, element]) => element !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, element]) => [name, sorted(element)]));
}

/** Where the server is known to differ from what DynamoDB's documentation says, the fake follows the documentation. */
const MOTO_DIFFERS: ReadonlySet<string> = new Set([
  // It takes what DynamoDB refuses.
  'batch of 26',
  'filter by a key',
  // It answers 500 to what it can't read or compare.
  'undefined name',
  'if n < :x with {":x":{"S":"10"}}',
  'if n == :x with {":x":{"N":"1"}}',
]);

describeMoto('the DynamoDB of the tests and a moto server', (endpoint) => {
  it('answer alike', async () => {
    const real = new DynamoDBClient(motoConfig(endpoint()));
    await createTable(real, TableName);
    const differ: Record<string, object> = {};
    for (const [what, command] of operations(TableName)) {
      const [fake, moto] = [await answerOf(client, command), await answerOf(real, command)];
      if (JSON.stringify(fake) !== JSON.stringify(moto) && !MOTO_DIFFERS.has(what))
        differ[what] = { fake, moto };
    }
    expect(differ).toEqual({});
    real.destroy();
  });
});

describe('the DynamoDB of the tests', () => {
  const put = (sk: string, more: object = {}) =>
    client.send(new PutItemCommand({ TableName, Item: { ...keyOf(sk), ...more } as never }));
  const text = (bytes: number) => ({ text: { S: 'x'.repeat(bytes) } });
  const queryAll = (rest: object = {}) =>
    client.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'pk = :p',
        ExpressionAttributeValues: { ':p': { S: 'p' } },
        ...rest,
      }),
    );

  it.each([
    ['a condition', 'ConditionExpression', 'ttl = :a', 'reserved keyword: ttl'],
    ['an unused value', 'ConditionExpression', 'attribute_exists(pk)', 'unused in expressions: keys: {:a}'],
    ['an undefined value', 'ConditionExpression', 'x = :a AND y = :b', 'attribute value: :b'],
    ['an undefined name', 'ConditionExpression', '#x = :a', 'attribute name: #x'],
    ['an unknown function', 'ConditionExpression', 'starts(x, :a)', 'Syntax error'],
  ])('refuses %s', async (_, kind, expression, message) => {
    const command = new PutItemCommand({
      TableName,
      Item: keyOf('a'),
      [kind]: expression,
      ExpressionAttributeValues: { ':a': { N: '1' } },
    });
    await expect(client.send(command)).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining(message),
    });
  });

  it('counts write units by the larger of old and new, twice in transactions', async () => {
    await put('a', text(3000));
    expect(dynamo.meter.writes).toEqual({ jobs: 3 });
    await put('a');
    expect(dynamo.meter.writes).toEqual({ jobs: 6 });
    dynamo.meter.reset();
    const TransactItems = ['b', 'c'].map((sk) => ({ Put: { TableName, Item: keyOf(sk) } }));
    await client.send(new TransactWriteItemsCommand({ TransactItems }));
    expect(dynamo.meter).toMatchObject({ writes: { jobs: 4 }, calls: { TransactWriteItems: 1 } });
    dynamo.meter.reset();
    const condition = { TableName, Item: keyOf('c'), ConditionExpression: 'attribute_not_exists(pk)' };
    await expect(client.send(new PutItemCommand(condition))).rejects.toThrow('conditional');
    expect(dynamo.meter.writes).toEqual({ jobs: 1 });
  });

  it('counts index writes: none for what it does not hold, one for a change, two for another key', async () => {
    const open = (openAt: string, more: object = {}) => ({
      openKey: { S: 'k' },
      openAt: { S: openAt },
      ...more,
    });
    const units = async (sk: string, item: object) => {
      dynamo.meter.reset();
      await put(sk, item);
      return dynamo.meter.writes['jobs/open'] ?? 0;
    };
    expect(await units('a', {})).toBe(0);
    expect(await units('a', open('1'))).toBe(1);
    expect(await units('a', open('1', { hidden: { S: 'x' } }))).toBe(0);
    expect(await units('a', open('1', { jobs: { N: '1' } }))).toBe(1);
    expect(await units('a', open('2', { jobs: { N: '1' } }))).toBe(2);
    expect(await units('a', {})).toBe(1);
  });

  it('counts read units by 4 KB, of a query together, half when eventually consistent', async () => {
    await put('a', text(3000));
    await put('b', text(3000));
    dynamo.meter.reset();
    await client.send(new GetItemCommand({ TableName, Key: keyOf('a'), ConsistentRead: true }));
    await client.send(new GetItemCommand({ TableName, Key: keyOf('none') }));
    expect(dynamo.meter.reads).toEqual({ jobs: 1.5 });
    dynamo.meter.reset();
    await queryAll({ ConsistentRead: true });
    expect(dynamo.meter.reads).toEqual({ jobs: 2 });
  });

  it('gives pages of a megabyte, or of as many items as it is told', async () => {
    for (let i = 0; i < 5; i++) await put(`a${i}`, text(300_000));
    const first = await queryAll();
    expect(first).toMatchObject({ Count: 4, LastEvaluatedKey: keyOf('a3') });
    expect(await queryAll({ ExclusiveStartKey: first.LastEvaluatedKey })).toMatchObject({ Count: 1 });
    dynamo.pageItems = 2;
    const sizes: (number | undefined)[] = [];
    let start: object | undefined;
    do {
      const page = await queryAll(start ? { ExclusiveStartKey: start } : {});
      sizes.push(page.Count);
      start = page.LastEvaluatedKey;
    } while (start);
    expect(sizes).toEqual([2, 2, 1]);
  });

  it('lets the index lag, and stale reads see what was before', async () => {
    const byIndex = () =>
      queryAll({
        IndexName: 'open',
        KeyConditionExpression: 'openKey = :p',
        ExpressionAttributeValues: { ':p': { S: 'k' } },
      });
    dynamo.lagIndexes(true);
    await put('a', { openKey: { S: 'k' }, openAt: { S: '1' } });
    expect(await byIndex()).toMatchObject({ Count: 0 });
    dynamo.catchUp();
    expect(await byIndex()).toMatchObject({ Count: 1 });
    dynamo.staleReads = () => true;
    const read = (ConsistentRead: boolean) =>
      client.send(new GetItemCommand({ TableName, Key: keyOf('a'), ConsistentRead }));
    expect((await read(false)).Item).toBeUndefined();
    expect((await read(true)).Item).toBeDefined();
  });

  it('leaves items of batches unprocessed when told to', async () => {
    let turn = 0;
    dynamo.unprocessed = () => turn++ % 2 === 0;
    const requests = ['a', 'b'].map((sk) => ({ PutRequest: { Item: keyOf(sk) } }));
    const written = await client.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: requests } }));
    expect(written.UnprocessedItems).toEqual({ [TableName]: [requests[0]] });
    const Keys = ['a', 'b'].map((sk) => keyOf(sk));
    const read = await client.send(new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys } } }));
    expect(read).toMatchObject({
      Responses: { [TableName]: [keyOf('b')] },
      UnprocessedKeys: { [TableName]: { Keys: [keyOf('a')] } },
    });
  });

  it('does nothing again for a token that it has seen, and refuses 4 MB', async () => {
    const add = new TransactWriteItemsCommand({
      ClientRequestToken: 'token',
      TransactItems: [
        {
          Update: {
            TableName,
            Key: keyOf('n'),
            UpdateExpression: 'ADD c :one',
            ExpressionAttributeValues: { ':one': { N: '1' } },
          },
        },
      ],
    });
    await client.send(add);
    await client.send(add);
    expect(dynamo.items(TableName)).toMatchObject([{ c: { N: '1' } }]);
    const TransactItems = Array.from({ length: 11 }, (_, i) => ({
      Put: { TableName, Item: { ...keyOf(`${i}`), ...text(399_000) } },
    }));
    await expect(client.send(new TransactWriteItemsCommand({ TransactItems }))).rejects.toThrow('4 MB');
    expect(dynamo.items(TableName)).toHaveLength(1);
  });

  it('lets a test come before and after: a throttle, and an answer that got lost', async () => {
    dynamo.before = () => {
      throw throttling();
    };
    await expect(put('a')).rejects.toMatchObject({ name: 'ThrottlingException' });
    dynamo.before = () => undefined;
    dynamo.after = () => {
      throw new Error('the connection was reset');
    };
    await expect(put('a')).rejects.toThrow('reset');
    expect(dynamo.items(TableName)).toHaveLength(1);
  });

  it('removes what has expired when it is told to', async () => {
    await put('a', { ttl: { N: '100' } });
    await put('b');
    dynamo.expire(TableName, 'ttl', 101_000);
    expect(dynamo.items(TableName)).toEqual([keyOf('b')]);
    await client.send(
      new UpdateItemCommand({ TableName, Key: keyOf('b'), UpdateExpression: 'REMOVE nothing' }),
    );
  });
});
