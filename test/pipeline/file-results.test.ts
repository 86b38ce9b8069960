import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readWhole } from '../../backend/pipeline/file-results.ts';
import type { FiledResult } from '../../backend/ports/ledger.ts';
import { OUTPUT_PART_BYTES, type Output } from '../../backend/ports/transforms.ts';
import { expectWhole } from '../support/expect-whole.ts';
import { doubling, MemoryPipeline, records } from '../support/memory-pipeline.ts';

let pipeline: MemoryPipeline;
beforeEach(async () => {
  pipeline = await MemoryPipeline.open(doubling());
});
afterEach(() => pipeline.close());

const LARGE = 70_000;

describe('results of an output', () => {
  it('have exact places, whatever stands before them', async () => {
    const { transforms } = pipeline;
    transforms.model = (record) => `"${'é'.repeat(LARGE)}${record.length}"`;
    transforms.trouble.holding = true;
    await pipeline.submit('s', records(12));
    await pipeline.settle(0);
    const [
      {
        name = '',
        batches: [id = ''],
      } = { batches: [] },
    ] = transforms.created as never as [{ name: string; batches: string[] }];
    await transforms.finish(name);
    const output = await transforms.readOutput(name, id);
    const batch = await pipeline.ports.ledger.batch(id);
    if (!batch) throw new Error('no batch');
    const bytes = await whole(output);
    for (const partBytes of [OUTPUT_PART_BYTES, 1000]) {
      transforms.trouble.partBytes = partBytes;
      const results = await all(await readWhole(batch, output));
      expect(results).toHaveLength(12);
      for (const { result, place } of results)
        expect(bytes.subarray(place?.from, place?.to).toString('utf8')).toBe(result);
    }
  });

  it('that come with CRLF and a blank last line are filed without them', async () => {
    pipeline.transforms.trouble.spoil = (text) => `${text.replaceAll('\n', '\r\n')}\r\n`;
    await pipeline.submit('s', records(10));
    await pipeline.settle();
    await expectWhole(pipeline, 's', () => true);
    expect((await pipeline.jobs('s'))[3]?.result).toBe('{"twice":6}');
    expect(Math.max(...pipeline.transforms.sent.values())).toBe(1);
  });

  it('one of which is not UTF-8 are not filed: the record alone fails', async () => {
    const bad = Buffer.from('"twice":6}');
    pipeline.transforms.trouble.spoil = (text) => {
      const bytes = Buffer.from(text);
      const at = bytes.indexOf(bad);
      if (at >= 0) bytes[at + 2] = 0xff;
      return bytes;
    };
    await pipeline.submit('s', records(100));
    await pipeline.finish(['s']);
    await expectWhole(pipeline, 's', (n) => n !== 3);
    expect((await pipeline.jobs('s'))[3]?.error?.code).toBe('bad_output');
  });

  it('of an output of several parts are given part by part', async () => {
    const lines = 40;
    const text = 'x'.repeat(OUTPUT_PART_BYTES / 16);
    const { transforms } = pipeline;
    transforms.model = () => `"${text}"`;
    transforms.trouble.holding = true;
    await pipeline.submit('s', records(lines));
    await pipeline.settle(0);
    const name = transforms.inProgress[0] as string;
    await transforms.finish(name);
    const [id = ''] = await transforms.outputs(name);
    const batch = await pipeline.ports.ledger.batch(id);
    if (!batch) throw new Error('no batch');
    const parts = await readWhole(batch, await transforms.readOutput(name, id));
    let count = 0;
    for await (const results of parts ?? []) {
      count += results.length;
      const length = results.reduce((sum, { result }) => sum + result.length, 0);
      expect(length).toBeLessThanOrEqual(OUTPUT_PART_BYTES + text.length);
    }
    expect(count).toBe(lines);
  });
});

async function whole(output: Output): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of output.read()) parts.push(part);
  return Buffer.concat(parts);
}

async function all(parts: AsyncIterable<FiledResult[]> | undefined): Promise<FiledResult[]> {
  const results: FiledResult[] = [];
  for await (const part of parts ?? []) results.push(...part);
  return results;
}
