/**
 * The deployed pipeline in random weather: one of ten calls to AWS is throttled or fails, before or after it took effect, or its
 * answer gets lost and the SDK sends it again; functions are killed; every event comes twice, in any order and partly not at
 * all; several functions run at once; the index lags behind and batch calls are done in part; users cancel and
 * retry meanwhile, and send again what they got no answer to. However it goes, every job ends once, by what the model says of it.
 */
import { expect, it } from 'vitest';
import { isFinal } from '../../backend/core/job.ts';
import type { JobView } from '../../backend/ports/ledger.ts';
import { Cloud, MINUTE } from '../support/aws/cloud.ts';
import type { Fault } from '../support/aws/invocations.ts';
import { expectWhole } from '../support/expect-whole.ts';
import { doubling, records } from '../support/memory-pipeline.ts';
import { randomOf } from '../support/random.ts';

/** More of them, to search longer: BATCHML_RUNS=200 is the long run. BATCHML_SEED takes one alone. */
const RUNS = Number(process.env['BATCHML_RUNS'] ?? 30);
const ONLY = process.env['BATCHML_SEED'];
const FAILURES: readonly Fault[] = ['throttle', 'fail before', 'fail after', 'lost'];
/** After so many faults the weather clears up, so that a run ends. */
const MOST_FAULTS = 300;

type Tally = Record<string, number>;
const add = (tally: Tally, name: string, by = 1) => {
  tally[name] = (tally[name] ?? 0) + by;
};

async function openIn(seed: number, tally: Tally) {
  const random = randomOf(seed);
  const pick = <T>(...of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const bad = pick(0, 0, 0.05, 0.3);
  const poison = new Set(Array.from({ length: 400 }, (_, n) => n).filter(() => random() < bad));
  const cloud = await Cloud.open(
    doubling((n) => poison.has(n)),
    {
      env: {
        BATCHML_BATCH_SIZE: String(pick(5, 17, 100)),
        BATCHML_MAX_TRANSFORM_JOBS: String(pick(1, 2)),
        ...(seed % 2 === 0 ? {} : { BATCHML_STREAM: '' }),
      },
    },
  );
  cloud.trouble = { random, lose: pick(0, 0.2, 0.7), twice: true, shuffle: true };
  cloud.together = pick(1, 2, 4);
  cloud.sagemaker.trouble.quota = pick(1, 2, 10);
  cloud.sagemaker.durationMs = pick(0, 90_000);
  const rare = (name: string, share: number) => () => {
    const happens = random() < share;
    if (happens) add(tally, name);
    return happens;
  };
  cloud.table.pageItems = pick(2, 7, 1000);
  cloud.sqs.fails = rare('message refused in its batch', 0.1);
  cloud.kinesis.fails = rare('record refused in its batch', 0.1);
  cloud.table.lagIndex(true);
  cloud.store.after = () => {
    if (random() < 0.3) cloud.table.catchUp(1);
  };
  let left = MOST_FAULTS;
  cloud.invocations.faultAt = () => {
    if (left === 0) return undefined;
    const fault =
      random() < 0.1 ? pick(...FAILURES) : random() < 0.01 ? pick('die before', 'die after') : undefined;
    if (fault) left--;
    return fault;
  };
  return { cloud, poison, random, pick };
}

/** Makes sure that what was once final stays as it is. */
function watcher(cloud: Cloud) {
  const finals = new Map<string, JobView>();
  return async (ids: readonly string[]) => {
    for (const id of ids)
      for (const job of await cloud.jobs(id)) {
        const key = `${JSON.stringify(job.ref)} ${job.generation}`;
        const known = finals.get(key);
        if (known) expect(job).toEqual(known);
        else if (isFinal(job.status)) finals.set(key, job);
      }
  };
}

async function run(seed: number, tally: Tally): Promise<void> {
  const { cloud, poison, random, pick } = await openIn(seed, tally);
  const look = watcher(cloud);
  const jobs = 1 + Math.floor(random() * 60);
  const ids = ['s', 't'];
  await cloud.submit('s', records(jobs), { chunkSize: pick(3, 10, 40) });
  await cloud.submit('t', records(10, 100), { chunkSize: 4 });
  for (let i = 0; i < 3; i++)
    await cloud.call('POST', '/job', `{"n":${200 + i}}`, { 'idempotency-key': `k${i}` });
  const cancelled = pick(true, false, false);
  const retried = pick(true, false);
  await cloud.settle(Math.floor(random() * 3 * MINUTE));
  await look(ids);
  if (cancelled) await cloud.call('POST', '/submissions/t/cancel');
  if (retried) await cloud.call('POST', '/submissions/s/retry', {});
  for (let minute = 0; minute < 3; minute++) {
    await cloud.settle(MINUTE);
    cloud.table.catchUp();
    await look(ids);
  }
  cloud.table.lagIndex(false);
  await cloud.finish(ids, 240);
  await look(ids);
  if (retried) {
    await cloud.call('POST', '/submissions/s/retry', {});
    await cloud.finish(ids, 240);
    await look(ids);
  }
  cloud.invocations.faultAt = () => undefined;
  await cloud.settle(30 * MINUTE);
  const failing = records(jobs).filter((_, n) => poison.has(n)).length;
  await expectWhole(cloud, 's', failing === jobs ? 'any' : (n) => !poison.has(n));
  await expectWhole(cloud, 't', 'any');
  await cloud.expectQuiet();
  for (const [kind, times] of Object.entries(cloud.invocations.faults)) add(tally, kind, times);
  add(tally, 'calls', cloud.invocations.calls.length);
  add(tally, 'transform jobs', cloud.sagemaker.created.length);
  add(tally, 'jobs', jobs + 13);
  tally['most often one record was sent'] = Math.max(
    tally['most often one record was sent'] ?? 0,
    ...cloud.sagemaker.sent.values(),
  );
}

it(
  'every job ends once, and all is counted',
  async () => {
    const tally: Tally = {};
    const wrong: string[] = [];
    const seeds = ONLY === undefined ? Array.from({ length: RUNS }, (_, i) => i) : [Number(ONLY)];
    for (const seed of seeds)
      await run(seed, tally).catch((error: Error) => wrong.push(`seed ${seed}: ${error.stack}`));
    process.stdout.write(`weather: ${seeds.length} seeds ${JSON.stringify(tally)}\n`);
    expect(wrong).toEqual([]);
  },
  60_000 + 3000 * RUNS,
);
