/** The ledger over a store: one table, one sparse index (see keys.ts), large texts in blobs. */
import type { Ledger } from '../ports/ledger.ts';
import { acceptLedger } from './accept.ts';
import { cancelLedger } from './cancel.ts';
import type { Context } from './context.ts';
import { gatherLedger, type NamedChunk } from './gather.ts';
import { endBackoffs, markAnnounced, oldestWaiting, openWork, unannounced } from './open-work.ts';
import { readLedger, singleStatus } from './read.ts';
import { retryLedger } from './retry.ts';
import { settleLedger } from './settle.ts';
import { startLedger } from './start.ts';

export type { NamedChunk } from './gather.ts';

export type LedgerOptions = Context;

export interface StoreLedger extends Ledger {
  /** The same ledger, whose `openChunks` looks at these by a consistent read besides: the index lags behind. */
  named(chunks: readonly NamedChunk[]): StoreLedger;
  /** When the oldest job that was never started was accepted (epoch ms). */
  oldestWaiting(): Promise<number | undefined>;
  /** Closed submissions of many jobs whose end was not told yet. */
  unannounced(): Promise<readonly string[]>;
  /** Marks a finished submission's end as told; false when it isn't finished in that generation, or was told. */
  markAnnounced(id: string, generation: number): Promise<boolean>;
  /** What waits for its time needn't any more: whoever made it wait is gone. */
  endBackoffs(): Promise<void>;
}

export function createLedger(context: LedgerOptions): StoreLedger {
  const single = singleStatus(context);
  const rest = {
    ...acceptLedger(context, single),
    ...readLedger(context),
    ...startLedger(context),
    ...settleLedger(context),
    ...cancelLedger(context),
    ...retryLedger(context),
    openWork: openWork(context),
    oldestWaiting: () => oldestWaiting(context),
    unannounced: () => unannounced(context),
    markAnnounced: (id: string, generation: number) => markAnnounced(context, single, id, generation),
    endBackoffs: () => endBackoffs(context),
  };
  const named = (chunks: readonly NamedChunk[]): StoreLedger => ({
    ...rest,
    ...gatherLedger(context, chunks),
    named,
  });
  return named([]);
}
