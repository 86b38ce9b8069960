/** What jobs cost in requests, table units, objects and dollars, and that it stays so. Prints the figures as JSON. */
import { afterAll, expect, it } from 'vitest';
import { Cloud, type CloudOptions, MINUTE } from '../support/aws/cloud.ts';
import { doubling, records } from '../support/memory-pipeline.ts';
import { type Counts, countsOf, dollars, PRICES, perThousand, unitsWritten } from './costs.ts';

/** What it was while each job had a row of its own, beside what it is. */
const compared: Record<string, { before?: number; after: number }> = {};
const shown: Record<string, unknown> = {};
const compare = (what: string, before: number | undefined, after: number) => {
  compared[what] = { ...(before === undefined ? {} : { before }), after: Math.round(after * 100) / 100 };
  return after;
};
afterAll(() => {
  process.stdout.write(`${JSON.stringify({ prices: PRICES, ...shown, compared }, null, 2)}\n`);
});

const open = (batchSize: number, env: CloudOptions['env'] = {}) =>
  Cloud.open(doubling(), { env: { BATCHML_STREAM: '', BATCHML_BATCH_SIZE: `${batchSize}`, ...env } });

/** Jobs by submit, to their end. Reconcile is paid by the minute, not by the job: this ends before its first. */
async function submitted(jobs: number, batchSize: number): Promise<{ cloud: Cloud; run: Counts }> {
  const cloud = await open(batchSize);
  await cloud.submit('s', records(jobs));
  await cloud.settle(MINUTE - 1);
  const run = countsOf(cloud, jobs);
  expect(await cloud.counts('s')).toMatchObject({ Processed: jobs });
  cloud.forget();
  return { cloud, run };
}

const show = (what: string, run: Counts, read: Counts) => {
  shown[what] = {
    perThousandJobs: perThousand(run),
    dollarsPerMillionJobs: dollars(run),
    readingResults: { perThousandJobs: perThousand(read), dollarsPerMillionJobs: dollars(read) },
  };
};

const writesOf = ({ tableWrites, indexWrites }: Counts) => tableWrites + indexWrites;

it('a million jobs by submit cost cents', async () => {
  const { cloud, run } = await submitted(10_000, 5000);
  for (let cursor = '0.0'; cursor; )
    ({ cursor } = await cloud.call<{ cursor: string }>(
      'GET',
      `/submissions/s/jobs?limit=1000&cursor=${cursor}`,
    ));
  const read = countsOf(cloud, 10_000);
  show('bySubmit', run, read);
  const { total = Number.NaN } = dollars(run);
  expect(compare('submit: dollars a million jobs', 0.8, total)).toBeLessThan(0.3);
  const each = perThousand(run);
  expect(compare('submit: table units written a thousand jobs', 1017, each.tableWrites)).toBeLessThan(50);
  expect(compare('submit: index units written a thousand jobs', 6, each.indexWrites)).toBeLessThan(10);
  expect(compare('submit: units read a thousand jobs', 15, each.reads)).toBeLessThan(30);
  expect(compare('results: units read a thousand jobs', 25, perThousand(read).reads)).toBeLessThan(10);
  expect(each.apiRequests).toBeLessThan(3);
  expect(each.s3Puts).toBeLessThan(4);
});

it.each([
  // Batches of a chunk and more share little; of ten jobs, what each costs is what counts.
  [500, 150],
  [1000, 150],
  [10, 1300],
])('a thousand jobs in batches of %i write less than %i units to the table', async (batchSize, most) => {
  const { run } = await submitted(2000, batchSize);
  const { tableWrites } = perThousand(run);
  shown[`inBatchesOf${batchSize}`] = perThousand(run);
  expect(tableWrites).toBeLessThan(most);
});

it.each([
  [1, { reads: 1514, writes: 61 }, { reads: 15, writes: 18 }],
  [10, { reads: 5.8, writes: undefined }, { reads: 1.5, writes: 2 }],
])('a chunk of 500 cut into batches of %i', async (batchSize, before, most) => {
  const { run } = await submitted(500, batchSize);
  const name = `500 jobs in batches of ${batchSize}: units`;
  expect(compare(`${name} read a job`, before.reads, run.reads / 500)).toBeLessThan(most.reads);
  expect(compare(`${name} written a job`, before.writes, writesOf(run) / 500)).toBeLessThan(most.writes);
});

it('a thousand statuses take two requests of the store for each request of the API', async () => {
  const cloud = await open(5000);
  const ids: string[] = [];
  for (const record of records(1000))
    ids.push((await cloud.call<{ job_id: string }>('POST', '/job', record)).job_id);
  const ask = async () => {
    cloud.forget();
    for (let i = 0; i < ids.length; i += 100)
      await cloud.call('POST', '/jobs/status', { jobIds: ids.slice(i, i + 100) });
    return countsOf(cloud, 1000).storeRequests;
  };
  expect(await ask()).toBe(10);
  cloud.sagemaker.durationMs = 10 * MINUTE;
  await cloud.settle(MINUTE);
  expect(compare('1,000 statuses: requests of the store', 1010, await ask())).toBeLessThanOrEqual(20);
});

/** A hundred a second. */
it('a single job writes at most 5 units, index included, batch and bell apart', async () => {
  const cloud = await open(5000);
  const ids: string[] = [];
  for (const [n, record] of records(1000).entries()) {
    ids.push((await cloud.call<{ job_id: string }>('POST', '/job', record)).job_id);
    if (n % 100 === 99) await cloud.settle(1000);
  }
  await cloud.settle(MINUTE - 1 - 10_000);
  const run = countsOf(cloud, 1000);
  const ofJobs = unitsWritten(cloud, ['C', 'R']) / 1000;
  cloud.forget();
  for (const id of ids) expect(await cloud.call('GET', `/job/${id}`)).toMatchObject({ status: 'Processed' });
  show('oneRequestARecord', run, countsOf(cloud, 1000));
  shown['aSingleJobWithoutBatchAndBell'] = { unitsWritten: ofJobs };
  expect(ofJobs).toBeLessThanOrEqual(5);
  expect(compare('a single job: units written, batch and all', 6.1, writesOf(run) / 1000)).toBeLessThan(5.1);
  expect(compare('a single job: units read', 4.3, run.reads / 1000)).toBeLessThan(4.3);
  expect(run.storeRequests / 1000).toBeLessThan(4.5);
  expect(run.transformJobs).toBeLessThan(5);
});
