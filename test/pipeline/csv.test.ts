import { afterEach, describe, expect, it } from 'vitest';
import { splitCsvRow } from '../../backend/core/object-lines.ts';
import { MemoryPipeline } from '../support/memory-pipeline.ts';

let pipeline: MemoryPipeline;
afterEach(() => pipeline.close());

const settings = { contentType: 'text/csv' } as const;
/** Answers a row with its columns' number and its first column; refuses rows with `bad` in them. */
const columns = (row: string) =>
  row.includes('bad')
    ? { status: 422, message: `can not read ${row}` }
    : `${splitCsvRow(row).length},${splitCsvRow(row)[0]}`;

describe('CSV', () => {
  const rows = ['1,2,3', '"a, ""b""",x', 'alone', ',,', ' padded , x', "it's,1", '"é\u2028",😀', '0x1F,-0'];

  it('gives every row to the model as it was, and its result as it came', async () => {
    pipeline = await MemoryPipeline.open(columns);
    await pipeline.submit(
      's',
      rows.map((row) => JSON.stringify(row)),
      { settings },
    );
    await pipeline.settle();
    expect([...pipeline.transforms.sent.keys()]).toEqual(rows);
    const results = (await pipeline.jobs('s')).map(({ result }) => JSON.parse(result ?? 'null') as unknown);
    expect(results).toEqual(rows.map(columns));
  });

  it('files an output with CRLF and blank last lines, without carriage returns in its results', async () => {
    pipeline = await MemoryPipeline.open(columns);
    pipeline.transforms.trouble.spoil = (text) => `${text.replaceAll('\n', '\r\n')}\r\n\n`;
    await pipeline.submit('s', ['"a,b"', '"c"'], { settings });
    await pipeline.settle();
    const results = (await pipeline.jobs('s')).map(({ result }) => result);
    expect(results).toEqual(['"2,a"', '"1,c"']);
  });

  it('fails a bad row alone', async () => {
    pipeline = await MemoryPipeline.open(columns);
    const many = Array.from({ length: 300 }, (_, i) =>
      JSON.stringify(i === 123 ? 'bad,"row, it is"' : `r${i},${i}`),
    );
    await pipeline.submit('s', many, { settings });
    await pipeline.settle();
    expect(await pipeline.counts('s')).toMatchObject({ Processed: 299, Failed: 1 });
    const job = (await pipeline.jobs('s'))[123];
    expect(job?.error).toEqual({ code: 'model_error', message: 'can not read bad,"row, it is"' });
    expect((await pipeline.jobs('s'))[124]?.result).toBe('"2,r124"');
  });

  it('takes a single row as the body, with or without its line end', async () => {
    pipeline = await MemoryPipeline.open(columns);
    const refs = [];
    for (const row of ['a,"b,c"', 'd\n', 'e,f\r\n', 'g\r\n\r\n'])
      refs.push(await pipeline.post(row, { settings }));
    await pipeline.settle();
    const results = await Promise.all(refs.map(async (ref) => (await pipeline.job(ref)).result));
    expect(results).toEqual(['"2,a"', '"1,d"', '"2,e"', '"1,g"']);
  });

  it.each(['a\nb', '', ' ', 'a,"b', 'a\0b'])('refuses the body %j', async (row) => {
    pipeline = await MemoryPipeline.open(columns);
    await expect(pipeline.post(row, { settings })).rejects.toThrow();
    await expect(pipeline.submit('s', [JSON.stringify(row)], { settings })).rejects.toThrow();
    expect(await pipeline.ports.ledger.submission('s')).toBeUndefined();
  });
});
