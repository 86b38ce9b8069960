/** A run ends when its model doesn't come back; its jobs wait, and the same command goes on. */
import type { LocalEvent } from '@batchml/backend/local';
import { CliError } from '../../errors.ts';

/** Transform jobs in a row that found no model; each has waited for ping as long as it may. */
const MOST_IN_A_ROW = 3;

/** Listens to the engine; calls `onGone` once the model has been away for too long. */
export function watchModel(onGone: (error: CliError) => void): (event: LocalEvent) => void {
  let inARow = 0;
  return (event) => {
    if (event.type !== 'transform-ended') return;
    inARow = event.fault === 'model' ? inARow + 1 : 0;
    if (inARow !== MOST_IN_A_ROW) return;
    onGone(
      new CliError('the model is gone', {
        code: 'model_gone',
        why: event.reason ?? 'it does not answer GET /ping any more',
        next: ['start it again, then the same command goes on where this stopped'],
      }),
    );
  };
}
