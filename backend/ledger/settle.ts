import type { Batch } from '../core/batch.ts';
import { type Condition, equal, oneOf } from '../core/items.ts';
import type { JobError } from '../core/job.ts';
import type { SettleLedger, Verdict } from '../ports/ledger.ts';
import type { Write } from '../ports/store.ts';
import { type BatchRow, openAs, stillIn, stillRunningIn } from './batch-rows.ts';
import { batchesIn, batchRow, childRows, family, heldIds, withMembers } from './batches.ts';
import type { Context } from './context.ts';
import { failBatch, failUnstarted, finishFailing } from './fail.ts';
import { fileResults } from './file.ts';
import { batchKey, heldKey, OPEN_ATTRIBUTES, slotsKey, transformKey } from './keys.ts';
import { splitBatch } from './split-batch.ts';
import { transformRow } from './transform-rows.ts';

export function settleLedger(context: Context): SettleLedger {
  const { store } = context;

  const runningBatches = async (name: string): Promise<Batch[]> => {
    const row = await transformRow(context, name);
    if (!row) return [];
    const ids = JSON.parse(row.batches) as string[];
    return batchesIn(context, ids, ({ state, transform }) => state === 'Running' && transform === name);
  };

  return {
    runningBatches,
    family: (parent) => family(context, parent),

    formingChildren: async (parent) =>
      withMembers(
        context,
        (await childRows(context, parent)).filter(({ state }) => state === 'Forming'),
      ),

    heldFor: async (scout) =>
      batchesIn(context, await heldIds(context, scout), (row) => row.state === 'Held' && row.scout === scout),

    fileResults: (filings, at) => fileResults(context, filings, at),

    async countUnusable(id, transform) {
      const key = batchKey(id);
      const condition = equal('transform', transform);
      const outcome = await store.write({ key, changes: { add: { unusable: 1 } }, condition });
      // An earlier transform job's output: nothing will come of it any more.
      if (!outcome.done) return Number.MAX_SAFE_INTEGER;
      return ((await store.get(key))?.['unusable'] as number) ?? Number.MAX_SAFE_INTEGER;
    },

    async applyVerdict(id, transform, verdict, at) {
      const row = await batchRow(context, id);
      const still =
        transform === undefined
          ? row?.state === 'Held'
          : row?.state === 'Running' && row.transform === transform;
      if (!row || !still) return false;
      const condition = transform === undefined ? stillIn('Held') : stillRunningIn(transform);
      return apply(context, row, verdict, at, condition);
    },

    async failWaiting(id, error, at) {
      const row = await batchRow(context, id);
      if (!row || !['Forming', 'Waiting', 'Held'].includes(row.state)) return false;
      return failUnstarted(context, row, error, at);
    },

    async endBatch(id) {
      const row = await batchRow(context, id);
      if (row?.state === 'Ending') await finishFailing(context, row);
    },

    async endTransformJob(name, reason) {
      const row = await transformRow(context, name);
      if (!row || row.state === 'Ended') return false;
      if ((await runningBatches(name)).length > 0) return false;
      const { done } = await store.transact([
        {
          key: transformKey(name),
          changes: { set: { state: 'Ended', reason }, remove: OPEN_ATTRIBUTES },
          condition: oneOf('state', ['Claimed', 'Running']),
        },
        { key: slotsKey(row.pin), changes: { take: { names: new Set([name]) } } },
      ]);
      return done;
    },
  };
}

async function apply(
  context: Context,
  row: BatchRow,
  verdict: Verdict,
  at: number,
  condition: Condition,
): Promise<boolean> {
  const { store } = context;
  const key = batchKey(row.id);
  if (verdict.kind === 'fail') return failBatch(context, row, verdict.error, at, condition);
  const reason = JSON.stringify(verdict.reason);
  if (verdict.kind === 'requeue') {
    const { notBefore, counts } = verdict;
    const changes = {
      set: { state: 'Waiting', notBefore, reason, ...openAs('Waiting', { ...row, notBefore }) },
      add: { requeues: counts ? 1 : 0 },
    };
    return (await store.write({ key, changes, condition })).done;
  }
  if (verdict.kind === 'hold') {
    const { scout } = verdict;
    const held = heldKey(scout, row.id);
    const hold: Write = {
      key,
      changes: { set: { state: 'Held', scout, reason, ...openAs('Held', row) } },
      condition,
    };
    const pointer: Write = { key: held, item: { ...held, id: row.id, ttl: row.ttl } };
    return (await store.transact([hold, pointer])).done;
  }
  const outcome = await splitBatch(context, row, verdict, condition);
  if (outcome !== 'over budget') return outcome === 'split';
  return failBatch(context, row, overBudget(verdict.budget, verdict.reason), at, condition);
}

function overBudget(budget: number, reason: JobError): JobError {
  return {
    code: 'isolation_budget',
    message: `not tried alone: ${budget} single jobs of its submission were; its batch failed with: ${reason.message}`,
  };
}
