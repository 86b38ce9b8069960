/** Repeats of what a batch call left undone: it answers in place for each entry, and the SDK repeats only whole calls. */

export interface Patience {
  /** Epoch ms. */
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
  /** From 0 to 1, different each time. */
  readonly jitter: () => number;
}

/** Tries, how long they may take together, and the longest wait before the second; it doubles up to `longest`. In ms. */
const BOUNDS = { tries: 6, within: 5_000, first: 50, longest: 1_000 };

export const PATIENCE: Patience = {
  now: () => Date.now(),
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  jitter: () => Math.random(),
};

/**
 * Sends items, and those that are left again after a wait with full jitter, until none is left or the time is over.
 * @param send gives those that were not taken but may be if they are sent again
 * @returns what is left
 */
export async function sendAll<T>(
  items: readonly T[],
  send: (items: readonly T[]) => Promise<readonly T[]>,
  { now, pause, jitter }: Patience,
): Promise<readonly T[]> {
  const end = now() + BOUNDS.within;
  let left = items;
  for (let tried = 0; left.length > 0 && tried < BOUNDS.tries; tried++) {
    if (tried > 0) {
      if (now() >= end) break;
      await pause(jitter() * Math.min(BOUNDS.first * 2 ** (tried - 1), BOUNDS.longest));
    }
    left = await send(left);
  }
  return left;
}

/** Items in groups of at most so many. */
export function inGroups<T>(items: readonly T[], most: number): T[][] {
  const groups: T[][] = [];
  for (let i = 0; i < items.length; i += most) groups.push(items.slice(i, i + most));
  return groups;
}
