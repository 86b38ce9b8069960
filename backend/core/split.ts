/** How a failed batch is cut, so that a bad record is found in few tries and fails alone. */

/** How often a line of batches is cut before every part is a single job. */
export const SPLIT_ROUNDS = 3;
/** Single jobs tried in the first round while nothing has shown yet that the model takes anything. */
export const CANARIES = 8;

/** Lines `from` (inclusive) to `to` (exclusive) of an object. */
export type LineRange = readonly [from: number, to: number];

/**
 * Cuts `jobs` lines in about jobs^(1/rounds left) parts: 10,000 lines in 22, each of those in 22, each of those in 21
 * single ones, so a record is sent at most once for each round and once before them.
 * @param round how often the line of this batch was cut before
 * @param canaries how many parts give their first line as a part of its own: it is cut in at least as many
 */
export function planSplit(jobs: number, round: number, canaries: number): LineRange[] {
  const roundsLeft = Math.max(SPLIT_ROUNDS - round, 1);
  // 1e-9: the cube root of 27 is a hair over 3 in floating point.
  const parts = roundsLeft === 1 ? jobs : Math.max(2, canaries, Math.ceil(jobs ** (1 / roundsLeft) - 1e-9));
  const size = Math.ceil(jobs / Math.min(parts, jobs));
  const count = Math.ceil(jobs / size);
  const every = Math.max(1, Math.floor(count / Math.max(canaries, 1)));
  const ranges: LineRange[] = [];
  let given = 0;
  for (let part = 0; part < count; part++) {
    let from = part * size;
    const to = Math.min(from + size, jobs);
    if (given < canaries && part % every === 0 && to - from > 1) {
      ranges.push([from, from + 1]);
      from++;
      given++;
    }
    ranges.push([from, to]);
  }
  return ranges;
}
