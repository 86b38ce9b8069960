import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InputOptions } from '../../../cli/src/input/input.ts';
import { cutsArb, fileArb, LIMIT, plain, problemsOf, readAll, sourceOf } from './helpers.ts';

const openai: InputOptions = { format: 'openai', maxRecordBytes: LIMIT };
const bedrock: InputOptions = { format: 'bedrock', maxRecordBytes: LIMIT };
const csv: InputOptions = { format: 'csv', maxRecordBytes: LIMIT };
const withId: InputOptions = { ...plain, idField: 'id' };

async function jobs(text: string, options: InputOptions): Promise<[string | undefined, string][]> {
  const { records, problems } = await readAll(sourceOf(text), options);
  expect(problems).toEqual([]);
  return records.map(({ customId, record }) => [customId, record]);
}

describe('plain with an ID field', () => {
  it('takes strings and numbers, and keeps numbers apart that parse to the same', async () => {
    expect(
      await jobs('{"id":"a"}\n{"id":7}\n{"id":12345678901234567890}\n{"id":12345678901234567891}', withId),
    ).toEqual([
      ['a', '{"id":"a"}'],
      ['7', '{"id":7}'],
      ['12345678901234567890', '{"id":12345678901234567890}'],
      ['12345678901234567891', '{"id":12345678901234567891}'],
    ]);
  });

  it('says what is wrong with an ID', async () => {
    const text = '{}\n{"id":null}\n{"id":[1]}\n[1]\n3\n{"id":""}\n{"id":true}\n{"toString":1}';
    expect(await problemsOf(text, withId)).toEqual([
      '1: the custom ID\'s field "id" is missing',
      '2: field "id" must be a string or a number, not null',
      '3: field "id" must be a string or a number, not an array',
      '4: the custom ID\'s field "id" is missing: the record is an array',
      '5: the custom ID\'s field "id" is missing: the record is a number',
      '6: the custom ID is empty',
      '7: field "id" must be a string or a number, not a boolean',
      '8: the custom ID\'s field "id" is missing',
    ]);
    expect(await problemsOf('{"a":1}', { ...plain, idField: 'toString' })).toHaveLength(1);
  });

  it('refuses duplicates and IDs that are too long', async () => {
    const long = 'x'.repeat(257);
    expect(
      await problemsOf(`{"id":"x"}\n\n{"id":"y"}\n{"id":"x"}\n{"id":"${long}"}\n{"id":"x"}`, withId),
    ).toEqual([
      '4: custom ID "x" was used on line 1 already',
      '5: the custom ID is 257 characters long; the limit is 256',
      '6: custom ID "x" was used on line 1 already',
    ]);
    expect(await problemsOf(`{"id":"${long.slice(1)}"}`, withId)).toEqual([]);
    expect(await problemsOf('{"id":1}\n{"id":"1"}', withId)).toEqual([
      '2: custom ID "1" was used on line 1 already',
    ]);
    expect(await problemsOf('{"id":"\\u001b[2J"}\n{"id":"\\u001b[2J"}', withId)).toEqual([
      '2: custom ID "\\u001b[2J" was used on line 1 already',
    ]);
  });
});

describe('openai', () => {
  it('takes custom_id and the raw text of body', async () => {
    const line =
      '{"custom_id":"r1","method":"POST","url":"/v1/x","body": {"n":1.0, "big":12345678901234567890} }';
    expect(await jobs(line, openai)).toEqual([['r1', '{"n":1.0, "big":12345678901234567890}']]);
  });

  it('says which field is wrong', async () => {
    const text = [
      '[]',
      '{"body":{}}',
      '{"custom_id":1,"body":{}}',
      '{"custom_id":"a"}',
      '{"custom_id":"b","body":[1]}',
      '{"custom_id":"c","body":null}',
      '{"custom_id":"d","body":"x"}',
      '{"custom_id":"e","body":{}}',
      '{"custom_id":"e","body":{}}',
    ].join('\n');
    expect(await problemsOf(text, openai)).toEqual([
      '1: must be an object with "custom_id" and "body", not an array',
      '2: "custom_id" is missing',
      '3: "custom_id" must be a string, not a number',
      '4: "body" is missing',
      '5: "body" must be an object, not an array',
      '6: "body" must be an object, not null',
      '7: "body" must be an object, not a string',
      '9: custom ID "e" was used on line 8 already',
    ]);
  });
});

describe('bedrock', () => {
  it('takes recordId where there is one, and the raw text of modelInput', async () => {
    expect(
      await jobs('{"recordId":"A","modelInput":{"x":1e2}}\n{"modelInput":{}}\n{"modelInput":{}}', bedrock),
    ).toEqual([
      ['A', '{"x":1e2}'],
      [undefined, '{}'],
      [undefined, '{}'],
    ]);
  });

  it('says which field is wrong', async () => {
    expect(
      await problemsOf('{"recordId":"A"}\n{"recordId":null,"modelInput":{}}\n{"modelInput":3}', bedrock),
    ).toEqual([
      '1: "modelInput" is missing',
      '2: "recordId" must be a string, not null',
      '3: "modelInput" must be an object, not a number',
    ]);
  });
});

describe('csv', () => {
  it('takes each line as a row, as a JSON string', async () => {
    expect(await jobs('1,"a, b"\r\n\r\n "x ""y""" ,é', csv)).toEqual([
      [undefined, JSON.stringify('1,"a, b"')],
      [undefined, JSON.stringify(' "x ""y""" ,é')],
    ]);
  });

  it('skips the first line that is not blank as the header', async () => {
    const { records } = await readAll(sourceOf('\ufeff\r\n\nname,age\nbo,3\n'), {
      ...csv,
      header: true,
      limit: 1,
    });
    expect(records).toEqual([{ line: 4, customId: undefined, record: '"bo,3"' }]);
  });

  it('refuses what is not one row on one line', async () => {
    const open = "a quote is not closed on this line (a quoted field can't contain a line break)";
    expect(await problemsOf('1,"a\nb",2\n3,4\n5\r6\n7\0\n', csv)).toEqual([
      `1: ${open}`,
      `2: ${open}`,
      '4: a carriage return inside the row at column 2',
      '5: a NUL character inside the row at column 2',
    ]);
    const { records, problems } = await readAll(sourceOf('"a\nb"\n1\n'), { ...csv, header: true });
    expect([problems.map(({ line }) => line), records.map(({ line }) => line)]).toEqual([[1, 2], [3]]);
  });

  it('keeps every row, wherever blocks end', async () => {
    const rowArb = fc
      .string({ unit: 'binary', minLength: 1 })
      .filter((row) => row.trim() !== '' && !/[\0\r\n"\ufeff]/.test(row));
    await fc.assert(
      fc.asyncProperty(fileArb(rowArb), cutsArb, async ({ text, expected }, cuts) => {
        const { records } = await readAll(sourceOf(text, cuts), csv);
        expect(records.map(({ line, record }) => [line, JSON.parse(record)])).toEqual(expected);
      }),
    );
  });
});
