import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatJobId } from '../../backend/core/ids.ts';
import {
  answeredLinesOf,
  csvRowProblem,
  formatInputLine,
  joinOutputLine,
  linesOf,
  parseOutputLine,
  recordOfInputLine,
  splitCsvRow,
} from '../../backend/core/object-lines.ts';
import { csvRowArb, jobRefArb, jsonTextArb, spacedJsonArb } from './arbitraries.ts';

const jsonTypeArb = fc.constantFrom('auto', 'application/jsonlines', 'application/json');
const idArb = jobRefArb.map(formatJobId);

describe('lines of JSON objects', () => {
  it('give the model the record, and file the result, as their own text', () => {
    fc.assert(
      fc.property(jsonTypeArb, idArb, jsonTextArb, jsonTextArb, (type, id, record, result) => {
        const input = formatInputLine(type, id, record);
        expect(JSON.parse(input)).toEqual({ id, input: JSON.parse(record) });
        expect(recordOfInputLine(type, input)).toBe(record);
        const output = joinOutputLine(type, input, result);
        expect(parseOutputLine(type, output)).toEqual({
          id,
          result,
          from: output.length - 1 - result.length,
        });
      }),
    );
  });

  it('file a result as its own text and say where it stands, in any order and spacing, with other keys and CRLF', () => {
    const resultArb = fc.oneof(
      jsonTextArb,
      spacedJsonArb.filter((json) => !json.includes('\n')),
    );
    fc.assert(
      fc.property(
        idArb,
        jsonTextArb,
        resultArb,
        fc.nat(4),
        fc.boolean(),
        (id, other, result, style, crlf) => {
          const line = [
            `{"id":"${id}","SageMakerOutput":${result}}`,
            `{"SageMakerOutput":${result},"id":"${id}"}`,
            ` { "id" : "${id}" ,\t"SageMakerOutput": ${result} } `,
            `{"id":"${id}","input":${other},"SageMakerOutput":${result},"more":${other}}`,
            `{"id":1,"SageMakerOutput":${other},"SageMaker\\u004futput":${result},"\\u0069d":"${id}"}`,
          ][style] as string;
          const parsed = parseOutputLine('auto', crlf ? `${line}\r` : line);
          expect(parsed?.id).toBe(id);
          const text = result.trim();
          expect(parsed?.result).toBe(text.replace(/\r\s*/g, ''));
          const { from } = parsed ?? {};
          if (text.includes('\r')) expect(from).toBeUndefined();
          else expect(line.slice(from, (from ?? 0) + text.length)).toBe(text);
        },
      ),
    );
  });

  it.each([
    ['{"SageMakerOutput":9007199254740993,"id":"s.0.0"}', '9007199254740993'],
    ['{"SageMakerOutput":1.0,"id":"s.0.0"}\r', '1.0'],
    ['{"id":"s.0.0", "SageMakerOutput":{"id":"x.0.0","n":1e400}}', '{"id":"x.0.0","n":1e400}'],
    ['{"id":"s.0.0","SageMakerOutput":{\r"a":[1,\r\r 2]\r}}', '{"a":[1,2]}'],
  ])('keep numbers and keys of a result: %s', (line, result) => {
    expect(parseOutputLine('auto', line)?.id).toBe('s.0.0');
    expect(parseOutputLine('auto', line)?.result).toBe(result);
  });

  it('keep a result of any depth', () => {
    const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`;
    expect(parseOutputLine('auto', `{"id":"a.0.0","SageMakerOutput":${deep}}`)?.result).toBe(deep);
    expect(parseOutputLine('auto', `{"SageMakerOutput":${deep},"id":"a.0.0"}`)?.result).toBe(deep);
  });

  it('keep to one line for records that hold line separators', () => {
    const lines = ['"\u2028"', '"\u2029"', '"a\\nb"'].map((record) =>
      formatInputLine('auto', 'a.0.0', record),
    );
    expect(linesOf(`${lines.join('\n')}\n`)).toEqual(lines);
  });

  it('torn before their end are no input', () => {
    const line = formatInputLine('auto', 'a.0.0', '{"n":[1]}');
    expect(() => recordOfInputLine('auto', line.slice(0, -3))).toThrow('not an input line');
  });

  it.each([
    '',
    '{}',
    'null',
    '[]',
    '1',
    '{"id":"a.0.0"}',
    '{"id":1,"SageMakerOutput":1}',
    '{"id":"a.0.0","SageMakerOutput":}',
    '{"id":"a.0.0","SageMakerOutput":1',
    '{"id":"a.0.0","SageMakerOutput":1]',
    '{"id":"a.0.0","SageMakerOutput":1} trailing',
    '{"id":"a.0.0","SageMakerOutput":{"cut":',
    '{"id":"a.0.0","SageMakerOutput":1,}',
    '{"id":["a.0.0"],"SageMakerOutput":1}',
    '[{"id":"a.0.0","SageMakerOutput":1}]',
  ])('that are not whole are no result: %j', (line) => {
    expect(parseOutputLine('auto', line)).toBeUndefined();
  });

  it('that were torn anywhere are no result', () => {
    fc.assert(
      fc.property(idArb, jsonTextArb, fc.nat(10_000), (id, result, at) => {
        const line = `{"id":"${id}","SageMakerOutput":${result}}`;
        const parsed = parseOutputLine('auto', line.slice(0, at % line.length));
        expect(parsed).toBeUndefined();
      }),
    );
  });
});

describe('lines of CSV objects', () => {
  it('give the model the row, and file the result, as their own text', () => {
    fc.assert(
      fc.property(idArb, csvRowArb, csvRowArb, (id, row, result) => {
        fc.pre(csvRowProblem(row) === undefined);
        const input = formatInputLine('text/csv', id, row);
        expect(recordOfInputLine('text/csv', input)).toBe(row);
        const parsed = parseOutputLine('text/csv', joinOutputLine('text/csv', input, result));
        expect(parsed).toEqual({ id, result: JSON.stringify(result) });
      }),
    );
  });

  it('take any row without line breaks and with closed quotes, wherever the quotes stand', () => {
    const wild = fc.string({ unit: fc.constantFrom('"', ',', 'a', ' ', '\u2028', '9') });
    fc.assert(
      fc.property(idArb, wild, wild, (id, row, result) => {
        fc.pre(csvRowProblem(row) === undefined);
        const output = joinOutputLine('text/csv', formatInputLine('text/csv', id, row), result);
        expect(parseOutputLine('text/csv', output)).toEqual({ id, result: JSON.stringify(result) });
      }),
    );
  });

  it('take a carriage return at the end as a line end, and no other', () => {
    expect(parseOutputLine('text/csv', 'a.0.0,1,record,0.9\r')).toEqual({ id: 'a.0.0', result: '"0.9"' });
    expect(parseOutputLine('text/csv', 'a.0.0,1,record,x\ry,0.9\r\r')?.result).toBe('"x\\ry,0.9"');
  });

  it.each(['', 'a.0.0', 'a.0.0,1,only the record', 'a.0.0,x,record,result', 'a.0.0,2,a,b', 'a.0.0,-1,a'])(
    'that are not whole are no result: %j',
    (line) => {
      expect(parseOutputLine('text/csv', line)).toBeUndefined();
    },
  );

  it.each([
    ['a\nb', /line break inside/],
    ['a\rb', /carriage return inside/],
    ['a\0b', /NUL/],
    ['', /empty/],
    ['  ', /empty/],
    ['a,"b', /not closed/],
    ['"a""', /not closed/],
  ])('refuse the row %j', (row, problem) => {
    expect(csvRowProblem(row)).toMatch(problem);
  });
});

describe('splitCsvRow', () => {
  it('cuts at commas outside quotes, and joining gives the row back', () => {
    expect(splitCsvRow('a,"b,""c""",,d')).toEqual(['a', '"b,""c"""', '', 'd']);
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('"', ',', 'a') }), (row) => {
        expect(splitCsvRow(row).join(',')).toBe(row);
      }),
    );
  });
});

describe('linesOf', () => {
  it('splits at line feeds only, and takes the last one as an end', () => {
    expect(linesOf('')).toEqual([]);
    expect(linesOf('a')).toEqual(['a']);
    expect(linesOf('a\n\u2028b\r\n')).toEqual(['a', '\u2028b\r']);
    expect(linesOf('\n\n')).toEqual(['', '']);
  });
});

describe('answeredLinesOf', () => {
  it('leaves out blank lines at the end only', () => {
    expect(answeredLinesOf('a\r\n\nb\n')).toEqual(['a\r', '', 'b']);
    expect(answeredLinesOf('a\r\n\r\n \n\n')).toEqual(['a\r']);
    expect(answeredLinesOf('\n\n')).toEqual([]);
  });
});
