import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CANARIES, type LineRange, planSplit, SPLIT_ROUNDS } from '../../backend/core/split.ts';

const jobsArb = fc.oneof(fc.integer({ min: 2, max: 60 }), fc.integer({ min: 2, max: 10_000 }));
const roundArb = fc.nat(SPLIT_ROUNDS - 1);
const canariesArb = fc.constantFrom(0, CANARIES);

const sizes = (ranges: readonly LineRange[]) => ranges.map(([from, to]) => to - from);

/** Most rounds until every part of `jobs` lines is a single one. */
function roundsToSingles(jobs: number, round: number, canaries: number): number {
  if (jobs === 1) return round;
  const parts = new Set(sizes(planSplit(jobs, round, canaries)));
  return Math.max(...[...parts].map((part) => roundsToSingles(part, round + 1, 0)));
}

describe('planSplit', () => {
  it('covers every line exactly once, in order', () => {
    fc.assert(
      fc.property(jobsArb, roundArb, canariesArb, (jobs, round, canaries) => {
        const ranges = planSplit(jobs, round, canaries);
        let next = 0;
        for (const [from, to] of ranges) {
          expect(from).toBe(next);
          expect(to).toBeGreaterThan(from);
          next = to;
        }
        expect(next).toBe(jobs);
        expect(ranges.length).toBeGreaterThan(1);
      }),
    );
  });

  it('cuts in about n^(1/rounds left) parts of one size, the last at most that', () => {
    fc.assert(
      fc.property(jobsArb, roundArb, (jobs, round) => {
        const parts = sizes(planSplit(jobs, round, 0));
        const most = Math.max(2, Math.ceil(jobs ** (1 / (SPLIT_ROUNDS - round)) - 1e-9));
        expect(parts.length).toBeLessThanOrEqual(most);
        expect(parts.length).toBeGreaterThanOrEqual(most / 2);
        expect(new Set(parts.slice(0, -1)).size).toBeLessThanOrEqual(1);
        expect(parts.at(-1)).toBeLessThanOrEqual(parts[0] as number);
      }),
    );
  });

  it('reaches single lines in the rounds it has', () => {
    fc.assert(
      fc.property(jobsArb, canariesArb, (jobs, canaries) => {
        expect(roundsToSingles(jobs, 0, canaries)).toBeLessThanOrEqual(SPLIT_ROUNDS);
      }),
    );
    fc.assert(
      fc.property(jobsArb, (jobs) => {
        expect(sizes(planSplit(jobs, SPLIT_ROUNDS - 1, 0))).toEqual(new Array(jobs).fill(1));
      }),
      { numRuns: 20 },
    );
  });

  it('cuts 10,000 lines in 22, each of those in 22, each of those in at most 21 single ones', () => {
    const first = sizes(planSplit(10_000, 0, 0));
    expect(first).toHaveLength(22);
    const second = sizes(planSplit(first[0] as number, 1, 0));
    expect(second).toHaveLength(22);
    const third = sizes(planSplit(second[0] as number, 2, 0));
    expect(third).toEqual(new Array(21).fill(1));
  });

  it.each([8, 27, 64, 1000, 9261])('takes the exact root of %i in spite of floating point', (cube) => {
    expect(planSplit(cube, 0, 0)).toHaveLength(Math.round(Math.cbrt(cube)));
  });

  it('tries at least as many single lines as canaries are asked for, or nearly so for few jobs', () => {
    fc.assert(
      fc.property(fc.integer({ min: CANARIES, max: 10_000 }), (jobs) => {
        const single = sizes(planSplit(jobs, 0, CANARIES)).filter((size) => size === 1).length;
        expect(single).toBeGreaterThanOrEqual(jobs < 64 ? CANARIES - 2 : CANARIES - 1);
        if (jobs > 2 * CANARIES) expect(single).toBeLessThanOrEqual(CANARIES + 1);
      }),
    );
    for (let jobs = 2; jobs <= CANARIES; jobs++)
      expect(sizes(planSplit(jobs, 0, CANARIES))).toEqual(new Array(jobs).fill(1));
  });

  it('adds a canary to a part by giving it the head of the part', () => {
    const plain = planSplit(1000, 0, 0);
    const withCanaries = planSplit(1000, 0, CANARIES);
    expect(withCanaries.length).toBe(plain.length + CANARIES);
    const heads = new Set(plain.map(([from]) => from));
    for (const [from, to] of withCanaries) if (to - from === 1) expect(heads.has(from)).toBe(true);
  });

  it('spreads the canaries over the parts', () => {
    const canaries = planSplit(10_000, 0, CANARIES).filter(([from, to]) => to - from === 1);
    expect(canaries.map(([from]) => from)).toEqual([0, 910, 1820, 2730, 3640, 4550, 5460, 6370]);
  });
});
