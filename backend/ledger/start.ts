import { type Batch, countJobs } from '../core/batch.ts';
import { absent, both, either, equal, fewerThan, type Item, type Key } from '../core/items.ts';
import type { TransformJob } from '../core/transform-job.ts';
import type { StartLedger } from '../ports/ledger.ts';
import { allOf, TRANSACT_MOST, type Write } from '../ports/store.ts';
import { type BatchRow, isFresh, stillIn } from './batch-rows.ts';
import { batchesIn, batchRows, isWaiting, withMembers } from './batches.ts';
import { type Context, Tallies, ttlAfter } from './context.ts';
import { countWrites } from './counters.ts';
import { jobRows } from './job-rows.ts';
import {
  batchIdOf,
  batchKey,
  hashOfPin,
  metaKey,
  openIn,
  openKeyOf,
  rootOf,
  slotsKey,
  transformKey,
} from './keys.ts';
import type { Meta } from './submissions.ts';
import { sealTransformJob } from './transform-rows.ts';

export function startLedger(context: Context): StartLedger {
  const { store } = context;
  const waiting = async (submission: string | undefined): Promise<Item[]> => {
    const where = submission === undefined ? {} : { where: equal('owner', submission) };
    const kinds = ['begun', 'waiting'] as const;
    const lists = kinds.map((kind) => allOf(store, { pk: openKeyOf(kind), index: 'open', ...where }));
    return (await Promise.all(lists)).flat();
  };
  return {
    async waitingBatches({ submission }, now, limit) {
      const due = (await waiting(submission)).filter((item) => item['notBefore'] <= now).slice(0, limit);
      const cancelling = await cancelledOwners(context, due);
      return batchesIn(
        context,
        due.map((item) => batchIdOf(item as unknown as Key)),
        (row) => isWaiting(row) && row.notBefore <= now && !cancelling.has(row.owner),
      );
    },

    async nextWaiting({ submission }, now) {
      const times = (await waiting(submission)).map((item) => item['notBefore'] as number);
      const later = times.filter((time) => time > now);
      return later.length > 0 ? Math.min(...later) : undefined;
    },

    async claimTransformJob(_scope, job, slots) {
      const rows = (await batchRows(context, job.batches)).filter((row) => row !== undefined);
      if (rows.length !== job.batches.length || !rows.every(isWaiting)) return 'changed';
      if (await endIdle(context, rows)) return 'changed';
      const batches = await withMembers(context, rows);
      const groups = groupsOf(context, job, rows, batches);
      const [first, ...more] = groups as [Group, ...Group[]];
      const pin = hashOfPin((batches[0] as Batch).pin);
      const outcome = await store.transact([
        slotWrite(pin, job.name, slots),
        recordWrite(context, job, pin, first.ids, batches, more.length === 0),
        ...first.writes,
      ]);
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
      await store.write({ key: transformKey(name), changes: { set: { state: 'Running' } }, condition });
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

/** Ends batches without an open job; says whether there were any. */
async function endIdle(context: Context, rows: readonly BatchRow[]): Promise<boolean> {
  let any = false;
  for (const row of rows) {
    const open = isFresh(row) ? row.jobs - row.gone : await openJobs(context, row);
    if (open > 0) continue;
    any = true;
    await context.store.write({
      key: batchKey(row.id),
      changes: { set: { state: 'Done' }, remove: ['openKey', 'openAt'] },
      condition: both(stillIn('Waiting'), equal('gone', row.gone)),
    });
  }
  return any;
}

/** How many jobs of a batch are not final; of one that was started before, and so is at most a few thousand. */
async function openJobs(context: Context, row: BatchRow): Promise<number> {
  const [batch] = await withMembers(context, [row]);
  let open = 0;
  for (const { submission, chunk, from, to } of (batch as Batch).members) {
    const rows = await jobRows(context, submission, chunk, from, to);
    const closed = [...rows.values()].filter(({ st, g }) => st !== 'Queued' || g !== row.generation);
    open += to - from - closed.length;
  }
  return open;
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
  batches: readonly Batch[],
): Group[] {
  const groups: Group[] = [];
  let ids: string[] = [];
  let taking: Write[] = [];
  let counting = new Map<string, Write>();
  const flush = () => {
    if (ids.length > 0) groups.push({ ids, writes: [...taking, ...counting.values()] });
    [ids, taking, counting] = [[], [], new Map()];
  };
  for (const [i, row] of rows.entries()) {
    const counts = isFresh(row) && !row.single ? startedWrites(context, row, batches[i] as Batch) : [];
    // Nothing of a submission is started any more that is being cancelled, however long that takes.
    if (row.owner !== undefined && !row.single)
      counts.push({ key: metaKey(row.owner), condition: absent('cancelling') });
    const fresh = counts.filter(({ key }) => !counting.has(keyText(key))).length;
    if (taking.length + counting.size + 1 + fresh > TRANSACT_MOST - 2) flush();
    ids.push(row.id);
    taking.push(takeWrite(row, job.name));
    for (const write of counts) {
      const known = counting.get(keyText(write.key));
      counting.set(keyText(write.key), known?.changes ? addStarted(known, write) : write);
    }
  }
  flush();
  return groups;
}

const keyText = ({ pk, sk }: Key) => `${pk} ${sk}`;

function addStarted(a: Write, b: Write): Write {
  const sum = (a.changes?.add?.['started'] as number) + (b.changes?.add?.['started'] as number);
  return { ...a, changes: { ...a.changes, add: { started: sum } } };
}

/** Counts a batch's open jobs as started: all but those that were cancelled in the queue, which count already. */
function startedWrites(context: Context, row: BatchRow, batch: Batch): Write[] {
  const tallies = new Tallies();
  const [first] = batch.members;
  const sole = batch.members.every(({ submission }) => submission === first?.submission);
  if (first && sole) tallies.add(first.submission, 'started', row.jobs - row.gone);
  else if (row.gone === 0)
    for (const member of batch.members) tallies.add(member.submission, 'started', countJobs([member]));
  else throw new Error(`batch ${row.id} mixes submissions of which one has cancelled jobs`);
  return countWrites(context, tallies, rootOf(row.id));
}

function takeWrite({ id, gone }: BatchRow, transform: string): Write {
  return {
    key: batchKey(id),
    changes: {
      set: { state: 'Running', transform, unusable: 0 },
      add: { attempts: 1 },
      remove: ['openKey', 'openAt'],
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
  const owners = [...new Set(batches.flatMap(({ members }) => members.map(({ submission }) => submission)))];
  const item: Item = {
    ...key,
    ...openIn('transform', claimedAt, name),
    name,
    batches: JSON.stringify(ids),
    state: 'Claimed',
    claimedAt,
    deadline,
    notBefore,
    pin,
    // For an embedded pipeline that works for one submission alone; single jobs are nobody's.
    owners: JSON.stringify(owners.slice(0, 100)),
    ttl: ttlAfter(context, deadline),
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
