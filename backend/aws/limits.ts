/** What the ledger is to know of DynamoDB and S3. */
import type { LedgerOptions } from '../ledger/index.ts';

export const AWS_LIMITS: Pick<LedgerOptions, 'inline' | 'segments'> = {
  // Where an item's write units cost as much as an object of its own (1 unit a KB; S3, PutObject).
  inline: 4096,
  // An item costs its bytes at each write; a place in an object costs a read, when it is asked for.
  segments: { bytes: 64 * 1024, placeFrom: 4096 },
};
