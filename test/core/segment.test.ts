import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Kept,
  type KeptJob,
  packSegments,
  type Segment,
  unpackSegment,
} from '../../backend/core/segment.ts';

const CLOUD = { bytes: 64 * 1024, placeFrom: 4096 };
const HERE = { bytes: Number.POSITIVE_INFINITY, placeFrom: Number.POSITIVE_INFINITY };

function read(segments: readonly Segment[]): Map<number, Kept> {
  const all = new Map<number, Kept>();
  for (const { body, indexes } of segments) {
    const kept = unpackSegment(body);
    expect([...kept.keys()].sort((a, b) => a - b)).toEqual(indexes);
    for (const [index, text] of kept) {
      expect(all.has(index)).toBe(false);
      all.set(index, text);
    }
  }
  return all;
}

/** Text that deflate makes little of. */
function noise(seed: number, bytes: number): string {
  let state = seed + 1;
  const data = Buffer.alloc(Math.ceil((bytes * 3) / 4));
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    data[i] = state >>> 16;
  }
  return `"${data.toString('base64').slice(0, bytes - 2)}"`;
}

describe('segments', () => {
  const keptArb: fc.Arbitrary<Kept> = fc.oneof(
    fc.record({ result: fc.json() }),
    fc.record({ result: fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)) }),
    fc.record({
      error: fc.record({
        code: fc.constantFrom('model_error' as const, 'bad_output' as const),
        message: fc.constantFrom('no text', 'é\u2028\n😀', ''),
      }),
    }),
    fc.record({ place: fc.record({ object: fc.constant('result/t/b.out'), from: fc.nat(), to: fc.nat() }) }),
  );
  const jobsArb = fc
    .uniqueArray(fc.tuple(fc.nat(499), keptArb), { selector: ([index]) => index, maxLength: 40 })
    .map((jobs): KeptJob[] =>
      jobs.map(([index, kept]) => ({ index, kept })).sort((a, b) => a.index - b.index),
    );

  it('give back what was put into them, each text as it was', () => {
    fc.assert(
      fc.property(jobsArb, fc.constantFrom(CLOUD, HERE), (jobs, limits) => {
        expect([...read(packSegments(jobs, limits))].sort(([a], [b]) => a - b)).toEqual(
          jobs.map(({ index, kept }) => [index, kept]),
        );
      }),
    );
  });

  it('are named by their content', () => {
    const of = (result: string) => packSegments([{ index: 0, kept: { result } }], CLOUD)[0]?.id;
    expect(of('1')).toBe(of('1'));
    expect(of('1')).not.toBe(of('2'));
  });

  it('of a usual chunk are one, and small', () => {
    const jobs = Array.from({ length: 500 }, (_, index) => ({
      index,
      kept: { result: `{"label":"positive","score":0.${index}}` },
    }));
    const segments = packSegments(jobs, CLOUD);
    expect(segments).toHaveLength(1);
    expect(segments[0]?.body.length).toBeLessThan(3000);
  });

  it('keep to their limit: where a chunk needs more than one, large results stay at their place', () => {
    const jobs = Array.from({ length: 500 }, (_, index): KeptJob => {
      const place = { object: 'result/t/b.out', from: index * 5000, to: index * 5000 + 4990 };
      return { index, kept: { result: noise(index, index % 2 === 0 ? 4990 : 2000), place } };
    });
    const segments = packSegments(jobs, CLOUD);
    for (const { body } of segments) expect(body.length).toBeLessThanOrEqual(CLOUD.bytes);
    const all = read(segments);
    expect(all.size).toBe(500);
    expect(all.get(10)).toEqual({ place: { object: 'result/t/b.out', from: 50_000, to: 54_990 } });
    expect(all.get(11)).toEqual({ result: noise(11, 2000) });
  });

  it('have no limit on one machine, but a reader takes in a part at a time', () => {
    const jobs = Array.from({ length: 100 }, (_, index): KeptJob => {
      const place = { object: 'o', from: 0, to: 1 };
      return { index, kept: { result: noise(index, 100_000), place } };
    });
    const segments = packSegments(jobs, HERE);
    expect(segments.length).toBeGreaterThan(5);
    for (const { body } of segments) expect(body.length).toBeLessThan(2 * 1024 * 1024);
    expect(read(segments).get(7)).toEqual({ result: noise(7, 100_000) });
  });
});
