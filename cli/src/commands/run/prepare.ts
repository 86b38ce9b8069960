/** Before anything is submitted: the model must be there, and show what it takes. */
import type { LocalEvent, LocalPipeline } from '@batchml/backend/local';
import type { Settings } from '@batchml/backend/words';
import type { Context } from '../../context.ts';
import { CliError, toCliError } from '../../errors.ts';
import { orAborted } from '../../interrupts.ts';
import type { RunPlan } from './plan.ts';
import { eventTeller } from './report.ts';

/** Whether the model is sent a few records to see what it takes. */
function asks({ contentType, batchStrategy }: Settings): boolean {
  return contentType === 'auto' || (batchStrategy === 'auto' && contentType === 'application/jsonlines');
}

/** Tells of what happens inside a run, until it is stopped: what ends then was meant to. */
export function runTeller(
  { terminal, progress, interrupts }: Context,
  settings: Settings,
): (event: LocalEvent) => void {
  const tell = eventTeller(terminal, false);
  return (event) => {
    if (interrupts.signal.aborted) return;
    tell(event);
    // The wait for it is over, and what comes next may take as long.
    if (event.type === 'model-ready' && asks(settings)) progress.phase('asking the model what it takes');
  };
}

/** Waits for the model. Nothing is submitted to one that isn't there. */
export async function prepare(
  { progress, interrupts, terminal }: Context,
  pipeline: LocalPipeline,
  plan: RunPlan,
  sample: readonly string[],
  model: string,
): Promise<void> {
  const kept = plan.known === undefined ? 'nothing was submitted' : `${plan.id} stays as it was`;
  interrupts.onInterrupt(() => {
    progress.stop();
    terminal.say(`stopping; ${kept}`);
  });
  progress.phase(`waiting for the model: ${model}`);
  try {
    await orAborted(pipeline.prepare(sample), interrupts.signal);
    // It may have been ready in the same moment.
    interrupts.signal.throwIfAborted();
  } catch (error) {
    const shown = toCliError(error);
    if (shown.code !== 'model_not_ready') throw error;
    const { code, next } = shown;
    throw new CliError(`${shown.message}; ${kept}`, { code, next, why: shown.why ?? '', cause: error });
  } finally {
    progress.stop();
  }
}
