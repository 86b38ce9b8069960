import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectWhole } from '../support/expect-whole.ts';
import { doubling, MemoryPipeline, MINUTE, records } from '../support/memory-pipeline.ts';

let pipeline: MemoryPipeline;
beforeEach(async () => {
  pipeline = await MemoryPipeline.open(doubling());
});
afterEach(() => pipeline.close());

/** Submits 300 records in three batches, whose transform job is created and reads no object yet. */
async function held(): Promise<readonly string[]> {
  pipeline.transforms.trouble.holding = true;
  await pipeline.submit('s', records(300), { settings: { batchSize: 100 } });
  await pipeline.settle(0);
  const [created] = pipeline.transforms.created;
  expect(created?.batches).toHaveLength(3);
  return created?.batches ?? [];
}

async function letGo(): Promise<void> {
  pipeline.transforms.trouble.holding = false;
  for (const name of pipeline.transforms.inProgress) await pipeline.transforms.finish(name);
}

describe("a batch's object", () => {
  const losses: [string, (text: string) => string | undefined][] = [
    ['that is gone', () => undefined],
    ['that is empty', () => ''],
    ['that is cut off within a line', (text) => text.slice(0, -10)],
    ['that is cut off after a line', (text) => `${text.split('\n').slice(0, 50).join('\n')}\n`],
  ];
  it.each(losses)('%s is written again, and its records are sent once', async (_, lose) => {
    const [batch = ''] = await held();
    const { objects } = pipeline.ports;
    const whole = (await objects.readBatch(batch)) ?? '';
    const left = lose(whole);
    if (left === undefined) await objects.removeBatches([batch]);
    else await objects.writeBatches([{ batch, parts: [Buffer.from(left)] }]);
    await letGo();
    // No time goes by.
    await pipeline.settle(0);
    await expectWhole(pipeline, 's', () => true);
    expect(Math.max(...pipeline.transforms.sent.values())).toBe(1);
    expect(pipeline.transforms.created).toHaveLength(2);
    expect(pipeline.failures).toEqual([]);
  });

  it('that is lost again and again is waited for ever longer, and fails its records in the end', async () => {
    const { objects } = pipeline.ports;
    pipeline.transforms.trouble.holding = true;
    await pipeline.submit('s', records(10), { settings: { maxWaitHours: 1 } });
    for (let turn = 0; turn < 100 && (await pipeline.counts('s')).Failed === 0; turn++) {
      await pipeline.settle(5 * MINUTE);
      await objects.removeBatches(pipeline.transforms.created.flatMap(({ batches }) => batches));
      for (const name of pipeline.transforms.inProgress) await pipeline.transforms.finish(name);
    }
    expect(await pipeline.errors('s')).toEqual({ waited_too_long: 10 });
    expect((await pipeline.jobs('s'))[0]?.error?.message).toContain('lost or damaged');
    expect(pipeline.transforms.created.length).toBeLessThan(30);
    expect(pipeline.transforms.totalSent).toBe(0);
  });
});
