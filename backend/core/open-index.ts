/** What of an item the index of open work holds beside its keys (DynamoDB: NonKeyAttributes, at most 20). */
export const OPEN_INDEX_ATTRIBUTES = [
  'jobs',
  'bytes',
  'at',
  'pin',
  'owner',
  'owners',
  'notBefore',
  'waitDeadline',
  'closed',
] as const;
