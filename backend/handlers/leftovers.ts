/** Says what an older version left open, and ends it at its deadline. */
import type { Runtime } from './runtime.ts';

/** In the first minute of each hour: it is a query a partition, and almost always there is nothing. */
export async function endLeftovers({ ledger, clock, log }: Runtime): Promise<void> {
  if (new Date(clock.now()).getUTCMinutes() !== 0) return;
  const { ended, left } = await ledger.leftovers();
  if (ended + left > 0)
    log.warn('an older version left open work, which this one can not go on with', { ended, left });
}
