/** What jobs cost in requests, table units and objects, and that it stays so. Prints the figures as JSON. */
import { expect, it } from 'vitest';
import { Cloud, MINUTE } from '../support/aws/cloud.ts';
import { doubling, records } from '../support/memory-pipeline.ts';
import { type Counts, countsOf, dollars, fixedDollars, PRICES, perThousand } from './costs.ts';

const JOBS = 10_000;
const SINGLE_JOBS = 1000;

/** Reconcile is paid by the minute, not by the job: these stories end before its first. */
async function chunked(): Promise<{ run: Counts; read: Counts }> {
  const cloud = await Cloud.open(doubling());
  await cloud.submit('s', records(JOBS));
  await cloud.settle(MINUTE - 1);
  const run = countsOf(cloud, JOBS);
  cloud.forget();
  let cursor = '';
  do {
    const answer = await cloud.call<{ cursor: string | null }>(
      'GET',
      `/submissions/s/jobs?limit=1000${cursor}`,
    );
    cursor = answer.cursor === null ? '' : `&cursor=${answer.cursor}`;
  } while (cursor !== '');
  const read = countsOf(cloud, JOBS);
  expect(await cloud.counts('s')).toMatchObject({ Processed: JOBS });
  return { run, read };
}

/** A hundred a second. */
async function oneByOne(): Promise<{ run: Counts; read: Counts }> {
  const cloud = await Cloud.open(doubling());
  const ids: string[] = [];
  for (const [n, record] of records(SINGLE_JOBS).entries()) {
    ids.push((await cloud.call<{ job_id: string }>('POST', '/job', record)).job_id);
    if (n % 100 === 99) await cloud.settle(1000);
  }
  await cloud.settle(MINUTE - 1 - SINGLE_JOBS * 10);
  const run = countsOf(cloud, SINGLE_JOBS);
  cloud.forget();
  for (const id of ids) expect(await cloud.call('GET', `/job/${id}`)).toMatchObject({ status: 'Processed' });
  return { run, read: countsOf(cloud, SINGLE_JOBS) };
}

async function idleMinute(): Promise<Counts> {
  const cloud = await Cloud.open(doubling());
  await cloud.settle(MINUTE - 1);
  cloud.forget();
  await cloud.settle(10 * MINUTE);
  return perThousand(countsOf(cloud, 10_000));
}

it('cost what they cost', async () => {
  const [chunks, single, idle] = [await chunked(), await oneByOne(), await idleMinute()];
  const shown = ({ run, read }: typeof chunks) => ({
    perThousandJobs: perThousand(run),
    dollarsPerMillionJobs: dollars(run),
    readingResults: { perThousandJobs: perThousand(read), dollarsPerMillionJobs: dollars(read) },
  });
  const figures = {
    prices: PRICES,
    chunked: shown(chunks),
    oneRequestARecord: shown(single),
    fixedDollarsAMonth: fixedDollars(idle),
  };
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
  const each = perThousand(chunks.run);
  // A row for each job, and little besides.
  expect(each.tableWrites).toBeLessThan(1050);
  expect(each.indexWrites).toBeLessThan(10);
  expect(each.reads).toBeLessThan(30);
  expect(each.apiRequests).toBeLessThan(3);
  expect(each.streamBytes).toBeLessThan(200);
  expect(each.s3Puts).toBeLessThan(4);
  expect(dollars(chunks.run)['total']).toBeLessThan(1);
  const other = perThousand(single.run);
  expect(other.tableWrites).toBeLessThan(4500);
  expect(other.transformJobs).toBeLessThan(5);
});
