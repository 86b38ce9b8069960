import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clip,
  formatBytes,
  formatDuration,
  formatRate,
  plural,
  shellQuote,
} from '../../../cli/src/ui/format.ts';
import { formatTable, formatTsv } from '../../../cli/src/ui/table.ts';

describe('format', () => {
  it.each([
    [plural(1, 'job'), '1 job'],
    [plural(20_000, 'job'), '20,000 jobs'],
    [formatDuration(1234), '1.2 s'],
    [formatDuration(65_000), '65 s'],
    [formatDuration(3_600_000), '60 min 0 s'],
    [formatDuration(9_000_000), '2 h 30 min'],
    [formatRate(1000, 100), '10,000'],
    [formatRate(3, 2000), '1.5'],
    [formatBytes(1023), '1023 bytes'],
    [formatBytes(1536), '1.5 KiB'],
    [formatBytes(50 * 1024 * 1024), '50 MiB'],
    [clip('a\n b  c', 10), 'a b c'],
    [clip('abcdef', 4), 'abc…'],
  ])('%s', (text, expected) => {
    expect(text).toBe(expected);
  });

  it('quotes arguments as a shell reads them', () => {
    const words = fc.array(fc.string({ unit: 'grapheme-ascii', maxLength: 12 }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(words, (args) => {
        const said = execFileSync('sh', [
          '-c',
          `printf '%s\\0' ${args.map(shellQuote).join(' ')}`,
        ]).toString();
        expect(said.split('\0').slice(0, -1)).toEqual(args);
      }),
      { numRuns: 20 },
    );
  });
});

describe('tables', () => {
  it('are aligned, without colours of their own', async () => {
    const columns = [{ title: 'Name' }, { title: 'Jobs', align: 'right' as const }];
    const rows = [
      ['a', '1,000'],
      ['long name', '3'],
    ];
    expect(await formatTable(columns, rows, (_, text) => text)).toBe(
      'Name        Jobs\na          1,000\nlong name      3',
    );
  });

  it('are tab-separated for programs', () => {
    expect(formatTsv([['a\tb', 'c\nd']])).toBe('a b\tc d\n');
  });
});
