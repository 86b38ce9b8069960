/** Small operations whose answers DynamoDB's documentation gives, to be put to the fake and to a moto server. */
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';

type Attributes = Record<string, object>;
const S = (text: string) => ({ S: text });
const N = (n: number) => ({ N: String(n) });
export const keyOf = (sk: string, pk = 'p') => ({ pk: S(pk), sk: S(sk) });

/** Commands on a table, in order; each of a few lines. */
export function operations(TableName: string): [what: string, command: object][] {
  const put = (sk: string, more: Attributes = {}, rest: object = {}) =>
    new PutItemCommand({ TableName, Item: { ...keyOf(sk), ...more } as never, ...rest });
  const update = (sk: string, UpdateExpression: string, rest: object = {}) =>
    new UpdateItemCommand({ TableName, Key: keyOf(sk), UpdateExpression, ReturnValues: 'ALL_NEW', ...rest });
  const get = (sk: string, rest: object = {}) => new GetItemCommand({ TableName, Key: keyOf(sk), ...rest });
  const query = (rest: object) =>
    new QueryCommand({
      TableName,
      KeyConditionExpression: 'pk = :p',
      ExpressionAttributeValues: { ':p': S('p') },
      ...rest,
    });
  const values = (more: Attributes) => ({ ExpressionAttributeValues: more });
  const transact = (...TransactItems: object[]) => new TransactWriteItemsCommand({ TransactItems } as never);
  const Put = (sk: string, more: Attributes, rest: object = {}) => ({
    Put: { TableName, Item: { ...keyOf(sk), ...more }, ...rest },
  });
  const tells = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' };
  const open = { openKey: S('chunk#0'), jobs: N(3), hidden: S('not projected') };

  return [
    ['put', put('a', { n: N(1), list: { L: [N(1), N(2)] }, map: { M: { x: S('y') } }, tags: { SS: ['a'] } })],
    ['get', get('a')],
    ['get nothing', get('none')],
    ['get a part', get('a', { ProjectionExpression: 'n, #m.x', ExpressionAttributeNames: { '#m': 'map' } })],
    ['put if absent, and it is there', put('a', {}, { ConditionExpression: 'attribute_not_exists(pk)' })],
    ['the same, with the item', put('a', {}, { ConditionExpression: 'attribute_not_exists(pk)', ...tells })],
    ['put if absent', put('b', { n: N(5) }, { ConditionExpression: 'attribute_not_exists(pk)' })],
    [
      'set, add and remove',
      update('a', 'SET n2 = n + :one ADD c :one, tags :t REMOVE #m.x', {
        ...values({ ':one': N(1), ':t': { SS: ['b'] } }),
        ExpressionAttributeNames: { '#m': 'map' },
      }),
    ],
    ['set once', update('a', 'SET once = if_not_exists(once, :v)', values({ ':v': S('first') }))],
    ['set once again', update('a', 'SET once = if_not_exists(once, :v)', values({ ':v': S('second') }))],
    [
      'append',
      update('a', 'SET #l = list_append(#l, :v)', {
        ...values({ ':v': { L: [N(3)] } }),
        ExpressionAttributeNames: { '#l': 'list' },
      }),
    ],
    ['delete from a set to nothing', update('a', 'DELETE tags :t', values({ ':t': { SS: ['a', 'b'] } }))],
    ['update makes an item', update('new', 'ADD c :one', values({ ':one': N(1) }))],
    ['set from what is not there', update('a', 'SET x = nothing', {})],
    ['add to text', update('a', 'SET once = once + :one', values({ ':one': N(1) }))],
    ['set below what is not there', update('a', 'SET deep.er = :one', values({ ':one': N(1) }))],
    ['reserved word', update('a', 'SET status = :one', values({ ':one': N(1) }))],
    ['undefined value', update('a', 'SET x = :two', values({ ':one': N(1) }))],
    ['undefined name', update('a', 'SET #x = :one', values({ ':one': N(1) }))],
    ['unused value', update('a', 'SET x = :one', values({ ':one': N(1), ':two': N(2) }))],
    ['update of the key', update('a', 'SET sk = :v', values({ ':v': S('z') }))],
    ['two paths that overlap', update('a', 'SET n = :one, n = :one', values({ ':one': N(1) }))],
    ['empty set', put('set', { tags: { SS: [] } })],
    ['empty key', put('', {})],
    ['key of another type', new PutItemCommand({ TableName, Item: { pk: S('p'), sk: N(1) } })],
    ['key too much', get('a', { Key: { ...keyOf('a'), n: N(1) } })],
    ['over 400 KB', put('large', { text: S('x'.repeat(410_000)) })],
    ...conditions(update),
    ['put for the index', put('i1', { ...open, openAt: S('001') })],
    ['another', put('i2', { ...open, openAt: S('002') })],
    ['without its range key', put('i3', open)],
    [
      'query the index',
      query({
        IndexName: 'open',
        KeyConditionExpression: 'openKey = :k AND openAt < :t',
        ...values({ ':k': S('chunk#0'), ':t': S('003') }),
      }),
    ],
    [
      'consistent query of the index',
      query({
        IndexName: 'open',
        KeyConditionExpression: 'openKey = :k',
        ConsistentRead: true,
        ...values({ ':k': S('chunk#0') }),
      }),
    ],
    ['leaves the index', update('i1', 'REMOVE openKey, openAt', {})],
    [
      'query the index newest first',
      query({
        IndexName: 'open',
        ScanIndexForward: false,
        KeyConditionExpression: 'openKey = :k',
        ...values({ ':k': S('chunk#0') }),
      }),
    ],
    ['query all', query({})],
    ['query backwards', query({ ScanIndexForward: false, Limit: 2 })],
    ['query from a key on', query({ ExclusiveStartKey: keyOf('b'), Limit: 1 })],
    [
      'query a prefix',
      query({
        KeyConditionExpression: 'pk = :p AND begins_with(sk, :i)',
        ...values({ ':p': S('p'), ':i': S('i') }),
        Select: 'COUNT',
      }),
    ],
    [
      'query between',
      query({
        KeyConditionExpression: 'pk = :p AND sk BETWEEN :a AND :b',
        ...values({ ':p': S('p'), ':a': S('a'), ':b': S('b') }),
        ProjectionExpression: 'sk',
      }),
    ],
    [
      'query with a filter',
      query({
        FilterExpression: 'n >= :n',
        ...values({ ':p': S('p'), ':n': N(2) }),
        ProjectionExpression: 'sk, n',
      }),
    ],
    ['filter by a key', query({ FilterExpression: 'sk = :p' })],
    ['query without the key', query({ KeyConditionExpression: 'sk = :p' })],
    [
      'transaction',
      transact(
        Put('t1', { n: N(1) }),
        { Delete: { TableName, Key: keyOf('b') } },
        {
          ConditionCheck: { TableName, Key: keyOf('a'), ConditionExpression: 'attribute_exists(pk)' },
        },
      ),
    ],
    [
      'transaction refused',
      transact(
        Put('t2', {}),
        Put('t1', {}, { ConditionExpression: 'attribute_not_exists(pk)', ...tells }),
        Put('none', {}, { ConditionExpression: 'attribute_exists(pk)', ...tells }),
      ),
    ],
    ['of which nothing took effect', get('t2')],
    ['one item twice', transact(Put('t3', {}), Put('t3', { n: N(1) }))],
    ['101 writes', transact(...Array.from({ length: 101 }, (_, i) => Put(`m${i}`, {})))],
    [
      'read several',
      new TransactGetItemsCommand({
        TransactItems: [{ Get: { TableName, Key: keyOf('t1') } }, { Get: { TableName, Key: keyOf('none') } }],
      }),
    ],
    [
      'batch of one item twice',
      new BatchWriteItemCommand({
        RequestItems: { [TableName]: [1, 2].map(() => ({ PutRequest: { Item: keyOf('w') } })) },
      }),
    ],
    [
      'batch of 26',
      new BatchWriteItemCommand({
        RequestItems: {
          [TableName]: Array.from({ length: 26 }, (_, i) => ({ PutRequest: { Item: keyOf(`w${i}`) } })),
        },
      }),
    ],
    [
      'batch',
      new BatchWriteItemCommand({
        RequestItems: {
          [TableName]: [{ PutRequest: { Item: keyOf('w1') } }, { DeleteRequest: { Key: keyOf('t1') } }],
        },
      }),
    ],
    [
      'read a batch',
      new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: [keyOf('w1'), keyOf('t1')] } } }),
    ],
    [
      'read one twice',
      new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: [keyOf('a'), keyOf('a')] } } }),
    ],
    ['delete', new DeleteItemCommand({ TableName, Key: keyOf('w1'), ReturnValues: 'ALL_OLD' })],
    ['delete nothing', new DeleteItemCommand({ TableName, Key: keyOf('w1') })],
    ['no such table', new GetItemCommand({ TableName: 'no-such-table', Key: keyOf('a') })],
  ];
}

/** Conditions on the item `c`, each of which decides an update that does nothing else. */
function conditions(update: (sk: string, expression: string, rest?: object) => object): [string, object][] {
  const base = {
    ':a': N(1),
    ':s': S('text'),
    ':l': { L: [S('x')] },
    ':m': { M: { deep: { M: { er: N(7) } } } },
  };
  const setUp = update('c', 'SET n = :a, txt = :s, arr = :l, m = :m', { ExpressionAttributeValues: base });
  const cases: [string, Record<string, object>][] = [
    ['n = :x', { ':x': N(1) }],
    ['n <> :x', { ':x': S('1') }],
    ['n < :x', { ':x': N(10) }],
    ['n < :x', { ':x': S('10') }],
    ['absent <> :x', { ':x': N(1) }],
    ['absent = :x', { ':x': N(1) }],
    ['absent < :x', { ':x': N(1) }],
    ['NOT absent < :x', { ':x': N(1) }],
    ['n BETWEEN :x AND :y', { ':x': N(1), ':y': N(2) }],
    ['n IN (:x, :y)', { ':x': N(3), ':y': N(1) }],
    ['begins_with(txt, :x)', { ':x': S('te') }],
    ['contains(txt, :x)', { ':x': S('ex') }],
    ['contains(arr, :x)', { ':x': S('x') }],
    ['size(txt) = :x', { ':x': N(4) }],
    ['size(arr) > :x', { ':x': N(1) }],
    ['attribute_type(m, :x)', { ':x': S('M') }],
    ['m.deep.er = :x', { ':x': N(7) }],
    ['arr[0] = :x', { ':x': S('x') }],
    ['arr[1] = :x', { ':x': S('x') }],
    ['attribute_exists(m.deep) AND attribute_not_exists(m.shallow) AND n = :x', { ':x': N(1) }],
    ['n = :x OR txt = :y AND n = :z', { ':x': N(1), ':y': S('no'), ':z': N(2) }],
    ['(n = :x OR txt = :y) AND n = :z', { ':x': N(1), ':y': S('no'), ':z': N(2) }],
    ['NOT (n = :x)', { ':x': N(1) }],
    ['n == :x', { ':x': N(1) }],
  ];
  return [
    ['item for conditions', setUp],
    ...cases.map(([condition, values]): [string, object] => [
      `if ${condition} with ${JSON.stringify(values)}`,
      update('c', 'SET seen = :t', {
        ConditionExpression: condition,
        ReturnValues: 'NONE',
        ExpressionAttributeValues: { ':t': N(1), ...values },
      }),
    ]),
  ];
}
