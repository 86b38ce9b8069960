import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobIdOf, Selection, SubmissionSelection } from '../../../cli/src/client/selection.ts';

const place = fc.record({ chunk: fc.nat(4), index: fc.nat(30) });

describe('Selection', () => {
  it('holds exactly the jobs that were added, once, in order', () => {
    fc.assert(
      fc.property(fc.array(place, { maxLength: 200 }), (places) => {
        const selection = new SubmissionSelection('s');
        for (const { chunk, index } of places) selection.add(chunk, index);
        const expected = [...new Set(places.map(({ chunk, index }) => chunk * 100 + index))].sort(
          (a, b) => a - b,
        );
        expect([...selection.refs()].map(({ chunk, index }) => chunk * 100 + index)).toEqual(expected);
        expect(selection.jobs).toBe(expected.length);
      }),
    );
  });

  it('keeps ranges that neither overlap nor touch', () => {
    fc.assert(
      fc.property(fc.array(place, { maxLength: 200 }), (places) => {
        const selection = new SubmissionSelection('s');
        for (const { chunk, index } of places) selection.add(chunk, index);
        let last: { chunk: number; to: number } | undefined;
        for (const { chunk, from, to } of selection.ranges()) {
          expect(to).toBeGreaterThan(from);
          if (last?.chunk === chunk) expect(from).toBeGreaterThan(last.to);
          else if (last) expect(chunk).toBeGreaterThan(last.chunk);
          last = { chunk, to };
        }
      }),
    );
  });

  it('folds a million IDs into their chunks', () => {
    const selection = new Selection();
    for (let chunk = 0; chunk < 2000; chunk++)
      for (let index = 0; index < 500; index++) selection.add(`sub.${chunk}.${index}`);
    const [one] = selection;
    expect([...(one as SubmissionSelection).ranges()]).toHaveLength(2000);
    expect(one?.jobs).toBe(1_000_000);
  });

  it('keeps submissions in the order in which they were named, whole ones and parts', () => {
    const selection = new Selection();
    for (const id of ['b', 'a.0.1', 'b.0.3', 'c']) selection.add(id);
    expect([...selection].map(({ id, whole, jobs }) => [id, whole, jobs])).toEqual([
      ['b', true, 1],
      ['a', false, 1],
      ['c', true, 0],
    ]);
  });

  it.each(['', 'a.1', 'a.1.2.3', 'a..1', '.0.1', '-a', 'a.01.1', 'ä'])('refuses %j', (id) => {
    expect(() => new Selection().add(id)).toThrow('not a job or submission ID');
  });

  it('writes job IDs as they are read', () => {
    expect(jobIdOf({ submission: 's-1', chunk: 3, index: 17 })).toBe('s-1.3.17');
  });
});
