/** What the ledger is to know of this machine: SQLite's items have no size that matters, and nothing expires. */
import type { LedgerOptions } from '../ledger/index.ts';

export function localLimits(
  clock: LedgerOptions['clock'],
): Pick<LedgerOptions, 'clock' | 'inline' | 'segments' | 'blobs' | 'retentionDays'> {
  const none = async (): Promise<never> => {
    throw new Error('no blobs are kept here');
  };
  return {
    clock,
    inline: Number.POSITIVE_INFINITY,
    segments: { bytes: Number.POSITIVE_INFINITY, placeFrom: Number.POSITIVE_INFINITY },
    blobs: { put: none, get: none, getBytes: none },
    retentionDays: 36_500,
  };
}
