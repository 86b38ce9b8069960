import type { Batch } from '../core/batch.ts';
import { absent, both, type Condition, differs, equal, oneOf } from '../core/items.ts';
import type { JobError } from '../core/job.ts';
import type { SettleLedger, Verdict } from '../ports/ledger.ts';
import type { Write } from '../ports/store.ts';
import { type BatchRow, openAs, stillIn, stillRunningIn } from './batch-rows.ts';
import { batchesIn, batchRow, childRows, family, heldIds, withMembers } from './batches.ts';
import type { Context } from './context.ts';
import { endBatch, failBatch } from './end-batch.ts';
import { type End, endJobs } from './job-rows.ts';
import { batchKey, heldKey, openIn, slotsKey, sortableBatchId, transformKey } from './keys.ts';
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
      batchesIn(
        context,
        await heldIds(context, scout),
        (row) => row.state === 'Held' && row.scout === scout && row.ending === undefined,
      ),

    // Three steps: it is said that results are being filed, so that whoever finds it half done goes on; each result is
    // written where its job is open; the batch ends, and what it wrote is counted.
    async fileResults(id, results, at, transform) {
      const row = await batchRow(context, id);
      if (!row || row.state === 'Done' || row.state === 'Failed' || row.ending !== undefined) return;
      const begun = await store.write({
        key: batchKey(id),
        changes: {
          set: {
            filing: transform ?? row.transform ?? '',
            ...openIn('filing', row.createdAt, sortableBatchId(id)),
          },
        },
        condition: both(differs('state', 'Done'), differs('state', 'Failed'), absent('ending')),
      });
      if (!begun.done) return;
      const ends = results.map((filed): End => ({ ref: filed.ref, filed }));
      await endBatch(context, row, 'Done', 'filing', await endJobs(context, row, ends, at));
    },

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
      if (!row || !still || row.filing !== undefined) return false;
      const condition = transform === undefined ? stillIn('Held') : stillRunningIn(transform);
      return apply(context, row, verdict, at, condition);
    },

    async failWaiting(id, error, at) {
      const row = await batchRow(context, id);
      if (!row || row.filing !== undefined) return false;
      if (row.state !== 'Forming' && row.state !== 'Waiting' && row.state !== 'Held') return false;
      return failBatch(context, row, error, at, stillIn(row.state));
    },

    async endTransformJob(name, reason) {
      const row = await transformRow(context, name);
      if (!row || row.state === 'Ended') return false;
      if ((await runningBatches(name)).length > 0) return false;
      const { done } = await store.transact([
        {
          key: transformKey(name),
          changes: { set: { state: 'Ended', reason }, remove: ['openKey', 'openAt'] },
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
  // Somebody began to fail it: that is what becomes of it.
  if (row.ending !== undefined) return failBatch(context, row, NO_ERROR, at, condition);
  const key = batchKey(row.id);
  if (verdict.kind === 'fail') return failBatch(context, row, verdict.error, at, condition);
  const reason = JSON.stringify(verdict.reason);
  if (verdict.kind === 'requeue') {
    const { notBefore, counts } = verdict;
    const changes = {
      set: { state: 'Waiting', notBefore, reason, ...openAs('Waiting', row) },
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
    const pointer: Write = { key: held, item: { ...held, id: row.id, ttl: (row as { ttl?: number }).ttl } };
    return (await store.transact([hold, pointer])).done;
  }
  const outcome = await splitBatch(context, row, verdict, condition);
  if (outcome !== 'over budget') return outcome === 'split';
  return failBatch(context, row, overBudget(verdict.budget, verdict.reason), at, condition);
}

/** Never written: the error of a batch that is being failed is in its row. */
const NO_ERROR: JobError = { code: 'transform_failed', message: 'no reason was kept' };

function overBudget(budget: number, reason: JobError): JobError {
  return {
    code: 'isolation_budget',
    message: `not tried alone: ${budget} single jobs of its submission were; its batch failed with: ${reason.message}`,
  };
}
