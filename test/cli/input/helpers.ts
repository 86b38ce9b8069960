import fc from 'fast-check';
import type { ByteSource, InputOptions, InputProblem, InputRecord } from '../../../cli/src/input/input.ts';
import { readRecords } from '../../../cli/src/input/read-records.ts';

export const LIMIT = 4 * 1024 * 1024 - 4096;
export const plain: InputOptions = { format: 'plain', maxRecordBytes: LIMIT };

/** Content as a source, cut at these byte positions. */
export async function* sourceOf(content: string | Uint8Array, cuts: readonly number[] = []): ByteSource {
  const bytes = Buffer.from(content as string);
  const borders = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let from = 0;
  for (const to of borders) {
    yield bytes.subarray(from, to);
    from = to;
  }
}

/** Everything that a source holds, its blocks put together. */
export async function readAll(
  source: ByteSource,
  options: InputOptions,
): Promise<{ records: InputRecord[]; problems: InputProblem[] }> {
  const records: InputRecord[] = [];
  const problems: InputProblem[] = [];
  for await (const block of readRecords(source, options)) {
    records.push(...block.records);
    problems.push(...block.problems);
  }
  return { records, problems };
}

/** Problems of a content as `line: message`. */
export async function problemsOf(content: string | Uint8Array, options: InputOptions): Promise<string[]> {
  const { problems } = await readAll(sourceOf(content), options);
  return problems.map(({ line, message }) => `${line}: ${message}`);
}

export const cutsArb = fc.array(fc.nat(5000), { maxLength: 30 });

const endArb = fc.constantFrom('\n', '\r\n');
const blankArb = fc.array(fc.tuple(fc.constantFrom('', ' ', '\t ', '  '), endArb), { maxLength: 2 });

/** A file of these records, with line ends, blank lines, a byte order mark and a last line end as they come. */
export function fileArb(
  recordArb: fc.Arbitrary<string>,
): fc.Arbitrary<{ text: string; expected: [number, string][] }> {
  return fc
    .tuple(
      fc.array(fc.tuple(blankArb, recordArb, endArb), { maxLength: 40 }),
      blankArb,
      fc.boolean(),
      fc.boolean(),
    )
    .map(([rows, trailing, bom, lastEnd]) => {
      let text = bom ? '\ufeff' : '';
      let line = 1;
      const expected: [number, string][] = [];
      for (const [i, [blanks, record, end]] of rows.entries()) {
        for (const [space, blankEnd] of blanks) text += space + blankEnd;
        line += blanks.length;
        expected.push([line, record]);
        text += record;
        if (lastEnd || i < rows.length - 1) text += end;
        line++;
      }
      if (lastEnd) for (const [space, blankEnd] of trailing) text += space + blankEnd;
      return { text, expected };
    });
}

/** JSON texts on one line, with characters of one to four bytes and numbers that don't survive parsing. */
export const jsonTextArb: fc.Arbitrary<string> = fc.oneof(
  fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }).map((value) => JSON.stringify(value)),
  fc.constantFrom(
    '12345678901234567890',
    '{"a":1.0,"b":1e2}',
    '"\u2028\u0085"',
    '  [1, 2 ]\t',
    '"日本é😀"',
    '-0',
  ),
);
