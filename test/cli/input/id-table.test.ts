import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdTable } from '../../../cli/src/input/id-table.ts';

describe('IdTable', () => {
  it('answers like a map of first uses', () => {
    const idArb = fc.oneof(fc.string({ unit: 'binary', maxLength: 3 }), fc.nat(50).map(String));
    fc.assert(
      fc.property(fc.array(idArb, { maxLength: 3000, size: 'max' }), fc.integer(), (ids, seed) => {
        const table = new IdTable(seed);
        const first = new Map<string, number>();
        for (const [i, id] of ids.entries()) {
          expect(table.use(id, i + 1)).toBe(first.get(id));
          if (!first.has(id)) first.set(id, i + 1);
        }
      }),
      { numRuns: 50 },
    );
  });

  it.each<[string, (i: number) => string]>([
    ['numbers', (i) => String(i)],
    ['padded numbers', (i) => `request-${String(i).padStart(9, '0')}-v1`],
    ['grids', (i) => `${i % 1000}/${Math.floor(i / 1000)}`],
    ['single units', (i) => String.fromCharCode(i & 0xffff, i >> 16)],
  ])('tells 500,000 IDs apart: %s', (_, idOf) => {
    const table = new IdTable();
    for (let i = 0; i < 500_000; i++)
      if (table.use(idOf(i), i + 1) !== undefined) expect.fail(`${i} collides`);
    for (let i = 0; i < 500_000; i += 7) if (table.use(idOf(i), 1e6) !== i + 1) expect.fail(`${i} is missed`);
  });
});
