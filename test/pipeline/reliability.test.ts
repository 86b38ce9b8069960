/**
 * Whatever happens to bells and processes on the way, every job ends once: bells get lost, ring twice and in any order,
 * several steps run at once, steps die at any call, the model refuses records, and users cancel and retry meanwhile.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFinal } from '../../backend/core/job.ts';
import { cancelSubmission, retrySubmission } from '../../backend/pipeline/change.ts';
import type { JobView } from '../../backend/ports/ledger.ts';
import { crashing } from '../support/crashes.ts';
import { expectWhole } from '../support/expect-whole.ts';
import { doubling, MemoryPipeline, records } from '../support/memory-pipeline.ts';

interface Weather {
  readonly seed: number;
  /** Share of bells that get lost. */
  readonly lose: number;
  readonly twice: boolean;
  readonly shuffle: boolean;
  /** Steps that run at once. */
  readonly together: number;
  /** Port calls that die, one of ten until there were so many. */
  readonly deaths: number;
  /** Records of every hundred that the model refuses. */
  readonly bad: number;
  readonly throttles: number;
  readonly lostAnswers: number;
  readonly jobs: number;
  readonly chunkSize: number;
  readonly batchSize: number;
}

const weatherArb: fc.Arbitrary<Weather> = fc.record({
  seed: fc.nat(),
  lose: fc.constantFrom(0, 0.2, 0.6, 1),
  twice: fc.boolean(),
  shuffle: fc.boolean(),
  together: fc.integer({ min: 1, max: 4 }),
  deaths: fc.oneof(fc.constant(0), fc.nat(30)),
  bad: fc.constantFrom(0, 2, 30, 100),
  throttles: fc.nat(3),
  lostAnswers: fc.nat(2),
  jobs: fc.integer({ min: 1, max: 70 }),
  chunkSize: fc.integer({ min: 5, max: 40 }),
  batchSize: fc.integer({ min: 1, max: 60 }),
});

/** Random numbers from 0 to 1 (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A pipeline in that weather, and what makes sure that nothing final changes. */
async function openIn(weather: Weather) {
  const { seed, lose, twice, shuffle, together, bad, throttles, lostAnswers } = weather;
  const random = randomOf(seed);
  const poison = new Set(
    records(200)
      .map((_, n) => n)
      .filter(() => random() * 100 < bad),
  );
  const pipeline = await MemoryPipeline.open(doubling((n) => poison.has(n)));
  pipeline.bells.trouble = { random, lose, twice, shuffle };
  pipeline.together = together;
  Object.assign(pipeline.transforms.trouble, { throttles, lostAnswers });
  const calm = pipeline.ports;
  const finals = new Map<string, JobView>();
  let { deaths } = weather;
  const look = async (id: string) => {
    if (random() < 0.5) return;
    for (const { jobs } of await calm.ledger.chunks(id, 0, 1000))
      for (const job of jobs) {
        const key = `${JSON.stringify(job.ref)} ${job.generation}`;
        const known = finals.get(key);
        if (known) expect(job).toEqual(known);
        else if (isFinal(job.status)) finals.set(key, job);
      }
  };
  return {
    pipeline,
    poison,
    look,
    storm: () => {
      pipeline.ports = crashing(calm, () => deaths > 0 && random() < 0.1 && deaths-- > 0);
    },
    calm: () => {
      pipeline.ports = calm;
    },
  };
}

/** More of them, to search longer: BATCHML_RUNS=1000. */
const RUNS = { numRuns: Number(process.env['BATCHML_RUNS'] ?? 30) };
const TIMEOUT_MS = 2000 * RUNS.numRuns + 60_000;

describe('in any weather', () => {
  it(
    'every job ends once, by what the model says of it, in input order and fully counted',
    async () => {
      await fc.assert(
        fc.asyncProperty(weatherArb, async (weather) => {
          const { pipeline, poison, look, storm, calm } = await openIn(weather);
          try {
            const { jobs, chunkSize, batchSize } = weather;
            const settings = { batchSize, maxTransformJobs: 2 };
            await pipeline.submit('s', records(jobs), { chunkSize, settings });
            storm();
            pipeline.afterStep = () => look('s');
            await pipeline.finish(['s']);
            calm();
            const failing = records(jobs).filter((_, n) => poison.has(n)).length;
            await expectWhole(pipeline, 's', failing === jobs ? 'any' : (n) => !poison.has(n));
            // Nobody is sent more often than the rounds allow, but for what was lost or refused as a whole.
            expect(Math.max(...pipeline.transforms.sent.values())).toBeLessThanOrEqual(4);
            expect(await pipeline.ports.ledger.openWork(pipeline.clock.now())).toMatchObject({
              chunks: false,
              forming: [],
              held: [],
              submissions: [],
            });
          } finally {
            pipeline.close();
          }
        }),
        RUNS,
      );
    },
    TIMEOUT_MS,
  );

  it(
    'users may cancel and retry at any time, several submissions share batches, and still all is counted',
    async () => {
      const actionsArb = fc.array(
        fc.record({ kind: fc.constantFrom('cancel', 'retry', 'wait'), of: fc.nat(2), ms: fc.nat(20_000) }),
        { maxLength: 8 },
      );
      await fc.assert(
        fc.asyncProperty(weatherArb, actionsArb, async (weather, actions) => {
          const { pipeline, look, storm, calm } = await openIn(weather);
          const ids = ['s-0', 's-1', 's-2'];
          try {
            const { jobs, chunkSize, batchSize } = weather;
            for (const [i, id] of ids.entries())
              await pipeline.submit(id, records(jobs, i * 10), { chunkSize, settings: { batchSize } });
            storm();
            pipeline.afterStep = async () => {
              for (const id of ids) await look(id);
            };
            for (const { kind, of, ms } of actions) {
              await pipeline.settle(ms);
              const id = ids[of] as string;
              // Asked for twice at once, by callers who may die as well.
              const act = () =>
                kind === 'cancel'
                  ? cancelSubmission(pipeline.ports, id)
                  : kind === 'retry' && retrySubmission(pipeline.ports, id, undefined, 'all');
              await Promise.allSettled([act(), pipeline.settle(0), act()]);
            }
            await pipeline.finish(ids);
            calm();
            for (const id of ids) await expectWhole(pipeline, id, 'any');
          } finally {
            pipeline.close();
          }
        }),
        RUNS,
      );
    },
    TIMEOUT_MS,
  );
});
