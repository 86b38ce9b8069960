/**
 * Ports that count what goes through them. Counts are of what was answered: a step whose answer was lost and that is repeated
 * may count twice or not at all. Submissions' own counters are exact, these are for alarms and graphs.
 */
import type { Ports } from '../ports/index.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { Transforms } from '../ports/transforms.ts';
import type { Meter } from './meter.ts';

export function measuredPorts(ports: Ports, meter: Meter): Ports {
  return {
    ...ports,
    ledger: measuredLedger(ports.ledger, meter),
    transforms: measuredTransforms(ports.transforms, meter),
  };
}

function measuredLedger(ledger: Ledger, meter: Meter): Ledger {
  /** A batch that has failed takes its jobs with it. */
  const countFailed = async (id: string): Promise<boolean> => {
    const batch = await ledger.batch(id);
    if (batch?.state !== 'Failed') return false;
    meter.count('JobsFailed', batch.jobs);
    return true;
  };
  return overlaid(ledger, {
    async acceptChunk(draft, submission) {
      const outcome = await ledger.acceptChunk(draft, submission);
      if (outcome === 'accepted') meter.count('JobsAccepted', draft.jobs);
      return outcome;
    },
    async fileResults(batch, results, at) {
      await ledger.fileResults(batch, results, at);
      meter.count('JobsProcessed', results.length);
    },
    async applyVerdict(batch, transform, verdict, at) {
      const applied = await ledger.applyVerdict(batch, transform, verdict, at);
      if (!applied || (verdict.kind !== 'fail' && verdict.kind !== 'split')) return applied;
      // A split over the budget fails.
      if (!(await countFailed(batch)) && verdict.kind === 'split') meter.count('SplitRounds');
      return applied;
    },
    async failWaiting(batch, error, at) {
      const failed = await ledger.failWaiting(batch, error, at);
      if (failed) await countFailed(batch);
      return failed;
    },
  });
}

function measuredTransforms(transforms: Transforms, meter: Meter): Transforms {
  return overlaid(transforms, {
    async create(spec) {
      const outcome = await transforms.create(spec);
      if (outcome.kind === 'created') meter.count('TransformJobsStarted');
      return outcome;
    },
  });
}

/** An object with some methods of its own in the place of another's. The other may be an instance of a class. */
function overlaid<T extends object>(base: T, own: Partial<T>): T {
  return new Proxy(base, {
    get(target, property) {
      const value = Reflect.get(property in own ? own : target, property);
      return typeof value === 'function' ? value.bind(property in own ? own : target) : value;
    },
  });
}
