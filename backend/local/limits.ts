/** What the ledger is told of this machine: SQLite's items have no size that matters, and nothing expires. */
import type { LedgerOptions } from '../ledger/index.ts';

export function localLimits(clock: LedgerOptions['clock']): Omit<LedgerOptions, 'store'> {
  const none = async (): Promise<never> => {
    throw new Error('no blobs are kept here');
  };
  return {
    clock,
    inline: Number.MAX_SAFE_INTEGER,
    blobs: { put: none, get: none, getRange: none },
    retentionDays: 36_500,
  };
}
