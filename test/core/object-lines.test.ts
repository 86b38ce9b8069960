import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatJobId } from '../../backend/core/ids.ts';
import {
  csvRowProblem,
  formatInputLine,
  joinOutputLine,
  linesOf,
  parseOutputLine,
  recordOfInputLine,
  splitCsvRow,
} from '../../backend/core/object-lines.ts';
import { csvRowArb, jobRefArb, jsonTextArb } from './arbitraries.ts';

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
        expect(parseOutputLine(type, output)).toEqual({ id, result });
      }),
    );
  });

  it("file SageMaker's own spelling of the join under the same job, whatever the record says", () => {
    fc.assert(
      fc.property(idArb, jsonTextArb, jsonTextArb, fc.nat(2), (id, record, result, style) => {
        // JoinSource Input and OutputFilter $['id','SageMakerOutput'], in other orders and spacings.
        const input = JSON.parse(formatInputLine('auto', id, record)) as { id: string };
        const joined = { ...input, SageMakerOutput: JSON.parse(result) as unknown };
        const line = [
          JSON.stringify({ id: joined.id, SageMakerOutput: joined.SageMakerOutput }),
          JSON.stringify({ SageMakerOutput: joined.SageMakerOutput, id: joined.id }),
          JSON.stringify({ id: joined.id, SageMakerOutput: joined.SageMakerOutput }, null, ' ').replace(
            /\n\s*/g,
            ' ',
          ),
        ][style] as string;
        const parsed = parseOutputLine('auto', line);
        expect(parsed?.id).toBe(id);
        expect(parsed?.result).toBe(JSON.stringify(JSON.parse(result)));
      }),
    );
  });

  it('keep to one line for records that hold line separators', () => {
    const lines = ['"\u2028"', '"\u2029"', '"a\\nb"'].map((record) =>
      formatInputLine('auto', 'a.0.0', record),
    );
    expect(linesOf(`${lines.join('\n')}\n`)).toEqual(lines);
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

  it.each(['', 'a.0.0', 'a.0.0,1,only the record', 'a.0.0,x,record,result', 'a.0.0,2,a,b', 'a.0.0,-1,a'])(
    'that are not whole are no result: %j',
    (line) => {
      expect(parseOutputLine('text/csv', line)).toBeUndefined();
    },
  );

  it.each([
    ['a\nb', /one line/],
    ['a\rb', /one line/],
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
