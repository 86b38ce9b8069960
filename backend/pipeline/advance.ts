/** One `advance` for every bell: the named entity's next legal step, whoever rings. */
import type { Trigger } from '../core/schedule.ts';
import type { Bell } from '../ports/bells.ts';
import type { Ports } from '../ports/index.ts';
import type { Scope } from '../ports/ledger.ts';
import { continueCancel, continueRetry } from './change.ts';
import { fileResults } from './file-results.ts';
import { gather, writeBatches } from './gather.ts';
import { advanceHeld, advanceTransform } from './settle.ts';
import { start } from './start.ts';

export interface AdvanceOptions {
  /** Work to look at. @default everything */
  readonly scope?: Scope;
  /** When waiting batches are started. @default 's3' */
  readonly trigger?: Trigger;
}

/** Answers a bell. Safe to repeat; what isn't there (any more) is left alone. */
export async function advance(
  ports: Ports,
  bell: Bell,
  { scope = {}, trigger = 's3' }: AdvanceOptions = {},
): Promise<void> {
  switch (bell.kind) {
    case 'gather':
      return gather(ports, scope);
    case 'start':
      return start(ports, scope, trigger);
    case 'schedule':
      return start(ports, scope, 's3');
    case 'batch':
      return advanceBatch(ports, bell.id);
    case 'transform':
      return advanceTransform(ports, bell.name);
    case 'output':
      if ((await fileResults(ports, bell.transform, bell.batch)) === 'unusable')
        ports.bells.ring({ kind: 'transform', name: bell.transform });
      return;
    case 'submission':
      await continueCancel(ports, bell.id, bell);
      return continueRetry(ports, bell.id);
  }
}

/** A batch's next step: write its object, decide it, or (when it was split) do so for what hangs on it. */
async function advanceBatch(ports: Ports, id: string): Promise<void> {
  const { ledger } = ports;
  const batch = await ledger.batch(id);
  if (!batch) return;
  if (batch.state === 'Forming') {
    await writeBatches(ports, [batch]);
    return;
  }
  if (batch.state === 'Held') await advanceHeld(ports, batch);
  if (batch.state === 'Split') {
    const forming = await ledger.formingChildren(id);
    if (forming.length > 0) await writeBatches(ports, forming);
  }
  for (const held of await ledger.heldFor(id)) await advanceHeld(ports, held);
}
