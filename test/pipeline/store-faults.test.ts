/**
 * Faults at the store: any call may fail before or after it took effect, calls of several steps take turns, two settles work at
 * once, and users retry and cancel in the middle of it. However it goes, every job ends once and the counts add up.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { statusCounts } from '../../backend/core/submission.ts';
import { cancelSubmission, retrySubmission } from '../../backend/pipeline/change.ts';
import { localBackend, localBackendOver } from '../support/backends.ts';
import { expectWhole } from '../support/expect-whole.ts';
import { doubling, MemoryPipeline, numberOf, records } from '../support/memory-pipeline.ts';
import { randomOf } from '../support/random.ts';
import { type StoreTrouble, spoilt } from '../support/spoilt-store.ts';

/** More of them, to search longer: BATCHML_RUNS=200. BATCHML_SEED takes one alone. */
const RUNS = Number(process.env['BATCHML_RUNS'] ?? 20);
const ONLY = process.env['BATCHML_SEED'];
const never = () => false;

const trouble: StoreTrouble = { dies: never, waits: never };
const opened: MemoryPipeline[] = [];
afterEach(() => {
  MemoryPipeline.backend = localBackend;
  Object.assign(trouble, { dies: never, waits: never });
  for (const pipeline of opened.splice(0)) pipeline.close();
});

async function open(model: Parameters<typeof MemoryPipeline.open>[0]): Promise<MemoryPipeline> {
  MemoryPipeline.backend = (clock) => localBackendOver((store) => spoilt(store, trouble), clock);
  const pipeline = await MemoryPipeline.open(model);
  opened.push(pipeline);
  return pipeline;
}

/** Calls of the store so far die at the `n`th from now on, once. */
function dieAt(n: number): void {
  let left = n;
  trouble.dies = () => left-- === 0;
}

describe('a retry that begins while a batch is being failed', () => {
  it.each([...Array(24).keys()])(
    'counts right, wherever the failing was interrupted (call %i)',
    async (at) => {
      const pipeline = await open(doubling());
      // Chunk by chunk: their heads don't fit one transaction.
      pipeline.transforms.trouble.fault = { times: 1, kind: 'access', reason: 'no such model' };
      await pipeline.submit('s', records(60), { chunkSize: 2 });
      const { afterStep } = pipeline;
      pipeline.afterStep = async () => {
        if (pipeline.transforms.created.length === 1) {
          pipeline.afterStep = afterStep;
          dieAt(at);
        }
      };
      await pipeline.settle(0);
      trouble.dies = never;
      await retrySubmission(pipeline.ports, 's', undefined, 'all');
      await pipeline.finish(['s']);
      await retrySubmission(pipeline.ports, 's', undefined, 'all');
      await pipeline.finish(['s']);
      await expectWhole(pipeline, 's', () => true);
      expect(await pipeline.counts('s')).toMatchObject({ Processed: 60, Failed: 0 });
    },
  );
});

async function run(seed: number): Promise<void> {
  const random = randomOf(seed);
  const pick = <T>(...of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const poison = new Set(records(90).flatMap((record) => (random() < 0.1 ? [numberOf(record)] : [])));
  const pipeline = await open(doubling((n) => poison.has(n)));
  const chunkSize = pick(1, 3, 20);
  const settings = { batchSize: pick(1, 7, 40, 100) };
  await pipeline.submit('s', records(60), { chunkSize, settings });
  await pipeline.submit('t', records(20, 60), { chunkSize, settings });
  for (let i = 0; i < 3; i++) await pipeline.post(`{"n":${80 + i}}`, { settings });
  pipeline.together = pick(1, 2, 4);
  pipeline.bells.trouble = { random, lose: pick(0, 0.3), twice: true, shuffle: true };
  let deaths = pick(0, 40);
  trouble.dies = () => deaths > 0 && random() < 0.03 && deaths-- > 0;
  trouble.waits = () => random() < 0.2;
  const quietly = (act: Promise<unknown>) => act.catch(() => undefined);
  for (let i = 0; i < 6; i++) {
    await pipeline.settle(pick(0, 1000, 30_000));
    const retry = () => quietly(retrySubmission(pipeline.ports, 's', undefined, 'all'));
    const cancel = () => quietly(cancelSubmission(pipeline.ports, 't'));
    const ended = pipeline.transforms.created.at(-1)?.name ?? '';
    // Two settles of one transform job at once, beside what users do.
    for (let j = 0; j < 2; j++) pipeline.bells.ring({ kind: 'transform', name: ended });
    await Promise.all([retry(), random() < 0.2 ? cancel() : undefined, pipeline.settle(0), retry()]);
    // What is read meanwhile is never impossible.
    const { counters } = ((await quietly(pipeline.submission('s'))) as Awaited<
      ReturnType<MemoryPipeline['submission']>
    >) ?? { counters: undefined };
    if (counters)
      for (const count of Object.values(statusCounts(counters))) expect(count).toBeGreaterThanOrEqual(0);
  }
  Object.assign(trouble, { dies: never, waits: never });
  await pipeline.finish(['s', 't']);
  await expectWhole(pipeline, 's', (n) => !poison.has(n));
  await expectWhole(pipeline, 't', 'any');
  for (let minute = 0; minute < 5; minute++) {
    await pipeline.reconcile();
    await pipeline.settle(60_000);
  }
  expect(await pipeline.ports.ledger.openWork(pipeline.clock.now())).toMatchObject({
    chunks: false,
    forming: [],
    held: [],
    ending: [],
    waiting: false,
    transforms: [],
    submissions: [],
  });
}

describe('in random order, with faults', () => {
  it(
    'every job ends once',
    async () => {
      const wrong: string[] = [];
      const seeds = ONLY === undefined ? [...Array(RUNS).keys()] : [Number(ONLY)];
      for (const seed of seeds) {
        await run(seed).catch((error: Error) => wrong.push(`seed ${seed}: ${error.stack}`));
        for (const pipeline of opened.splice(0)) pipeline.close();
      }
      expect(wrong).toEqual([]);
    },
    60_000 + 10_000 * RUNS,
  );
});
