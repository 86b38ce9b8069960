/**
 * The ledger: state, written once over a store. What became of jobs is decided at their chunk's head (`core/chunk-head.ts`); keys
 * are in `keys.ts`.
 */
import type { Ledger } from '../ports/ledger.ts';
import { acceptLedger } from './accept.ts';
import { cancelLedger } from './cancel.ts';
import type { Context } from './context.ts';
import { gatherLedger } from './gather.ts';
import { type Leftovers, leftovers } from './leftovers.ts';
import { endBackoffs, markAnnounced, oldestWaiting, openCounts, openWork, unannounced } from './open-work.ts';
import { pinKeeper } from './pins.ts';
import { readLedger } from './read.ts';
import { retryLedger } from './retry.ts';
import { settleLedger } from './settle.ts';
import { startLedger } from './start.ts';

export type LedgerOptions = Omit<Context, 'pins'>;

export interface StoreLedger extends Ledger {
  /** When the oldest job that was never started was accepted (epoch ms). */
  oldestWaiting(): Promise<number | undefined>;
  /** Closed submissions of many jobs whose end was not announced yet. */
  unannounced(): Promise<readonly string[]>;
  /** Marks a finished submission's end as announced; false when it isn't finished in that generation, or was announced. */
  markAnnounced(id: string, generation: number): Promise<boolean>;
  /** Ends open work of versions before this one whose time is over; says how much there was. */
  leftovers(): Promise<Leftovers>;
  /** What waits for its time needn't any more: the process that made it wait is gone. */
  endBackoffs(): Promise<void>;
}

export function createLedger(options: LedgerOptions): StoreLedger {
  const context: Context = { ...options, pins: pinKeeper(options.store) };
  return {
    ...acceptLedger(context),
    ...readLedger(context),
    ...gatherLedger(context),
    ...startLedger(context),
    ...settleLedger(context),
    ...cancelLedger(context),
    ...retryLedger(context),
    openWork: openWork(context),
    openCounts: () => openCounts(context),
    oldestWaiting: () => oldestWaiting(context),
    unannounced: () => unannounced(context),
    markAnnounced: (id, generation) => markAnnounced(context, id, generation),
    leftovers: () => leftovers(context),
    endBackoffs: () => endBackoffs(context),
  };
}
