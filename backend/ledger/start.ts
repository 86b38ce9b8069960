import type { Batch } from '../core/batch.ts';
import { absent, both, either, equal, fewerThan, type Item, type Key } from '../core/items.ts';
import { SCHEMA_VERSION } from '../core/schema-version.ts';
import type { TransformJob } from '../core/transform-job.ts';
import type { StartLedger } from '../ports/ledger.ts';
import { TRANSACT_MOST, type Write } from '../ports/store.ts';
import { type BatchRow, batchTtl, isFresh, stillIn } from './batch-rows.ts';
import { batchesIn, batchRows, withMembers } from './batches.ts';
import type { Context } from './context.ts';
import { addTally, countWrite, type Tally } from './counters.ts';
import {
  batchIdOf,
  batchKey,
  counterShardOf,
  hashOfPinKey,
  metaKey,
  OPEN_ATTRIBUTES,
  openIn,
  openKeyOf,
  openTime,
  slotsKey,
  transformKey,
} from './keys.ts';
import { openJobsOf } from './open-jobs.ts';
import type { Meta } from './submissions.ts';
import { freePlaces, sealTransformJob } from './transform-rows.ts';

/** Submissions named on a transform job, for a pipeline that works for one of them alone. */
const OWNERS_MOST = 100;

export function startLedger(context: Context): StartLedger {
  const { store, only } = context;
  return {
    async waitingBatches(now, limit, full = new Set()) {
      const hashes = new Set([...full].map(hashOfPinKey));
      const due: Item[] = [];
      for (const kind of ['begun', 'waiting'] as const) {
        const range = { pk: openKeyOf(kind), to: `${openTime(now)}#~`, index: 'open' } as const;
        for await (const item of store.query(range)) {
          if (due.length === limit) break;
          if (hashes.has(item['pin']) || (only !== undefined && item['owner'] !== only)) continue;
          due.push(item);
        }
      }
      const cancelling = await cancelledOwners(context, due);
      return batchesIn(
        context,
        due.map((item) => batchIdOf(item as unknown as Key)),
        (row) => row.state === 'Waiting' && row.notBefore <= now && !cancelling.has(row.owner),
      );
    },

    async nextWaiting(now) {
      const times: number[] = [];
      for (const kind of ['begun', 'waiting'] as const) {
        const range = { pk: openKeyOf(kind), from: `${openTime(now + 1)}#`, index: 'open' } as const;
        for await (const item of store.query({ ...range, ...(only === undefined ? { limit: 1 } : {}) })) {
          if (only !== undefined && item['owner'] !== only) continue;
          times.push(item['notBefore'] as number);
          break;
        }
      }
      const later = times.filter((time) => time > now);
      return later.length > 0 ? Math.min(...later) : undefined;
    },

    async claimTransformJob(job, slots) {
      const rows = (await batchRows(context, job.batches)).filter((row) => row !== undefined);
      if (rows.length !== job.batches.length || !rows.every(({ state }) => state === 'Waiting'))
        return 'changed';
      const batches = await withMembers(context, rows);
      if (await endIdle(context, rows, batches)) return 'changed';
      const births = await birthsOf(context, rows);
      const groups = groupsOf(context, job, rows, births);
      const [first, ...more] = groups as [Group, ...Group[]];
      const pin = (rows[0] as BatchRow).pin;
      const claim = () =>
        store.transact([
          slotWrite(pin, job.name, slots),
          recordWrite(context, job, pin, first.ids, batches, more.length === 0),
          ...first.writes,
        ]);
      let outcome = await claim();
      // Places of transform jobs that ended, or are not there any more, are none.
      if (!outcome.done && outcome.failed.size === 1 && outcome.failed.has(0))
        if (await freePlaces(context, pin)) outcome = await claim();
      if (!outcome.done) return [...outcome.failed.keys()].some((i) => i !== 0) ? 'changed' : 'full';
      // Of a large one the others follow, each group whole or not at all: what doesn't is still Waiting.
      let taken = first.ids;
      for (const { ids, writes } of more) {
        const extended = await store.transact([extendWrite(job.name, [...taken, ...ids]), ...writes]);
        if (extended.done) taken = [...taken, ...ids];
        else if (extended.failed.has(0)) break;
      }
      if (more.length > 0) await sealTransformJob(context, job.name);
      return 'claimed';
    },

    async markCreated(name) {
      const condition = equal('state', 'Claimed');
      const outcome = await store.write({
        key: transformKey(name),
        changes: { set: { state: 'Running' } },
        condition,
      });
      if (outcome.done) context.count?.('TransformJobsStarted', 1);
    },

    async postponeTransformJob(name, notBefore, reason) {
      const condition = equal('state', 'Claimed');
      await store.write({ key: transformKey(name), changes: { set: { notBefore, reason } }, condition });
    },
  };
}

/** Submissions that are being cancelled, of those whose batches these are. */
async function cancelledOwners(
  { store }: Context,
  batches: readonly Item[],
): Promise<ReadonlySet<string | undefined>> {
  const owners = new Set(batches.flatMap(({ owner }) => (owner === undefined ? [] : [owner as string])));
  const metas = (await store.getAll([...owners].map(metaKey))) as (Meta | undefined)[];
  return new Set(metas.flatMap((meta) => (meta?.cancelling ? [meta.id] : [])));
}

/** When the batches' submissions were made; their counters carry it. */
async function birthsOf({ store }: Context, rows: readonly BatchRow[]): Promise<ReadonlyMap<string, number>> {
  const owners = [...new Set(rows.flatMap(({ owner }) => owner ?? []))];
  const metas = (await store.getAll(owners.map(metaKey))) as (Meta | undefined)[];
  return new Map(metas.flatMap((meta) => (meta ? [[meta.id, meta.at] as const] : [])));
}

/** Ends batches without an open job; says whether there were any. */
async function endIdle(
  context: Context,
  rows: readonly BatchRow[],
  batches: readonly Batch[],
): Promise<boolean> {
  // Of a batch that was never started its row says how many have ended.
  const begun = batches.filter((_, i) => !isFresh(rows[i] as BatchRow));
  const open = await openJobsOf(context, begun);
  const idle = rows.filter((row) => (isFresh(row) ? row.jobs - row.gone : (open.get(row.id) ?? 0)) <= 0);
  for (const row of idle)
    await context.store.write({
      key: batchKey(row.id),
      changes: { set: { state: 'Done' }, remove: OPEN_ATTRIBUTES },
      condition: both(stillIn('Waiting'), equal('gone', row.gone)),
    });
  return idle.length > 0;
}

interface Group {
  readonly ids: string[];
  readonly writes: Write[];
}

/** Writes by groups of batches that fit in one transaction, beside the places and the transform job itself. */
function groupsOf(
  context: Context,
  job: TransformJob,
  rows: readonly BatchRow[],
  births: ReadonlyMap<string, number>,
): Group[] {
  const groups: Group[] = [];
  let ids: string[] = [];
  let taking: Write[] = [];
  let counting = new Map<string, Write>();
  let tallies = new Map<string, Tally>();
  const flush = () => {
    if (ids.length > 0) groups.push({ ids, writes: [...taking, ...counting.values()] });
    [ids, taking, counting, tallies] = [[], [], new Map(), new Map()];
  };
  for (const row of rows) {
    // Up to two more beside the batch: its submission isn't being cancelled, and counts its jobs as started.
    if (taking.length + counting.size + 3 > TRANSACT_MOST - 2) flush();
    ids.push(row.id);
    taking.push(takeWrite(row, job.name));
    const { owner } = row;
    const birth = owner === undefined ? undefined : births.get(owner);
    if (owner === undefined || birth === undefined) continue;
    // Nothing of a submission is started any more that is being cancelled, however long that takes.
    counting.set(owner, { key: metaKey(owner), condition: absent('cancelling') });
    if (!isFresh(row)) continue;
    const shard = counterShardOf(row.id);
    const name = `${owner} ${shard}`;
    const tally = addTally(tallies.get(name) ?? {}, { started: row.jobs - row.gone });
    tallies.set(name, tally);
    counting.set(name, countWrite(context, owner, birth, shard, tally));
  }
  flush();
  return groups;
}

function takeWrite({ id, gone }: BatchRow, transform: string): Write {
  return {
    key: batchKey(id),
    changes: {
      set: { state: 'Running', transform, unusable: 0 },
      add: { attempts: 1 },
      remove: OPEN_ATTRIBUTES,
    },
    condition: both(stillIn('Waiting'), equal('gone', gone)),
  };
}

/** A place is taken by the transform job's name, so that giving it back twice gives back one. */
function slotWrite(pin: string, name: string, slots: number): Write {
  return {
    key: slotsKey(pin),
    changes: { add: { names: new Set([name]) } },
    condition: either(absent('names'), fewerThan('names', slots)),
  };
}

function recordWrite(
  context: Context,
  job: TransformJob,
  pin: string,
  ids: readonly string[],
  batches: readonly Batch[],
  sealed: boolean,
): Write {
  const key = transformKey(job.name);
  const { name, claimedAt, deadline, notBefore } = job;
  const owners = [...new Set(batches.flatMap(({ owner }) => owner ?? []))].slice(0, OWNERS_MOST);
  const item: Item = {
    ...key,
    ...openIn('transform', claimedAt, name),
    v: SCHEMA_VERSION,
    name,
    batches: JSON.stringify(ids),
    state: 'Claimed',
    claimedAt,
    deadline,
    notBefore,
    pin,
    ...(owners.length > 0 ? { owners: new Set(owners) } : {}),
    ttl: batchTtl(context, deadline),
    ...(sealed ? { sealed } : {}),
  };
  return { key, item, condition: absent('pk') };
}

function extendWrite(name: string, ids: readonly string[]): Write {
  return {
    key: transformKey(name),
    changes: { set: { batches: JSON.stringify(ids) } },
    condition: both(equal('state', 'Claimed'), absent('sealed')),
  };
}
