/** Tables, as names with a count. */
import { type Call, type Reply, ServiceError } from './http.ts';

export class DynamoDb {
  readonly tables = new Map<string, number>();

  handle({ action, params }: Call): Reply {
    const { TableName } = params;
    const count = this.tables.get(TableName);
    if (count === undefined)
      throw new ServiceError(
        'ResourceNotFoundException',
        `Requested resource not found: Table: ${TableName} not found`,
      );
    if (action === 'DescribeTable')
      return { json: { Table: { TableName, ItemCount: count, TableStatus: 'ACTIVE' } } };
    if (action !== 'DeleteTable') throw new ServiceError('UnknownOperationException', action);
    this.tables.delete(TableName);
    return { json: { TableDescription: { TableName, TableStatus: 'DELETING' } } };
  }
}
