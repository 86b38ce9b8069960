/** A clock that doesn't wait. */
import { systemClock } from '../../../backend/local/transform/time.ts';
import type { Clock } from '../../../backend/ports/clock.ts';

export interface JumpingClock extends Clock {
  /** The waits that were jumped over, in ms. */
  readonly jumps: number[];
}

/** The real clock, but waits for which `jumps` holds are over at once, and so much later it is then. */
export function jumpingClock(jumps: (ms: number) => boolean): JumpingClock {
  let ahead = 0;
  const jumped: number[] = [];
  return {
    jumps: jumped,
    now: () => systemClock.now() + ahead,
    after(ms, fn) {
      if (!jumps(ms)) return systemClock.after(ms, fn);
      jumped.push(ms);
      const immediate = setImmediate(() => {
        ahead += ms;
        fn();
      });
      return () => clearImmediate(immediate);
    },
  };
}
