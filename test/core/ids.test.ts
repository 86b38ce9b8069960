import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatJobId, isSubmissionId, parseJobId, timedId } from '../../backend/core/ids.ts';

const submissionArb = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/);

describe('job IDs', () => {
  it('carry submission, chunk and index, and give them back', () => {
    fc.assert(
      fc.property(submissionArb, fc.nat(999_999_999), fc.nat(9999), (submission, chunk, index) => {
        const ref = { submission, chunk, index };
        expect(parseJobId(formatJobId(ref))).toEqual(ref);
        expect(isSubmissionId(submission)).toBe(true);
      }),
    );
  });

  it('have one spelling: a text that parses formats to itself', () => {
    const near = fc.stringMatching(/^[a-z.0-9-]{1,8}\.[0-9]{1,3}\.[0-9]{1,3}$/);
    fc.assert(
      fc.property(near, (text) => {
        const ref = parseJobId(text);
        if (ref) expect(formatJobId(ref)).toBe(text);
      }),
    );
  });

  it.each([
    '',
    'a',
    'a.1',
    'a.1.2.3',
    '.1.2',
    'a..2',
    'a.01.2',
    'a.1.02',
    'a.1.-2',
    'a.1.2 ',
    '../a.1.2',
    'a\n.1.2',
  ])('are not %j', (text) => {
    expect(parseJobId(text)).toBeUndefined();
  });
});

describe('submission IDs', () => {
  it.each(['', '.', '-a', '_a', 'a.b', 'a/b', 'a b', 'é', 'x'.repeat(65)])('are not %j', (text) => {
    expect(isSubmissionId(text)).toBe(false);
  });
});

describe('timedId', () => {
  it('sorts by time, to the second', () => {
    fc.assert(
      fc.property(fc.nat(4_000_000_000), fc.nat(1_000_000_000), (seconds, later) => {
        const [a, b] = [seconds, seconds + later + 1].map((s) => timedId('b', s * 1000, 'abcdef')) as [
          string,
          string,
        ];
        expect(a < b).toBe(true);
      }),
    );
    expect(timedId('j', Date.UTC(2026, 10, 22, 9, 8, 7), 'r4nd0m')).toBe('j-20261122090807-r4nd0m');
  });
});
