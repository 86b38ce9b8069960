import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isFinal } from '../../backend/core/job.ts';
import { type JobsPage, type PageQuery, pageOfJobs } from '../../backend/pipeline/read.ts';
import { doubling, MemoryPipeline, records } from '../support/memory-pipeline.ts';

let pipeline: MemoryPipeline;
afterEach(() => pipeline.close());

const START = { chunk: 0, index: 0 };
const page = (query: Partial<PageQuery> = {}): Promise<JobsPage> =>
  pageOfJobs(pipeline.ports.ledger, 's', { from: START, limit: 7, ...query });

/** Line numbers of all pages, by page. */
async function pages(query: Partial<PageQuery> = {}): Promise<number[][]> {
  const all: number[][] = [];
  for (let from: PageQuery['from'] | undefined = START; from; ) {
    const { jobs, next }: JobsPage = await page({ ...query, from });
    all.push(jobs.map(({ line }) => line));
    from = next;
  }
  return all;
}
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe('pages of a finished submission', () => {
  beforeEach(async () => {
    pipeline = await MemoryPipeline.open(doubling((n) => n === 150 || n === 151 || n === 799));
    await pipeline.submit('s', records(800), { chunkSize: 5 });
    await pipeline.settle();
  });

  it.each([1, 4, 5, 7, 500, 1000])('of %i jobs give every job once, in input order', async (limit) => {
    const all = await pages({ limit });
    expect(all.flat()).toEqual(upTo(800));
    expect(Math.max(...all.map((lines) => lines.length))).toBeLessThanOrEqual(limit);
    expect((await page({ limit })).pending).toBe(false);
  });

  it('of one status look only where there may be some', async () => {
    expect((await pages({ status: 'Failed' })).flat()).toEqual([151, 152, 800]);
    expect((await pages({ status: 'Failed', limit: 1 })).flat()).toEqual([151, 152, 800]);
    expect((await pages({ status: 'Failed' })).length).toBeLessThanOrEqual(2);
    expect((await pages({ status: 'Processed' })).flat()).toHaveLength(797);
    expect((await pages({ status: 'Cancelled' })).flat()).toEqual([]);
  });

  it('end though few match: a page looks through so many chunks and no more', async () => {
    const all = await pages({ status: 'Cancelled' });
    expect(all.length).toBeGreaterThan(1);
    expect(all.length).toBeLessThan(10);
  });

  it('begin where they are told', async () => {
    const { jobs } = await page({ from: { chunk: 2, index: 3 }, limit: 3 });
    expect(jobs.map(({ line }) => line)).toEqual([14, 15, 16]);
    expect(await page({ from: { chunk: 160, index: 0 } })).toEqual({
      jobs: [],
      next: undefined,
      pending: false,
    });
    expect((await page({ from: { chunk: 0, index: 99 }, limit: 1 })).jobs[0]?.line).toBe(6);
  });
});

describe('pages of a submission under way', () => {
  beforeEach(async () => {
    pipeline = await MemoryPipeline.open(doubling());
    await pipeline.submit('s', records(20), { chunkSize: 5, settings: { batchSize: 5 } });
  });

  it('stop before the first job that is not final, and go on from there', async () => {
    pipeline.transforms.trouble.dropOutput = (batch, attempt) => attempt === 1 && batch.endsWith('2');
    pipeline.transforms.trouble.holding = true;
    await pipeline.settle(0);
    const none = await page({ final: true, limit: 100 });
    expect(none).toEqual({ jobs: [], next: START, pending: true });
    await pipeline.transforms.finish(pipeline.transforms.inProgress[0] as string);
    await pipeline.settle(0);
    const some = await page({ final: true, limit: 100 });
    expect(some.jobs.map(({ line }) => line)).toEqual(upTo(10));
    expect(some).toMatchObject({ next: { chunk: 2, index: 0 }, pending: true });
    expect(some.jobs.every(({ status }) => isFinal(status))).toBe(true);
    for (const name of pipeline.transforms.inProgress) await pipeline.transforms.finish(name);
    await pipeline.settle(0);
    const rest = await page({ final: true, limit: 100, from: some.next as typeof START });
    expect(rest.jobs.map(({ line }) => line)).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
    expect(rest).toMatchObject({ next: undefined, pending: false });
  });

  it('show a line for each job at any time, with a result only when it is final', async () => {
    pipeline.transforms.trouble.holding = true;
    for (const status of ['Queued', 'Processing']) {
      const { jobs } = await page({ limit: 100 });
      expect(jobs.map(({ line }) => line)).toEqual(upTo(20));
      for (const job of jobs) expect(job).toMatchObject({ status, result: undefined, error: undefined });
      await pipeline.settle(0);
    }
  });
});
