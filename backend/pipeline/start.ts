/** Start: waiting batches go into as few transform jobs as the settings allow. */
import { createHash } from 'node:crypto';
import type { Batch } from '../core/batch.ts';
import { runsAlone, waitedTooLong } from '../core/judge.ts';
import { mayStart, type Trigger } from '../core/schedule.ts';
import { pinKey } from '../core/settings.ts';
import type { TransformJob } from '../core/transform-job.ts';
import type { Ports } from '../ports/index.ts';

/** Objects in one transform job; a split batch's children are kept together even beyond it. */
const MAX_OBJECTS = 500;
/** Waiting batches looked at in one step. */
const PAGE = 2000;
const HOUR_MS = 3_600_000;
/** How long to wait after a throttle or a full quota, in ms. */
const LATER_MS = 30_000;
/** Looks in a row that may find nothing but changed batches: a list may lag behind. Then it is let catch up. */
const CHANGED_LOOKS = 3;
const CATCH_UP_MS = 1000;

type StartPorts = Pick<Ports, 'ledger' | 'objects' | 'transforms' | 'bells' | 'clock'>;

/**
 * Starts transform jobs until no batch that may be started waits or no place is free.
 * @param pageSize batches looked at in one step
 */
export async function start(ports: StartPorts, trigger: Trigger, pageSize = PAGE): Promise<void> {
  const { ledger, bells, clock } = ports;
  let changedLooks = 0;
  // Pins without a place: what waits for them must not keep others from being seen.
  const full = new Set<string>();
  for (;;) {
    const now = clock.now();
    const page = await ledger.waitingBatches(now, pageSize, full);
    const waiting = page.filter((batch) => mayStart(batch, trigger, now));
    if (waiting.length === 0) break;
    const outcomes = new Set<string>();
    for (const group of groups(waiting)) {
      const job = transformJobOf(group, now);
      const { pin } = group[0] as Batch;
      if (full.has(pinKey(pin))) continue;
      const outcome = await ledger.claimTransformJob(job, pin.settings.maxTransformJobs);
      outcomes.add(outcome);
      if (outcome === 'full') full.add(pinKey(pin));
      if (outcome === 'claimed') await createTransformJob(ports, job.name);
      if (outcome === 'changed') await removeDone(ports, job.batches);
    }
    if (outcomes.has('claimed')) {
      changedLooks = 0;
      continue;
    }
    if (!outcomes.has('changed')) {
      // A page of batches that all have no place may hide others.
      if (outcomes.has('full') && page.length === pageSize) continue;
      break;
    }
    if (++changedLooks === CHANGED_LOOKS) {
      bells.ringAt(clock.now() + CATCH_UP_MS, { kind: 'start' });
      break;
    }
  }
  const next = await ledger.nextWaiting(clock.now());
  if (next !== undefined) bells.ringAt(next, { kind: 'start' });
}

/** Removes the objects of batches that ended without being started: all their jobs were cancelled. */
async function removeDone({ ledger, objects }: StartPorts, batches: readonly string[]): Promise<void> {
  const done = [];
  for (const id of batches) if ((await ledger.batch(id))?.state === 'Done') done.push(id);
  await objects.removeBatches(done);
}

/** Batches that may share a transform job: one pin, and suspects apart from those that nothing is known against. */
function groups(waiting: readonly Batch[]): Batch[][] {
  const open = new Map<string, Batch[]>();
  const closed: Batch[][] = [];
  for (const batch of waiting) {
    const key = `${batch.suspect} ${runsAlone(batch)} ${pinKey(batch.pin)}`;
    const group = open.get(key) ?? [];
    const last = group.at(-1);
    if (last && group.length >= MAX_OBJECTS && (last.parent === undefined || last.parent !== batch.parent)) {
      closed.push(group);
      open.set(key, [batch]);
    } else {
      group.push(batch);
      open.set(key, group);
    }
  }
  return [...closed, ...open.values()];
}

/** The transform job for batches as they stand: its name follows from them and their attempts. */
function transformJobOf(batches: readonly Batch[], now: number): TransformJob {
  const hash = createHash('sha256');
  for (const batch of batches) hash.update(`${batch.id} ${batch.attempts}\n`);
  const hours = (batches[0] as Batch).pin.settings.maxTransformHours;
  return {
    name: `batchml-${hash.digest('hex').slice(0, 32)}`,
    batches: batches.map((batch) => batch.id),
    state: 'Claimed',
    claimedAt: now,
    deadline: now + hours * HOUR_MS,
    notBefore: 0,
    reason: undefined,
  };
}

/** Creates a transform job that the service doesn't have. Safe to repeat: the name is the same. */
export async function createTransformJob(
  { ledger, transforms, bells, clock }: StartPorts,
  name: string,
): Promise<void> {
  const job = await ledger.transformJob(name);
  if (!job || job.state === 'Ended') return;
  const batches = await ledger.runningBatches(name);
  const [first] = batches;
  if (!first) {
    await ledger.endTransformJob(name, 'none of its batches is open any more');
    return;
  }
  const outcome = await transforms.create({
    name,
    batches: job.batches,
    jobs: Object.fromEntries(batches.map(({ id, jobs }) => [id, jobs])),
    pin: first.pin,
    alone: batches.every(runsAlone),
  });
  if (outcome.kind === 'created') {
    await ledger.markCreated(name);
    bells.ringAt(job.deadline, { kind: 'transform', name });
  } else if (outcome.kind === 'later') {
    const now = clock.now();
    for (const batch of batches.filter(({ waitDeadline }) => waitDeadline <= now)) {
      const error = waitedTooLong(batch, outcome.reason);
      await ledger.applyVerdict(batch.id, name, { kind: 'fail', error }, now);
    }
    if (await ledger.endTransformJob(name, outcome.reason)) {
      bells.ring({ kind: 'start' });
      return;
    }
    await ledger.postponeTransformJob(name, now + LATER_MS, outcome.reason);
    bells.ringAt(now + LATER_MS, { kind: 'transform', name });
  } else {
    for (const batch of batches)
      await ledger.applyVerdict(batch.id, name, { kind: 'fail', error: outcome.error }, clock.now());
    await ledger.endTransformJob(name, outcome.error.message);
    bells.ring({ kind: 'start' });
  }
}
