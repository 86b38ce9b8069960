/** Reconcile: rings for everything that is open, and enforces deadlines. Every lost bell is made good here. */
import { waitedTooLong } from '../core/judge.ts';
import type { Ports } from '../ports/index.ts';
import type { Scope } from '../ports/ledger.ts';

type ReconcilePorts = Pick<Ports, 'ledger' | 'bells' | 'clock'>;

export async function reconcile({ ledger, bells, clock }: ReconcilePorts, scope: Scope): Promise<void> {
  const now = clock.now();
  const open = await ledger.openWork(scope, now);
  for (const id of open.overdue) {
    const batch = await ledger.batch(id);
    if (batch && (await ledger.failWaiting(id, waitedTooLong(batch, batch.reason?.message), now)))
      bells.ring({ kind: 'start' });
  }
  for (const id of open.submissions) bells.ring({ kind: 'submission', id });
  for (const id of [...open.forming, ...open.held]) bells.ring({ kind: 'batch', id });
  for (const name of open.transforms) bells.ring({ kind: 'transform', name });
  for (const { transform, batch } of open.filing) bells.ring({ kind: 'output', transform, batch });
  if (open.chunks) bells.ring({ kind: 'gather' });
  if (open.waiting) bells.ring({ kind: 'start' });
}
