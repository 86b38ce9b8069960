import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countJobs, type Member } from '../../backend/core/batch.ts';
import {
  type BatchLimits,
  type Candidate,
  type GatherPlan,
  planGather,
} from '../../backend/core/gather-plan.ts';

const NOW = 100_000;
const limitsArb: fc.Arbitrary<BatchLimits> = fc.record({
  jobs: fc.integer({ min: 1, max: 60 }),
  bytes: fc.integer({ min: 500, max: 5000 }),
  windowMs: fc.constantFrom(0, 1000, 60_000),
});
/** Chunks, oldest first; `closed` goes by submission. */
const chunksArb = fc
  .array(
    fc.record({
      submission: fc.constantFrom('a', 'b', 'c'),
      jobs: fc.integer({ min: 1, max: 130 }),
      bytes: fc.integer({ min: 1, max: 500 }),
      age: fc.nat(70_000),
    }),
    { maxLength: 25 },
  )
  .chain((drafts) =>
    fc.subarray(['a', 'b', 'c']).map((closed) =>
      drafts
        .sort((one, other) => other.age - one.age)
        .map(
          ({ age, ...draft }, n): Candidate => ({
            ...draft,
            n,
            acceptedAt: NOW - age,
            closed: closed.includes(draft.submission),
          }),
        ),
    ),
  );

const membersOf = (plan: GatherPlan) => plan.batches.flatMap(({ members }) => members);
const sizesOf = (plan: GatherPlan) => plan.batches.map(({ members }) => countJobs(members));
const keyOf = ({ submission, chunk }: Member) => `${submission}.${chunk}`;

describe('planGather', () => {
  it('keeps the limits, but for the bytes of a chunk alone', () => {
    fc.assert(
      fc.property(chunksArb, limitsArb, (chunks, limits) => {
        const bytes = new Map(chunks.map((chunk) => [`${chunk.submission}.${chunk.n}`, chunk.bytes]));
        for (const { members, cut } of planGather(chunks, limits, NOW).batches) {
          expect(countJobs(members)).toBeGreaterThan(0);
          if (cut !== undefined) {
            expect(members).toHaveLength(1);
            expect(cut).toBe(limits.jobs);
            continue;
          }
          expect(countJobs(members)).toBeLessThanOrEqual(limits.jobs);
          const size = members.reduce((sum, member) => sum + (bytes.get(keyOf(member)) ?? 0), 0);
          if (members.length > 1) expect(size).toBeLessThanOrEqual(limits.bytes);
        }
      }),
    );
  });

  it('gives every chunk to batches whole and once, or not at all', () => {
    fc.assert(
      fc.property(chunksArb, limitsArb, (chunks, limits) => {
        const plan = planGather(chunks, limits, NOW);
        const ranges = new Map<string, Member[]>();
        for (const member of membersOf(plan))
          ranges.set(keyOf(member), [...(ranges.get(keyOf(member)) ?? []), member]);
        for (const { submission, n, jobs } of chunks) {
          const own = ranges.get(`${submission}.${n}`);
          if (!own) continue;
          let next = 0;
          for (const { from, to } of own) {
            expect(from).toBe(next);
            next = to;
          }
          expect(next).toBe(jobs);
        }
        const left = chunks.length - ranges.size;
        expect(plan.due === undefined).toBe(left === 0);
      }),
    );
  });

  it('leaves over only what may wait: open, in its window, and not enough for a batch', () => {
    fc.assert(
      fc.property(chunksArb, limitsArb, (chunks, limits) => {
        const plan = planGather(chunks, limits, NOW);
        const taken = new Set(membersOf(plan).map(keyOf));
        const left = chunks.filter(({ submission, n }) => !taken.has(`${submission}.${n}`));
        expect(left.some((chunk) => chunk.closed)).toBe(false);
        expect(left.reduce((sum, chunk) => sum + chunk.jobs, 0)).toBeLessThan(limits.jobs);
        const oldest = Math.min(...left.map((chunk) => chunk.acceptedAt));
        if (left.length > 0) {
          expect(plan.due).toBe(oldest + limits.windowMs);
          expect(oldest + limits.windowMs).toBeGreaterThan(NOW);
        }
      }),
    );
  });

  it('takes everything once the window is over', () => {
    fc.assert(
      fc.property(chunksArb, limitsArb, (chunks, limits) => {
        const plan = planGather(chunks, limits, NOW + limits.windowMs);
        expect(new Set(membersOf(plan).map(keyOf)).size).toBe(chunks.length);
        expect(plan.due).toBeUndefined();
      }),
    );
  });

  const limits = { jobs: 100, bytes: 10_000, windowMs: 5000 };
  const chunk = (n: number, jobs: number, more: Partial<Candidate> = {}): Candidate => ({
    submission: 's',
    n,
    jobs,
    bytes: jobs,
    acceptedAt: NOW,
    closed: false,
    ...more,
  });

  it('waits for a batch to fill, to the end of the window of its oldest chunk', () => {
    const chunks = [chunk(0, 40, { acceptedAt: NOW - 3000 }), chunk(1, 40)];
    expect(planGather(chunks, limits, NOW)).toEqual({ batches: [], due: NOW + 2000 });
    expect(planGather(chunks, limits, NOW + 1999).batches).toEqual([]);
    expect(planGather(chunks, limits, NOW + 2000).batches).toHaveLength(1);
  });

  it('forms a full batch at once, and a smaller one when the next chunk would not fit', () => {
    const full = planGather([chunk(0, 60), chunk(1, 40)], limits, NOW);
    expect(sizesOf(full)).toEqual([100]);
    const over = planGather([chunk(0, 60), chunk(1, 60)], limits, NOW);
    expect(sizesOf(over)).toEqual([60]);
    expect(over.due).toBe(NOW + 5000);
    const heavy = planGather([chunk(0, 1, { bytes: 6000 }), chunk(1, 1, { bytes: 6000 })], limits, NOW);
    expect(sizesOf(heavy)).toEqual([1]);
  });

  it('cuts a chunk over the limit', () => {
    const plan = planGather([chunk(0, 250)], limits, NOW);
    expect(plan.batches).toEqual([{ members: [{ submission: 's', chunk: 0, from: 0, to: 250 }], cut: 100 }]);
  });
});
