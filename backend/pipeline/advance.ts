/** One `advance` for every bell: the named entity's next legal step, whoever rings. */
import type { Trigger } from '../core/schedule.ts';
import type { Bell } from '../ports/bells.ts';
import type { Ports } from '../ports/index.ts';
import { continueCancel, continueRetry } from './change.ts';
import { fileOutputs } from './file-results.ts';
import { gather, reform, writeBatches } from './gather.ts';
import { advanceHeld, advanceTransform } from './settle.ts';
import { start } from './start.ts';

export interface AdvanceOptions {
  /** When waiting batches are started. @default 's3' */
  readonly trigger?: Trigger;
}

/** Answers a bell. Safe to repeat; what isn't there (any more) is left alone. */
export async function advance(
  ports: Ports,
  bell: Bell,
  { trigger = 's3' }: AdvanceOptions = {},
): Promise<void> {
  switch (bell.kind) {
    case 'gather':
      return gather(
        ports,
        bell.submission === undefined || bell.n === undefined
          ? []
          : [{ submission: bell.submission, n: bell.n }],
      );
    case 'start':
      return start(ports, trigger);
    case 'schedule':
      return start(ports, 's3');
    case 'batch':
      return advanceBatch(ports, bell.id);
    case 'transform':
      return advanceTransform(ports, bell.name);
    case 'output':
      return advanceOutputs(ports, bell.transform, [bell.batch]);
    case 'submission':
      await continueCancel(ports, bell.id, bell);
      return continueRetry(ports, bell.id, bell);
  }
}

/** Files outputs of a transform job that have appeared. Where one is of no use, the transform job is looked at. */
export async function advanceOutputs(
  ports: Ports,
  transform: string,
  batches: readonly string[],
): Promise<void> {
  const { unusable } = await fileOutputs(ports, transform, batches);
  if (unusable.size > 0) ports.bells.ring({ kind: 'transform', name: transform });
}

/** A batch's next step: write its object, decide it, or (when it was split) do so for what hangs on it. */
async function advanceBatch(ports: Ports, id: string): Promise<void> {
  const { ledger } = ports;
  const batch = await ledger.batch(id);
  if (!batch) return;
  if (batch.state === 'Forming') {
    await writeBatches(ports, await reform(ports, [batch]));
    return;
  }
  if (batch.state === 'Ending') await ledger.endBatch(id);
  if (batch.state === 'Held') await advanceHeld(ports, batch);
  if (batch.state === 'Split') {
    const forming = await ledger.formingChildren(id);
    if (forming.length > 0) await writeBatches(ports, forming);
  }
  for (const held of await ledger.heldFor(id)) await advanceHeld(ports, held);
}
