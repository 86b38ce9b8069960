/**
 * Settle: a transform job has ended, in whatever way. Its outputs are filed; the batches without a usable one are
 * judged. Safe to repeat and to run twice at once: each step is conditional on what it was decided from.
 */
import { type Batch, childOf } from '../core/batch.ts';
import type { JobError } from '../core/job.ts';
import { type Evidence, familyFinding, judge, judgeSuspect, refusesAll } from '../core/judge.ts';
import { CANARIES, planSplit } from '../core/split.ts';
import { hasEnded, type TransformJob } from '../core/transform-job.ts';
import type { Ports } from '../ports/index.ts';
import type { Verdict } from '../ports/ledger.ts';
import type { TransformDescription } from '../ports/transforms.ts';
import { fileOutputs, type Outputs } from './file-results.ts';
import { writeObjects } from './gather.ts';
import { createTransformJob } from './start.ts';

/** Retried jobs that are isolated at once, where all of them may be bad ones. */
const FEW_RETRIED = 200;

type SettlePorts = Pick<Ports, 'ledger' | 'transforms' | 'objects' | 'bells' | 'clock'>;

/** Takes a transform job's next step: creates it, stops it at its deadline, or settles it once it has ended. */
export async function advanceTransform(ports: SettlePorts, name: string): Promise<void> {
  const { ledger, transforms, bells, clock } = ports;
  const job = await ledger.transformJob(name);
  if (!job || job.state === 'Ended') return;
  const description = await transforms.describe(name);
  if (!description) {
    // Never created, or the service has lost it: creating it is the next step either way.
    if (job.notBefore <= clock.now()) await createTransformJob(ports, name);
    else bells.ringAt(job.notBefore, { kind: 'transform', name });
    return;
  }
  if (job.state === 'Claimed') await ledger.markCreated(name);
  if (hasEnded(description.status)) await settle(ports, job, description);
  else if (clock.now() >= job.deadline) await transforms.stop(name);
  else bells.ringAt(job.deadline, { kind: 'transform', name });
}

async function settle(
  ports: SettlePorts,
  job: TransformJob,
  description: TransformDescription,
): Promise<void> {
  const { ledger, transforms, objects, bells } = ports;
  const known = new Set(job.batches);
  const written = (await transforms.outputs(job.name)).filter((batch) => known.has(batch));
  const outputs = await fileOutputs(ports, job.name, written, true);
  const rest = await ledger.runningBatches(job.name);
  await judgeBatches(ports, job, description, rest, outputs);
  if (!(await ledger.endTransformJob(job.name, description.reason))) return;
  const over = [];
  for (const id of job.batches) {
    const batch = await ledger.batch(id);
    // The others' objects are not read any more: what is held or split goes on as children.
    if (batch?.state !== 'Waiting' && batch?.state !== 'Running') over.push(id);
  }
  await objects.removeBatches(over);
  await transforms.forget(job.name);
  bells.ring({ kind: 'start' });
}

async function judgeBatches(
  ports: SettlePorts,
  job: TransformJob,
  { status, fault, reason, lost = [] }: TransformDescription,
  batches: readonly Batch[],
  { filed, unusable }: Outputs,
): Promise<void> {
  if (batches.length === 0) return;
  const { transforms, bells, clock } = ports;
  const entries = await transforms.dataLog(job.name);
  const now = clock.now();
  const evidence: Evidence = {
    status,
    fault,
    reason,
    overdue: status === 'Stopped' && now >= job.deadline,
    log: new Map(entries.map((entry) => [entry.batch, entry])),
    unusable,
    lost: new Set(lost),
  };
  // Their lines are in the ledger: the next transform job finds them whole.
  await writeObjects(
    ports,
    batches.filter(({ id }) => evidence.lost.has(id)),
  );
  const suspects: { batch: Batch; reason: JobError }[] = [];
  for (const batch of batches) {
    const decision = judge(batch, evidence, now);
    if (decision.kind === 'suspect') suspects.push({ batch, reason: decision.reason });
    else if (decision.kind === 'fail')
      await apply(ports, batch, job.name, { kind: 'fail', error: decision.error });
    else {
      const notBefore = now + decision.delayMs;
      const { counts, reason } = decision;
      await apply(ports, batch, job.name, { kind: 'requeue', notBefore, counts, reason });
      bells.ringAt(notBefore, { kind: 'start' });
    }
  }
  const scout = scoutOf(suspects.map(({ batch }) => batch));
  // Single jobs first: what a family found is only known once its canaries are judged.
  suspects.sort((a, b) => Number(a.batch.jobs > 1) - Number(b.batch.jobs > 1));
  for (const suspect of suspects) {
    const proven = filed > 0 || (await isProven(ports, suspect.batch));
    await applySuspect(ports, job.name, suspect.batch, suspect.reason, proven, scout);
  }
  for (const { batch } of suspects) bells.ring({ kind: 'batch', id: batch.id });
}

/**
 * The batch that goes ahead for others that were never split: the largest, as it shows most. Undefined where even that has
 * too few jobs to say something of a model: then each finds out for itself, which costs little.
 */
function scoutOf(suspects: readonly Batch[]): string | undefined {
  const roots = suspects.filter(({ parent, jobs }) => parent === undefined && jobs >= CANARIES);
  return roots.sort((a, b) => b.jobs - a.jobs)[0]?.id;
}

/**
 * Whether the model was seen to take something before: a part of the same batch, or, for a few jobs that are tried again
 * after others of their submission were processed, one of those.
 */
async function isProven({ ledger }: SettlePorts, batch: Batch): Promise<boolean> {
  if (batch.generation > 0 && batch.jobs <= FEW_RETRIED) {
    const submission = await ledger.submission(batch.members[0]?.submission ?? '');
    if (submission && submission.counters.processed > 0) return true;
  }
  if (batch.parent === undefined) return false;
  const children = await ledger.family(batch.parent);
  return familyFinding('Split', children) === 'healthy';
}

async function applySuspect(
  ports: SettlePorts,
  transform: string | undefined,
  batch: Batch,
  reason: JobError,
  proven: boolean,
  scout: string | undefined,
): Promise<void> {
  const decision = judgeSuspect(batch, reason, proven, scout);
  if (decision.kind === 'fail') await apply(ports, batch, transform, decision);
  else if (decision.kind === 'hold') await apply(ports, batch, transform, { ...decision, reason });
  else await split(ports, batch, transform, reason, decision.canaries);
}

async function split(
  ports: SettlePorts,
  batch: Batch,
  transform: string | undefined,
  reason: JobError,
  canaries: number,
): Promise<void> {
  const now = ports.clock.now();
  const children = planSplit(batch.jobs, batch.round, canaries).map(([from, to], index) => ({
    ...childOf(batch, index, from, to, now),
    reason,
    // With canaries among them they wait for each other; without, the model is known to take something.
    scout: canaries > 0 ? batch.id : undefined,
  }));
  await apply(ports, batch, transform, {
    kind: 'split',
    children,
    budget: batch.pin.settings.isolationBudget,
    reason,
  });
}

/** Applies a verdict, and rings for whom it concerns. */
async function apply(
  ports: SettlePorts,
  batch: Batch,
  transform: string | undefined,
  verdict: Verdict,
): Promise<void> {
  const { ledger, bells, clock } = ports;
  if (!(await ledger.applyVerdict(batch.id, transform, verdict, clock.now()))) return;
  if (verdict.kind === 'split') bells.ring({ kind: 'batch', id: batch.id });
  if (batch.parent !== undefined) bells.ring({ kind: 'batch', id: batch.parent });
}

/** Decides a Held batch by what its scout's children found; leaves it while they are under way. */
export async function advanceHeld(ports: SettlePorts, batch: Batch): Promise<void> {
  const { ledger } = ports;
  const scout = batch.scout === undefined ? undefined : await ledger.batch(batch.scout);
  const finding = scout ? familyFinding(scout.state, await ledger.family(scout.id)) : 'healthy';
  if (finding === 'refused')
    await apply(ports, batch, undefined, { kind: 'fail', error: refusesAll(batch.reason) });
  if (finding !== 'healthy') return;
  const reason = batch.reason ?? { code: 'transform_failed', message: 'no output was written' };
  await applySuspect(ports, undefined, batch, reason, true, undefined);
}
