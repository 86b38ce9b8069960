import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Batch,
  childOf,
  countJobs,
  jobsOf,
  type Member,
  membersOf,
  sliceMembers,
} from '../../backend/core/batch.ts';
import { formatJobId } from '../../backend/core/ids.ts';
import { DEFAULT_SETTINGS } from '../../backend/core/settings.ts';
import { planSplit } from '../../backend/core/split.ts';

const memberArb: fc.Arbitrary<Member> = fc
  .record({
    submission: fc.constantFrom('a', 'b', 'c-1'),
    chunk: fc.nat(3),
    from: fc.nat(20),
    size: fc.integer({ min: 1, max: 12 }),
  })
  .map(({ size, ...member }) => ({ ...member, to: member.from + size }));
const membersArb = fc.array(memberArb, { minLength: 1, maxLength: 8 });

const ids = (members: readonly Member[]) => [...jobsOf(members)].map(formatJobId);

function batchOf(members: readonly Member[]): Batch {
  return {
    id: 'b-1',
    root: 'b-1',
    parent: undefined,
    owner: 's',
    round: 0,
    members,
    jobs: countJobs(members),
    pin: { model: 'm', settings: DEFAULT_SETTINGS },
    generation: 2,
    state: 'Running',
    attempts: 3,
    requeues: 1,
    suspect: false,
    transformJob: 't',
    scout: 's',
    notBefore: 7,
    createdAt: 1000,
    waitDeadline: 5000,
    reason: undefined,
  };
}

describe('members of a batch', () => {
  it('slice as the array of their jobs does', () => {
    fc.assert(
      fc.property(membersArb, fc.nat(120), fc.nat(120), (members, a, b) => {
        const all = ids(members);
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const slice = sliceMembers(members, from, to);
        expect(ids(slice)).toEqual(all.slice(from, to));
        expect(slice.every((member) => member.from < member.to)).toBe(true);
        expect(countJobs(members)).toBe(all.length);
      }),
    );
  });

  it('come back from their jobs, neighbours as one range', () => {
    fc.assert(
      fc.property(membersArb, (members) => {
        const refs = [...jobsOf(members)];
        const folded = membersOf(refs);
        expect([...jobsOf(folded)]).toEqual(refs);
        expect(folded.length).toBeLessThanOrEqual(members.length);
        for (const [i, next] of folded.slice(1).entries()) {
          const last = folded[i] as Member;
          const neighbours =
            last.submission === next.submission && last.chunk === next.chunk && last.to === next.from;
          expect(neighbours).toBe(false);
        }
      }),
    );
  });

  it('are none of no jobs', () => {
    expect(membersOf([])).toEqual([]);
    expect(ids(sliceMembers([{ submission: 'a', chunk: 0, from: 0, to: 3 }], 2, 2))).toEqual([]);
  });
});

describe('childOf', () => {
  it('gives each child its share of the jobs, and all of them every job once', () => {
    fc.assert(
      fc.property(membersArb, (members) => {
        const parent = batchOf(members);
        fc.pre(parent.jobs > 1);
        const children = planSplit(parent.jobs, 0, 0).map(([from, to], i) =>
          childOf(parent, i, from, to, 9000),
        );
        expect(children.flatMap((child) => ids(child.members))).toEqual(ids(members));
        for (const child of children) expect(countJobs(child.members)).toBe(child.jobs);
      }),
    );
  });

  it('starts afresh as a suspect of the next round, in the same generation and of the same root', () => {
    const parent = batchOf([{ submission: 'a', chunk: 0, from: 0, to: 10 }]);
    const child = childOf(childOf(parent, 3, 0, 5, 8000), 1, 2, 4, 9000);
    expect(child).toMatchObject({
      id: 'b-1.3.1',
      root: 'b-1',
      parent: 'b-1.3',
      round: 2,
      members: [{ submission: 'a', chunk: 0, from: 2, to: 4 }],
      jobs: 2,
      generation: 2,
      state: 'Forming',
      attempts: 0,
      requeues: 0,
      suspect: true,
      transformJob: undefined,
      scout: undefined,
      notBefore: 0,
      createdAt: 9000,
    });
  });

  it('has as long to be started as its parent had, from now', () => {
    const parent = batchOf([{ submission: 'a', chunk: 0, from: 0, to: 10 }]);
    const later = parent.waitDeadline + 3_600_000;
    const child = childOf(parent, 0, 0, 5, later);
    expect(child.waitDeadline).toBe(later + DEFAULT_SETTINGS.maxWaitHours * 3_600_000);
  });
});
