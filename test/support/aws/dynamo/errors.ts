/** Errors as the SDK's client throws them. */
import {
  ConditionalCheckFailedException,
  DynamoDBServiceException,
  ResourceNotFoundException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import type { Item } from './values.ts';

const $metadata = { httpStatusCode: 400, requestId: 'fake', attempts: 1, totalRetryDelay: 0 };

/** The SDK has no class of its own for it: the service's code is the name. */
export function validation(message: string): DynamoDBServiceException {
  return new DynamoDBServiceException({ name: 'ValidationException', $fault: 'client', message, $metadata });
}

export function conditionFailed(item: Item | undefined): ConditionalCheckFailedException {
  const message = 'The conditional request failed';
  return new ConditionalCheckFailedException({
    message,
    $metadata,
    ...(item === undefined ? {} : { Item: item as never }),
  });
}

export function notFound(table: string): ResourceNotFoundException {
  return new ResourceNotFoundException({
    message: `Requested resource not found: Table: ${table} not found`,
    $metadata,
  });
}

export interface CancellationReason {
  readonly Code: string;
  readonly Message?: string;
  readonly Item?: Item;
}

export function transactionCanceled(reasons: readonly CancellationReason[]): TransactionCanceledException {
  const codes = reasons.map(({ Code }) => Code).join(', ');
  return new TransactionCanceledException({
    message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
    $metadata,
    CancellationReasons: reasons as never,
  });
}

/** What the account's request rate, or a new on-demand table, answers. */
export function throttling(): DynamoDBServiceException {
  const message = 'Throughput exceeds the current capacity of your table or index.';
  return new DynamoDBServiceException({ name: 'ThrottlingException', $fault: 'client', message, $metadata });
}
