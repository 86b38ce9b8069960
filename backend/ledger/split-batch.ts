import { atMost, type Condition } from '../core/items.ts';
import type { Verdict } from '../ports/ledger.ts';
import { TRANSACT_MOST, type Write } from '../ports/store.ts';
import { type BatchRow, newBatch } from './batch-rows.ts';
import type { Context } from './context.ts';
import { batchKey, metaKey } from './keys.ts';

/**
 * Records a batch as Split and its children as Forming, and takes the single-job children from the budgets of their
 * submissions, all or none.
 */
export async function splitBatch(
  context: Context,
  row: BatchRow,
  { children, budget, reason }: Extract<Verdict, { kind: 'split' }>,
  condition: Condition,
): Promise<'split' | 'over budget' | 'changed'> {
  const wanted = new Map<string, number>();
  for (const { jobs, members } of children)
    if (jobs === 1 && members[0])
      wanted.set(members[0].submission, (wanted.get(members[0].submission) ?? 0) + 1);
  const parent: Write = {
    key: batchKey(row.id),
    changes: { set: { state: 'Split', reason: JSON.stringify(reason) }, remove: ['openKey', 'openAt'] },
    condition,
  };
  const budgets = [...wanted].map(
    ([submission, n]): Write => ({
      key: metaKey(submission),
      changes: { add: { isolated: n } },
      condition: atMost('isolated', budget - n),
    }),
  );
  const writes = [
    parent,
    ...budgets,
    ...children.flatMap((child) => newBatch(context, child, { state: 'Forming', single: row.single })),
  ];
  if (writes.length > TRANSACT_MOST)
    throw new Error(`batch ${row.id} would be split into more parts than a transaction holds`);
  const outcome = await context.store.transact(writes);
  if (outcome.done) return 'split';
  if (outcome.failed.has(0)) return 'changed';
  return [...outcome.failed.keys()].some((i) => i <= budgets.length) ? 'over budget' : 'changed';
}
