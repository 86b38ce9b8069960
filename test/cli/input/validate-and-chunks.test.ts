import { createHash } from 'node:crypto';
import { formatWireLine, MAX_CHUNK_BYTES, MAX_CHUNK_JOBS } from '@batchml/backend/words';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputChangedError, type InputChunk, readChunks } from '../../../cli/src/input/chunks.ts';
import type { ByteSource, InputOptions } from '../../../cli/src/input/input.ts';
import { validateInput } from '../../../cli/src/input/validate.ts';
import { cutsArb, fileArb, jsonTextArb, LIMIT, plain, readAll, sourceOf } from './helpers.ts';

/** Chunks with their bodies as texts. */
async function chunksOf(source: ByteSource, options: InputOptions = plain) {
  const chunks: (Omit<InputChunk, 'body'> & { body: string })[] = [];
  for await (const chunk of readChunks(source, options))
    chunks.push({ ...chunk, body: chunk.body.toString() });
  return chunks;
}

/** The first, the last, and one from between where there is one. */
function isSpread(sample: readonly string[], all: readonly string[]): boolean {
  if (all.length <= 3) return sample.join('\n') === all.join('\n');
  const [first, between = '', last] = sample;
  return sample.length === 3 && first === all[0] && last === all.at(-1) && all.slice(1, -1).includes(between);
}

describe('chunks and summary', () => {
  it('agree on the wire lines, wherever blocks end', async () => {
    await fc.assert(
      fc.asyncProperty(fileArb(jsonTextArb), cutsArb, cutsArb, async ({ text, expected }, cuts, others) => {
        const wire = expected
          .map(([line, record]) => `${formatWireLine(line, undefined, record)}\n`)
          .join('');
        const chunks = await chunksOf(sourceOf(text, cuts));
        expect(chunks.map(({ body }) => body).join('')).toBe(wire);
        expect(chunks.flatMap(({ jobs }) => jobs.map(({ line }) => line))).toEqual(
          expected.map(([line]) => line),
        );
        expect(chunks.map(({ n }) => n)).toEqual([...chunks.keys()]);

        const texts = expected.map(([, record]) => record);
        const summary = await validateInput(sourceOf(text, others), plain);
        expect(summary).toEqual({
          jobs: expected.length,
          content: createHash('sha256').update(wire).digest('hex'),
          sample: expect.toSatisfy((sample: string[]) => isSpread(sample, texts)),
          bytes: Buffer.byteLength(wire),
          problems: [],
          problemCount: 0,
        });
      }),
      { numRuns: 300 },
    );
  });

  it('cuts at the limits of jobs and bytes, the same each time', async () => {
    const sizes = [
      ...Array<number>(1203).fill(5),
      4_000_000,
      300_000,
      LIMIT - 2,
      1,
      2_000_000,
      2_000_000,
      200_000,
    ];
    const text = sizes
      .map((size) => `"${(size % 2 ? 'x' : 'é').repeat(size % 2 ? size : size / 2)}"`)
      .join('\n');
    const chunks = await chunksOf(sourceOf(text));
    expect(chunks.map(({ jobs }) => jobs.length)).toEqual(expectedCuts(sizes));
    for (const { body, jobs } of chunks) {
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(MAX_CHUNK_BYTES);
      expect(jobs.length).toBeLessThanOrEqual(MAX_CHUNK_JOBS);
    }
    expect(await chunksOf(sourceOf(text, [1, 1000, 70_000, 4_100_001]))).toEqual(chunks);
  });

  it('fits the largest record with the longest ID into a chunk', async () => {
    const id = '\\u0001'.repeat(256);
    const pad = LIMIT - `{"id":"${id}","x":""}`.length;
    const [chunk, ...more] = await chunksOf(sourceOf(`{"id":"${id}","x":"${'x'.repeat(pad)}"}`), {
      ...plain,
      idField: 'id',
    });
    expect(more).toEqual([]);
    expect(chunk?.jobs).toEqual([{ line: 1, customId: '\u0001'.repeat(256) }]);
    expect(Buffer.byteLength(chunk?.body ?? '')).toBeLessThanOrEqual(MAX_CHUNK_BYTES);
  });

  it('carries custom IDs', async () => {
    const options: InputOptions = { format: 'openai', maxRecordBytes: LIMIT };
    const [chunk] = await chunksOf(sourceOf('{"custom_id":"a\\n\\u00e9","body":{"x":1.0}}\n'), options);
    expect(chunk?.body).toBe('{"line":1,"customId":"a\\né","record":{"x":1.0}}\n');
  });

  it('stops at a problem, with its line', async () => {
    const error = await chunksOf(sourceOf('1\n\n{\n4\n')).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(InputChangedError);
    expect(error).toMatchObject({
      line: 3,
      message: expect.stringMatching(/^line 3: not valid JSON.*changed/),
    });
  });

  it('cuts no chunk for an empty file', async () => {
    expect(await chunksOf(sourceOf('\n \n'))).toEqual([]);
  });
});

/** Jobs a chunk, by filling each as far as it goes. */
function expectedCuts(sizes: readonly number[]): number[] {
  const cuts: number[] = [];
  let bytes = 0;
  for (const [i, size] of sizes.entries()) {
    const wire = Buffer.byteLength(formatWireLine(i + 1, undefined, '')) + size + 2 + 1;
    const last = cuts.at(-1);
    if (last === undefined || last === 500 || bytes + wire > MAX_CHUNK_BYTES) {
      cuts.push(1);
      bytes = wire;
    } else {
      cuts[cuts.length - 1] = last + 1;
      bytes += wire;
    }
  }
  return cuts;
}

describe('validateInput', () => {
  it('lists the first 20 problems and counts all', async () => {
    const summary = await validateInput(sourceOf(`1\n${'x\n'.repeat(50)}2\n`, [10, 30]), plain);
    expect(summary).toMatchObject({ jobs: 2, problemCount: 50, sample: ['1', '2'] });
    expect(summary.problems.map(({ line }) => line)).toEqual(Array.from({ length: 20 }, (_, i) => i + 2));
  });

  it('samples short records, or else the first', async () => {
    const long = JSON.stringify('x'.repeat(70_000));
    const { sample } = await validateInput(sourceOf(`${long}\n1\n2\n3\n${long}\n`), plain);
    expect(sample).toEqual(['1', '2', '3']);
    expect((await validateInput(sourceOf(`${long}\n`), plain)).sample).toEqual([long]);
  });

  it('samples from all over the file, the same each time', async () => {
    for (let n = 3; n < 400; n++) {
      const text = Array.from({ length: n }, (_, i) => `${i}\n`).join('');
      const { sample } = await validateInput(sourceOf(text), plain);
      expect((await validateInput(sourceOf(text, [7, 50, 300]), plain)).sample).toEqual(sample);
      const [first, between, last] = sample.map(Number);
      expect([sample.length, first, last]).toEqual([3, 0, n - 1]);
      expect(between).toBeGreaterThanOrEqual(Math.max(1, Math.floor(n / 4) - 1));
      expect(between).toBeLessThanOrEqual((2 * n) / 3);
    }
  });

  it('tells other content, line numbers and options apart', async () => {
    const print = async (text: string, options = plain) =>
      (await validateInput(sourceOf(text), options)).content;
    const prints = await Promise.all([
      print('1\n2\n'),
      print('1\n3\n'),
      print('1\n\n2\n'),
      print('1\n2\n', { ...plain, limit: 1 }),
      print('1\n2\n', { ...plain, format: 'csv' }),
    ]);
    expect(new Set(prints).size).toBe(prints.length);
    expect(await print('1\r\n2')).toBe(prints[0]);
  });

  it('agrees with the records of all formats', async () => {
    const text = '{"custom_id":"a","body":{"x":1}}\n';
    const options: InputOptions = { format: 'openai', maxRecordBytes: LIMIT };
    const { records } = await readAll(sourceOf(text), options);
    expect((await validateInput(sourceOf(text), options)).sample).toEqual(
      records.map(({ record }) => record),
    );
  });
});
