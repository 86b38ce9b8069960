import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutMiniBatches, requestBody } from '../../../backend/local/transform/mini-batches.ts';

function cut(records: string[], strategy: 'MultiRecord' | 'SingleRecord', max: number) {
  return cutMiniBatches(records, strategy, max, Buffer.byteLength(records.join('')) + records.length);
}

describe('cutMiniBatches', () => {
  it('puts all records into one request when they fit', () => {
    expect(cut(['a', 'b', 'c'], 'MultiRecord', 6)).toEqual([{ from: 0, to: 3 }]);
  });

  it('begins another request where the next record would not fit, line breaks counted', () => {
    expect(cut(['a', 'b', 'c'], 'MultiRecord', 5)).toEqual([
      { from: 0, to: 2 },
      { from: 2, to: 3 },
    ]);
  });

  it('counts bytes, not characters', () => {
    expect(cut(['é', 'é'], 'MultiRecord', 5)).toEqual([
      { from: 0, to: 1 },
      { from: 1, to: 2 },
    ]);
  });

  it('gives each record a request of its own when asked to', () => {
    expect(cut(['a', 'b'], 'SingleRecord', 100)).toEqual(cut(['a', 'b'], 'SingleRecord', 1));
    expect(cut(['a', 'b'], 'SingleRecord', 100)).toHaveLength(2);
  });

  it('says how long a record is that fits no request', () => {
    expect(cut(['a', 'bbbb'], 'MultiRecord', 3)).toEqual({ tooLong: 4 });
    expect(cut(['a', 'bbbb'], 'SingleRecord', 3)).toEqual({ tooLong: 4 });
    expect(cut(['a', 'bbbb'], 'MultiRecord', 4)).toHaveLength(2);
  });

  it('has nothing to send for no records', () => {
    expect(cut([], 'MultiRecord', 10)).toEqual([]);
    expect(cut([], 'SingleRecord', 10)).toEqual([]);
  });

  it('covers every record once, in order, within the limit', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 8, unit: 'grapheme' }).map((text) => text.replaceAll('\n', ''))),
        fc.integer({ min: 40, max: 120 }),
        (records, max) => {
          const parts = cut(records, 'MultiRecord', max);
          if ('tooLong' in parts) return parts.tooLong > max;
          const sent = parts.map(({ from, to }) => records.slice(from, to));
          expect(sent.flat()).toEqual(records);
          return sent.every((part) => part.length === 1 || Buffer.byteLength(`${part.join('\n')}\n`) <= max);
        },
      ),
    );
  });
});

describe('requestBody', () => {
  it('ends every line, but leaves a JSON document alone', () => {
    expect(requestBody(['1', '2'], 'application/jsonlines', 'MultiRecord')).toBe('1\n2\n');
    expect(requestBody(['1,2'], 'text/csv', 'MultiRecord')).toBe('1,2\n');
    expect(requestBody(['1'], 'application/json', 'SingleRecord')).toBe('1');
  });
});
