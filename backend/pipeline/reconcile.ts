/** Reconcile: rings for everything that is open, and enforces deadlines. Every lost bell is made good here. */
import { waitedTooLong } from '../core/judge.ts';
import type { Ports } from '../ports/index.ts';

type ReconcilePorts = Pick<Ports, 'ledger' | 'bells' | 'clock'>;

export async function reconcile({ ledger, bells, clock }: ReconcilePorts): Promise<void> {
  const now = clock.now();
  const open = await ledger.openWork(now);
  for (const id of open.overdue) {
    const batch = await ledger.batch(id);
    if (batch && (await ledger.failWaiting(id, waitedTooLong(batch, batch.reason?.message), now)))
      bells.ring({ kind: 'start' });
  }
  for (const id of open.submissions) bells.ring({ kind: 'submission', id });
  for (const id of [...open.forming, ...open.ending, ...open.held]) bells.ring({ kind: 'batch', id });
  for (const name of open.transforms) bells.ring({ kind: 'transform', name });
  if (open.chunks) bells.ring({ kind: 'gather' });
  if (open.waiting) bells.ring({ kind: 'start' });
}
