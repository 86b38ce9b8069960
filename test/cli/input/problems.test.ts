import { describe, expect, it } from 'vitest';
import type { InputOptions } from '../../../cli/src/input/input.ts';
import { plain, problemsOf } from './helpers.ts';

async function only(content: string | Uint8Array, options: InputOptions = plain): Promise<string> {
  const problems = await problemsOf(content, options);
  expect(problems).toHaveLength(1);
  return problems[0] as string;
}

describe('a line that is not JSON', () => {
  it.each([
    ['{"a":1,}', 8],
    ['{"a":1} x', 9],
    ["{'a':1}", 2],
    ['[1,2', undefined],
    ['{"a":tru}', 9],
    ['hello', 1],
    ['hello to the whole wide world', 1],
    [`{"text": "${'x'.repeat(50)}", "n": nope, "m": "${'y'.repeat(50)}"}`, 70],
    [`{"text": "${'x'.repeat(50)}", "n": nope}`, 70],
    [`{"text": "${'x'.repeat(50)}", "n": }`, 69],
    ['{"a": "\t"}', 8],
    ['\u00a01', 1],
  ])('%s: names the column', async (text, column) => {
    const message = await only(text);
    if (column === undefined) expect(message).toContain('the line ends before the value does');
    else expect(message).toMatch(new RegExp(`^1: not valid JSON: .* at column ${column}, found "`));
  });

  it('says what was expected there, and what was found', async () => {
    expect(await only('[x,x]')).toBe('1: not valid JSON: expected a value at column 2, found "x,x]"');
    expect(await only('NaN')).toBe('1: not valid JSON: expected a value at column 1, found "NaN"');
  });

  it('says that a value spread over lines is the problem', async () => {
    expect((await problemsOf('{\n  "a": 1\n}\n', plain))[0]).toBe(
      '1: not valid JSON: the line ends before the value does (a record must be on one line)',
    );
  });

  it('keeps messages short and free of control characters', async () => {
    for (const text of [
      '\u001b[31m',
      '\u0000'.repeat(1000),
      `${'['.repeat(5000)}\u0007`,
      `"\u202e${'x'.repeat(999)}" "`,
    ]) {
      const message = await only(text);
      expect(message.length).toBeLessThan(200);
      expect(message).not.toMatch(/\p{Cc}|\p{Cf}/u);
    }
  });

  it('takes a byte order mark only at the start of the file', async () => {
    expect(await only('1\n\ufeff2\n')).toMatch(/^2: not valid JSON/);
  });
});

describe('a record nested deeper than 512 levels', () => {
  const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  const deep = /^2: nested deeper than 512 levels at column \d+$/;

  it('is refused with its line, as the pipeline would refuse it', async () => {
    expect(await only(`1\n${nested(513)}\n${nested(512)}`)).toMatch(deep);
    expect(await only(`1\n${nested(5000)}`)).toMatch(deep);
  });

  it('is measured as it is sent: with its ID, without its envelope', async () => {
    const id = { ...plain, idField: 'id' };
    expect(await only(`{"id":"a","x":${nested(511)}}\n{"id":"b","x":${nested(512)}}`, id)).toMatch(deep);
    const openai: InputOptions = { ...plain, format: 'openai' };
    const line = (name: string, levels: number) => `{"custom_id":"${name}","body":{"x":${nested(levels)}}}`;
    expect(await only(`${line('a', 511)}\n${line('b', 512)}`, openai)).toMatch(deep);
  });
});

describe('a line that is not UTF-8', () => {
  it('is named with the column, and its neighbours are read', async () => {
    const bytes = Buffer.concat([
      Buffer.from('"é"\n"\ufffdé'),
      Buffer.from([0xe9]),
      Buffer.from('"\r\n3\n"'),
      Buffer.from([0xff]),
    ]);
    expect(await problemsOf(bytes, plain)).toEqual([
      '2: not valid UTF-8 at column 4 (byte 0xE9)',
      '4: not valid UTF-8 at column 2 (byte 0xFF)',
    ]);
  });

  it('may be cut short, one byte long, or a surrogate', async () => {
    expect(await only(Buffer.from([0xe9]))).toBe('1: not valid UTF-8 at column 1 (byte 0xE9)');
    expect(await only(Buffer.from([0x31, 0xef, 0xbf]))).toBe('1: not valid UTF-8 at column 2 (byte 0xEF)');
    expect(await only(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]))).toBe(
      '1: not valid UTF-8 at column 2 (byte 0xED)',
    );
  });

  it('says what the file seems to be', async () => {
    const said = ['1: the file is UTF-16: save it as UTF-8'];
    for (const text of ['\ufeff{"a":1}\n{"b":2}\n', '{"a":1}\n{"b":2}\n']) {
      const little = Buffer.from(text, 'utf16le');
      expect(await problemsOf(little, plain)).toEqual(said);
      expect(
        await problemsOf(Buffer.from(little).swap16(), { ...plain, format: 'csv', header: true }),
      ).toEqual(said);
    }
    expect(await only(Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0xff]))).toContain('gzip');
  });
});

describe('a record over the limit', () => {
  const small: InputOptions = { ...plain, maxRecordBytes: 10 };

  it('names size and limit, in bytes', async () => {
    expect(await problemsOf('12345678\n"12345678"\r\n"123456789"\n"éééé"\r\n"ééééé"', small)).toEqual([
      '3: the record is 11 bytes long; the limit is 10',
      '5: the record is 12 bytes long; the limit is 10',
    ]);
  });

  it('measures the record, not its envelope', async () => {
    const line = (body: string) => `{"custom_id":"${body.length}","url":"${'x'.repeat(200)}","body":${body}}`;
    expect(
      await problemsOf(`${line('{"a":1234}')}\n${line('{"a":12345}')}`, { ...small, format: 'openai' }),
    ).toEqual(['2: the record is 11 bytes long; the limit is 10']);
    expect(await only(`{"x":"${'x'.repeat(70_000)}"}`, { ...small, format: 'bedrock' })).toBe(
      '1: the line is 70008 bytes long; the limit is 65546',
    );
  });

  it('measures a CSV row as the JSON string that is sent', async () => {
    expect(await problemsOf('12345678\n123456789\n"1234"\n', { ...small, format: 'csv' })).toEqual([
      '2: the record is 11 bytes long; the limit is 10',
    ]);
  });

  it('is no reason to refuse bad UTF-8 differently in one block or many', async () => {
    expect(await only(Buffer.alloc(100, 0xff), small)).toBe(
      '1: the record is 100 bytes long; the limit is 10',
    );
  });
});
