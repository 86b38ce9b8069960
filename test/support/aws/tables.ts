/** The stack's table, for tests: its keys and its index. */
import { CreateTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { OPEN_INDEX_ATTRIBUTES } from '../../../backend/core/open-index.ts';

export async function createTable(client: Pick<DynamoDBClient, 'send'>, name: string): Promise<void> {
  const text = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' }) as const;
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk', 'openKey', 'openAt'].map(text),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'open',
          KeySchema: [
            { AttributeName: 'openKey', KeyType: 'HASH' },
            { AttributeName: 'openAt', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: [...OPEN_INDEX_ATTRIBUTES] },
        },
      ],
    }),
  );
}
