import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Line, LineSplitter, outputLines } from '../../backend/pipeline/output-lines.ts';

const NOT_UTF8 = Buffer.from([0xff, 0xc3]);

/** Lines of bytes that come in parts of a length. */
async function linesOf(bytes: Buffer, length = bytes.length): Promise<Line[]> {
  const found: Line[] = [];
  const read = async function* () {
    for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
  };
  for await (const lines of outputLines({ read })) found.push(...lines);
  return found;
}

describe('lines of an output', () => {
  it('have exact places where lines are not UTF-8, or hold several bytes a character', async () => {
    const bytes = Buffer.concat([Buffer.from('"é😀"\n'), NOT_UTF8, Buffer.from('\n"ü"\n"last"')]);
    for (let length = 1; length <= bytes.length; length++)
      expect(await linesOf(bytes, length)).toEqual([
        { text: '"é😀"', at: 0 },
        { text: undefined, at: 9 },
        { text: '"ü"', at: 12 },
        { text: '"last"', at: 17 },
      ]);
  });

  it('may end in CRLF, and blank ones are none', async () => {
    expect(await linesOf(Buffer.from('1\r\n2\r\n\r\n'))).toEqual([
      { text: '1', at: 0 },
      { text: '2', at: 3 },
    ]);
    expect(await linesOf(Buffer.from('1\n\n2\n\n'))).toEqual([
      { text: '1', at: 0 },
      { text: '2', at: 3 },
    ]);
    expect(await linesOf(Buffer.from(''))).toEqual([]);
  });

  it('are the same however the bytes are cut', async () => {
    const pieces = fc.constantFrom(
      ...['\n', '\r\n', '"é"', 'a', '😀', '\u2028'].map((text) => Buffer.from(text)),
      NOT_UTF8,
    );
    const any = fc.array(pieces, { maxLength: 30 }).map((all) => Buffer.concat(all));
    await fc.assert(
      fc.asyncProperty(any, fc.integer({ min: 1, max: 9 }), async (bytes, length) => {
        const lines = await linesOf(bytes, length);
        expect(lines).toEqual(await linesOf(bytes));
        for (const { text, at } of lines) {
          const end = bytes.indexOf(10, at);
          const line = bytes.subarray(at, end < 0 ? bytes.length : end);
          if (text !== undefined) expect(line.toString('utf8').replace(/\r$/, '')).toBe(text);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('keep no more than the line that is not complete', () => {
    const splitter = new LineSplitter();
    for (let i = 0; i < 100; i++) {
      expect(splitter.push(Buffer.from('0123456789\nabc'))).toHaveLength(1);
      expect(splitter.openBytes).toBe(3);
    }
  });
});
