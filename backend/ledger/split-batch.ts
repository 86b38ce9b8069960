import { atMost, type Condition } from '../core/items.ts';
import type { Verdict } from '../ports/ledger.ts';
import { TRANSACT_MOST, type Write } from '../ports/store.ts';
import { type BatchRow, newBatch } from './batch-rows.ts';
import type { Context } from './context.ts';
import { batchKey, metaKey, OPEN_ATTRIBUTES } from './keys.ts';

/**
 * Records a batch as Split and its children as Forming, and takes the single-job children from the budget of their submission,
 * all or none. Single jobs have none: each is a submission of its own.
 */
export async function splitBatch(
  context: Context,
  row: BatchRow,
  { children, budget, reason }: Extract<Verdict, { kind: 'split' }>,
  condition: Condition,
): Promise<'split' | 'over budget' | 'changed'> {
  const parent: Write = {
    key: batchKey(row.id),
    changes: { set: { state: 'Split', reason: JSON.stringify(reason) }, remove: OPEN_ATTRIBUTES },
    condition,
  };
  const alone = children.filter(({ jobs }) => jobs === 1).length;
  const budgets: Write[] =
    row.owner === undefined || alone === 0
      ? []
      : [
          {
            key: metaKey(row.owner),
            changes: { add: { isolated: alone } },
            condition: atMost('isolated', budget - alone),
          },
        ];
  const writes = [parent, ...budgets, ...children.flatMap((child) => newBatch(context, child))];
  if (writes.length > TRANSACT_MOST)
    throw new Error(`batch ${row.id} would be split into more parts than a transaction holds`);
  const outcome = await context.store.transact(writes);
  if (outcome.done) {
    context.count?.('SplitRounds', 1);
    return 'split';
  }
  if (outcome.failed.has(0)) return 'changed';
  return [...outcome.failed.keys()].some((i) => i <= budgets.length) ? 'over budget' : 'changed';
}
