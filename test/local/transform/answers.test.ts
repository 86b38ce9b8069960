import { describe, expect, it } from 'vitest';
import { readAnswer } from '../../../backend/local/transform/answers.ts';

const lines = (text: string, records: number) =>
  readAnswer(text, records, 'application/jsonlines', 'MultiRecord');
const csv = (text: string, records: number) => readAnswer(text, records, 'text/csv', 'MultiRecord');
const json = (text: string) => readAnswer(text, 1, 'application/json', 'SingleRecord');
const jsonMulti = (text: string, records: number) =>
  readAnswer(text, records, 'application/json', 'MultiRecord');

describe('answers in lines of JSON', () => {
  it('takes them with or without a line break at the end, and with CRLF', () => {
    expect(lines('1\n{"a":2}\n', 2)).toEqual(['1', '{"a":2}']);
    expect(lines('1\n{"a":2}', 2)).toEqual(['1', '{"a":2}']);
    expect(lines('1\r\n2\r\n', 2)).toEqual(['1', '2']);
  });

  it('splits at line feeds only: U+2028 is data', () => {
    expect(lines('"a\u2028b"\n"\u0085"\n', 2)).toEqual(['"a\u2028b"', '"\u0085"']);
  });

  it('keeps numbers as the model wrote them', () => {
    expect(lines('{"n":1.0,"big":12345678901234567890}', 1)).toEqual([
      '{"n":1.0,"big":12345678901234567890}',
    ]);
  });

  it.each([
    ['1\n', 2, 'the model answered 1 line for 2 records'],
    ['1\n2\n3\n', 1, 'the model answered 3 lines for 1 record'],
    ['1\n\n', 2, 'the model answered 1 line for 2 records'],
    ['', 2, 'the model answered 0 lines for 2 records'],
  ])('refuses another number of lines than of records: %j', (text, records, problem) => {
    expect(lines(text, records)).toEqual({ problem });
  });

  it('refuses a blank line in the middle, half a line and what is not JSON, and says which', () => {
    expect(lines('1\n\n2', 3)).toMatchObject({ problem: expect.stringMatching(/^line 2 .* is not JSON: /) });
    expect(lines('{"a":1}\n{"a"', 2)).toMatchObject({
      problem: expect.stringMatching(/^line 2 of the model's answer is not JSON: /),
    });
    expect(lines('NaN\n', 1)).toHaveProperty('problem');
  });

  it('takes blank lines at the end, and raw line breaks out of white space', () => {
    expect(lines('1\n2\n\r\n\n', 2)).toEqual(['1', '2']);
    expect(lines('{\r"a":\r [1,\r\r2]\r}\r\n', 1)).toEqual(['{"a":[1,2]}']);
    expect(lines(' 1.0 \n', 1)).toEqual(['1.0']);
  });

  it('takes any depth, and says that many open brackets are no JSON', () => {
    const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`;
    expect(lines(deep, 1)).toEqual([deep]);
    expect(lines('['.repeat(5_000_000), 1)).toEqual({
      problem: "line 1 of the model's answer is not JSON: it ends before the value does",
    });
  });

  it('takes no array for lines', () => {
    expect(lines('[1,2]', 2)).toHaveProperty('problem');
  });
});

describe('answers in CSV', () => {
  it('keeps quotes, commas and many columns', () => {
    expect(csv('"a, ""b""",2,3\n0.1\r\n', 2)).toEqual(['"a, ""b""",2,3', '0.1']);
  });

  it('takes CRLF and blank lines at the end for line ends', () => {
    expect(csv('1,a\r\n2,b\r\n\r\n', 2)).toEqual(['1,a', '2,b']);
  });

  it('refuses blank lines and other numbers of lines', () => {
    expect(csv('1\n\n2', 3)).toEqual({ problem: "line 2 of the model's answer is blank" });
    expect(csv('1\n\n', 2)).toEqual({ problem: 'the model answered 1 line for 2 records' });
    expect(csv('1\n', 2)).toEqual({ problem: 'the model answered 1 line for 2 records' });
  });
});

describe('an answer in one JSON document', () => {
  it('is kept as it is when it is on one line', () => {
    expect(json('{"a": 1.0, "b": [1, 2]}\n')).toEqual(['{"a": 1.0, "b": [1, 2]}']);
  });

  it('is put on one line when it is pretty, numbers and texts untouched', () => {
    const pretty = '{\r\n  "a": 1.0,\n  "b": [\n    1e2,\n    "x \\n  y"\n  ]\n}\n';
    expect(json(pretty)).toEqual(['{"a": 1.0,"b": [1e2,"x \\n  y"]}']);
  });

  it('is refused when it is not JSON, empty or cut off', () => {
    expect(json('hello')).toMatchObject({
      problem: expect.stringContaining("the model's answer is not JSON"),
    });
    expect(json('')).toEqual({ problem: 'the model answered 0 lines for 1 record' });
    expect(json('{"a":')).toHaveProperty('problem');
    expect(json('{}\n{}\n')).toHaveProperty('problem');
  });
});

describe('answers in JSON to many records', () => {
  it('are lines, or one array of as many elements', () => {
    expect(jsonMulti('1\n2\n', 2)).toEqual(['1', '2']);
    expect(jsonMulti('[{"a":[1,2],"b":"],\\"["}, 1.0]', 2)).toEqual(['{"a":[1,2],"b":"],\\"["}', '1.0']);
    expect(jsonMulti('[\n  1.0,\n  {\n    "a": 2\n  }\n]\n', 2)).toEqual(['1.0', '{"a": 2}']);
  });

  it('are refused otherwise', () => {
    expect(jsonMulti('[1,2,3]', 2)).toEqual({ problem: 'the model answered 1 line for 2 records' });
    expect(jsonMulti('[]', 2)).toHaveProperty('problem');
    expect(jsonMulti('{"predictions":[1,2]}', 2)).toHaveProperty('problem');
  });
});
