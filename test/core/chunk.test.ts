import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ChunkLineError,
  formatWireLine,
  jobLine,
  lineNumbers,
  MAX_CUSTOM_ID,
  parseChunk,
} from '../../backend/core/chunk.ts';
import { formatJobId } from '../../backend/core/ids.ts';
import { csvRowProblem, linesOf, recordOfInputLine } from '../../backend/core/object-lines.ts';
import { csvRowArb, jsonTextArb, spacedJsonArb } from './arbitraries.ts';

const customIdArb = fc.option(
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom('"', '\\', '\\"', '","record":1,"x":"', '', '\u2028', '__proto__'),
  ),
  { nil: undefined },
);
/** Lines with gaps, as a file with blank lines gives them. */
const jobsArb = (recordArb: fc.Arbitrary<string>) =>
  fc
    .array(fc.tuple(fc.integer({ min: 1, max: 4 }), customIdArb, recordArb), { minLength: 1, maxLength: 20 })
    .map((rows) => {
      let line = 0;
      return rows.map(([step, customId, record]) => {
        line += step;
        return { line, customId, record };
      });
    });

/** JSON on one line, with white space before, in and after its parts, and keys that repeat those of a line. */
const oneLineArb = spacedJsonArb.filter((json) => !/[\r\n]/.test(json));

const parse = (body: string) => parseChunk('s', 7, body.split('\n'), 'auto');
const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
const refusal = (body: string): string => {
  try {
    parse(body);
  } catch (error) {
    if (error instanceof ChunkLineError) return error.message;
    throw error;
  }
  return 'accepted';
};

describe('a chunk with CRLF line ends', () => {
  it('keeps its records as they are written', () => {
    const body = '{"line":1,"record":12345678901234567890}\r\n{"line":2,"record":1.0}\r\n';
    expect(parseChunk('s', 0, body.split('\n'), 'auto').lines).toBe(
      '{"id":"s.0.0","input":12345678901234567890}\n{"id":"s.0.1","input":1.0}\n',
    );
  });
});

describe('parseChunk', () => {
  it('reads what formatWireLine writes: line numbers, custom IDs and records as their own text', () => {
    fc.assert(
      fc.property(jobsArb(jsonTextArb), (jobs) => {
        const body = jobs.map((job) => `${formatWireLine(job.line, job.customId, job.record)}\n`).join('');
        const parsed = parse(body);
        expect(parsed.jobs).toBe(jobs.length);
        expect(lineNumbers(parsed.directory)).toEqual(jobs.map((job) => job.line));
        const lines = linesOf(parsed.lines);
        expect(lines).toHaveLength(jobs.length);
        for (const [index, job] of jobs.entries()) {
          const line = lines[index] as string;
          expect(parsed.directory.customIds?.[index] ?? undefined).toBe(job.customId);
          expect(recordOfInputLine('auto', line)).toBe(job.record);
          expect((JSON.parse(line) as { id: string }).id).toBe(
            formatJobId({ submission: 's', chunk: 7, index }),
          );
        }
      }),
    );
  });

  it('reads any other spelling of the same line, and keeps the text of records', () => {
    fc.assert(
      fc.property(jobsArb(fc.oneof(jsonTextArb, oneLineArb)), fc.nat(4), (jobs, spelling) => {
        const body = jobs
          .map(({ line, customId, record }) => {
            const custom = customId === undefined ? '' : `"customId": ${JSON.stringify(customId)}, `;
            return [
              ` {"line": ${line}, ${custom}"record": ${record}}`,
              `{${custom}"record":${record},"line":${line}}\r`,
              `{"record":${record},${custom}"line":${line},"more":[1]} `,
              `{"line":${line},${custom}"more":{"record":1,"line":0},"record":${record}}`,
              `{"line":9,"record":0,"\\u006cine":${line},${custom}"\\u0072ecord" :${record}\t}`,
            ][spelling] as string;
          })
          .join('\n\n');
        const parsed = parse(body);
        expect(lineNumbers(parsed.directory)).toEqual(jobs.map((job) => job.line));
        const records = linesOf(parsed.lines).map((line) => recordOfInputLine('auto', line));
        expect(records).toEqual(jobs.map(({ record }) => record));
        expect(jobs.map((_, i) => parsed.directory.customIds?.[i] ?? undefined)).toEqual(
          jobs.map((job) => job.customId),
        );
      }),
    );
  });

  it.each([
    ['{"line":1,"record":1,"record":2}', '2'],
    ['{"line":1,"record":"a","customId":"x","record":"b"}', '"b"'],
    ['{"line":1,"record":1,"line":2}', '1'],
    ['{"line":1,"record":{"record":1}}', '{"record":1}'],
    ['{"line":1,"record":"}"}', '"}"'],
    ['{"line": 1,"record":12345678901234567890}', '12345678901234567890'],
    ['{"line":1, "record":1e400}', '1e400'],
    ['{"line":1,"record": 1.0 }', '1.0'],
    ['{"line":1.0,"record":[1 , 2]}', '[1 , 2]'],
    ['{"line":1,"record":{\r"a":\r\r1}}', '{"a":1}'],
  ])('takes a line as JSON does, its record as it stands, and never as two: %s', (line, record) => {
    const parsed = parse(line);
    expect(parsed.jobs).toBe(1);
    expect(linesOf(parsed.lines)).toEqual([`{"id":"s.7.0","input":${record}}`]);
  });

  it('keeps custom IDs out of a directory that has none, and lines as runs', () => {
    const body = [1, 2, 3, 7, 8].map((line) => formatWireLine(line, undefined, '0')).join('\n');
    expect(parse(body).directory).toEqual({
      lines: [
        [1, 3],
        [7, 2],
      ],
    });
  });

  it.each([
    ['{"line":1,"record":}', /^line 1 of the chunk: not JSON/],
    ['nonsense', /not JSON/],
    ['[1]', /must be an object/],
    ['null', /must be an object/],
    ['{"line":1}', /`record` is missing/],
    ['{"record":1}', /`line` must be/],
    ['{"line":0,"record":1}', /`line` must be/],
    ['{"line":-1,"record":1}', /`line` must be/],
    ['{"line":1.5,"record":1}', /`line` must be/],
    ['{"line":9007199254740993,"record":1}', /`line` must be/],
    ['{"line":007,"record":1}', /not JSON/],
    ['{"line":"1","record":1}', /`line` must be/],
    ['{"line":1,"customId":5,"record":1}', /`customId` must be a string/],
    ['{"line":1,"customId":"a\tb","record":1}', /not JSON/],
    [`{"line":1,"customId":"${'x'.repeat(MAX_CUSTOM_ID + 1)}","record":1}`, /longer than 256/],
    ['{"line":1,"record":1}\n\n{"line":1,"record":2}', /^line 3 of the chunk: `line` is 1, after 1/],
    ['{"line":5,"record":1}\n{"line":4,"record":2}', /^line 2 of the chunk: `line` is 4, after 5/],
    ['{"line":1,"record":1}{"line":2,"record":2}', /not JSON/],
    [
      '{"line":1,"record":[1,]}',
      /^line 1 of the chunk: not JSON: expected a value at column 23, found "\]}"$/,
    ],
  ])('refuses %j', (body, message) => {
    expect(refusal(body)).toMatch(message);
  });

  it('takes a record nested to 512 levels and none deeper, wherever it stands in the line', () => {
    for (const line of [`{"line":1,"record":${nested(512)}}`, `{"record":${nested(512)},"line":1}`])
      expect(linesOf(parse(line).lines)).toEqual([`{"id":"s.7.0","input":${nested(512)}}`]);
    for (const line of [
      `{"line":2,"record":${nested(513)}}`,
      `{"record":${nested(5000)},"line":2}`,
      `{"line":2,"record":${'{"a":'.repeat(5000)}1${'}'.repeat(5001)}`,
      `{"line":2,"record":${'['.repeat(5000)}`,
    ])
      expect(refusal(`{"line":1,"record":0}\n${line}`)).toMatch(
        /^line 2 of the chunk: nested deeper than 512 levels at column \d+$/,
      );
  });

  it('takes a custom ID of the longest length', () => {
    expect(refusal(formatWireLine(1, 'x'.repeat(MAX_CUSTOM_ID), '1'))).toBe('accepted');
  });
});

describe('parseChunk of CSV', () => {
  const csv = (record: string) => parseChunk('s', 0, [formatWireLine(1, undefined, record)], 'text/csv');

  it('keeps rows as their own text', () => {
    fc.assert(
      fc.property(csvRowArb, (row) => {
        fc.pre(csvRowProblem(row) === undefined);
        const [line] = linesOf(csv(JSON.stringify(row)).lines);
        expect(recordOfInputLine('text/csv', line as string)).toBe(row);
      }),
    );
  });

  it.each([
    ['{"a":1}', /must be a string/],
    ['5', /must be a string/],
    ['"a\\nb"', /line break inside/],
    ['""', /empty/],
    ['"a,\\"b"', /not closed/],
  ])('refuses the record %s', (record, message) => {
    expect(() => csv(record)).toThrow(message);
  });
});

describe('jobLine', () => {
  it('puts a record of several lines on one', () => {
    const line = jobLine('application/json', 's.0.0', '{\r\n  "a": [1,\n2]\n}', 0);
    expect(linesOf(line)).toHaveLength(1);
    expect(JSON.parse(line)).toEqual({ id: 's.0.0', input: { a: [1, 2] } });
  });
});
