import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRecords } from '../../../cli/src/input/read-records.ts';
import { cutsArb, fileArb, jsonTextArb, plain, readAll, sourceOf } from './helpers.ts';

describe('records of a plain file', () => {
  it('come back as their own text with their line numbers, wherever blocks and lines end', async () => {
    await fc.assert(
      fc.asyncProperty(fileArb(jsonTextArb), cutsArb, async ({ text, expected }, cuts) => {
        const { records, problems } = await readAll(sourceOf(text, cuts), plain);
        expect(problems).toEqual([]);
        expect(records.map(({ line, record }) => [line, record])).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('are the same in blocks of one byte', async () => {
    const text = '\ufeff{"a":"é😀"}\r\n\n12345678901234567890\r\n"日"';
    const cuts = Array.from({ length: 100 }, (_, i) => i);
    expect(await readAll(sourceOf(text, cuts), plain)).toEqual({
      records: [
        { line: 1, customId: undefined, record: '{"a":"é😀"}' },
        { line: 3, customId: undefined, record: '12345678901234567890' },
        { line: 4, customId: undefined, record: '"日"' },
      ],
      problems: [],
    });
  });

  it('has none in an empty file, a byte order mark or blank lines', async () => {
    for (const text of ['', '\ufeff', '\n', ' \r\n\t\n', '\ufeff\r\n'])
      expect(await readAll(sourceOf(text, [1, 2]), plain)).toEqual({ records: [], problems: [] });
  });

  it('takes a lone carriage return and U+2028 as data', async () => {
    const { records } = await readAll(sourceOf('[1,\r2]\n"\u2028"\n'), plain);
    expect(records.map(({ record }) => record)).toEqual(['[1,\r2]', '"\u2028"']);
    const { problems } = await readAll(sourceOf('1\r2\n'), plain);
    expect(problems).toHaveLength(1);
  });

  it('yields problems of bad lines at the same lines wherever blocks end', async () => {
    const lines = fc.constantFrom<Buffer | string>(
      '{"a":1}',
      '{',
      'é',
      Buffer.from([0x22, 0xe9, 0x22]),
      '',
      '"日"',
      'x'.repeat(80),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(lines), cutsArb, async (rows, cuts) => {
        const bytes = Buffer.concat(rows.flatMap((row) => [Buffer.from(row as string), Buffer.from('\r\n')]));
        const options = { ...plain, maxRecordBytes: 50 };
        expect(await readAll(sourceOf(bytes, cuts), options)).toEqual(
          await readAll(sourceOf(bytes), options),
        );
      }),
    );
  });
});

describe('limit', () => {
  it('reads the first lines that are not blank and looks at nothing after them', async () => {
    const { records, problems } = await readAll(sourceOf('\n1\n\n2\nbad\n'), { ...plain, limit: 2 });
    expect(records.map(({ line }) => line)).toEqual([2, 4]);
    expect(problems).toEqual([]);
  });

  it('counts a bad line', async () => {
    const { records, problems } = await readAll(sourceOf('1\nbad\n3\n'), { ...plain, limit: 2 });
    expect([records.length, problems.length]).toEqual([1, 1]);
  });

  it('stops reading the source and closes it', async () => {
    let closed = false;
    async function* endless() {
      try {
        for (;;) yield Buffer.from('1\n');
      } finally {
        closed = true;
      }
    }
    expect((await readAll(endless(), { ...plain, limit: 3 })).records).toHaveLength(3);
    expect(closed).toBe(true);
    expect(await readAll(endless(), { ...plain, limit: 0 })).toEqual({ records: [], problems: [] });
  });
});

describe('size', () => {
  it('joins a line of megabytes from small blocks in linear time', async () => {
    const record = JSON.stringify('x'.repeat(4_000_000));
    const cuts = Array.from({ length: 40_000 }, (_, i) => i * 100);
    const started = performance.now();
    const { records } = await readAll(sourceOf(`${record}\n1\n`, cuts), plain);
    expect(records.map((r) => r.record.length)).toEqual([4_000_002, 1]);
    expect(performance.now() - started).toBeLessThan(3000);
  });

  it('does not hold a line that is over the limit', async () => {
    const block = Buffer.alloc(1 << 20, 'x');
    let peak = 0;
    async function* huge() {
      for (let i = 0; i < 400; i++) {
        if (i % 20 === 0) peak = Math.max(peak, process.memoryUsage().arrayBuffers);
        yield Buffer.from(block);
      }
      yield Buffer.from('\r\n1\n');
    }
    const before = process.memoryUsage().arrayBuffers;
    const { records, problems } = await readAll(huge(), plain);
    expect(records.map(({ line }) => line)).toEqual([2]);
    expect(problems).toEqual([
      { line: 1, message: 'the record is 419430400 bytes long; the limit is 4190208' },
    ]);
    expect(peak - before).toBeLessThan(300e6);
  });

  it('yields hundreds of records a block', async () => {
    let blocks = 0;
    for await (const _ of readRecords(sourceOf('{"a":1}\n'.repeat(100_000)), plain)) blocks++;
    expect(blocks).toBeLessThan(10);
  });
});
