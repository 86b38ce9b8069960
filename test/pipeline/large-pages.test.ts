import { describe, expect, it } from 'vitest';
import { resultLineJson } from '../../backend/api/views.ts';
import { MAX_ANSWER_BYTES, MAX_RESULT_BYTES } from '../../backend/core/answer-size.ts';
import { isLarge, type JobsPage, type PageQuery, pageOfJobs } from '../../backend/pipeline/read.ts';
import type { JobView, ReadLedger } from '../../backend/ports/ledger.ts';

const START = { chunk: 0, index: 0 };
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

/** A JSON string of so many bytes. */
function textOf(text: string, bytes: number): string {
  const each = Buffer.byteLength(text);
  return `"${text.repeat((bytes - 2) / each)}${'x'.repeat((bytes - 2) % each)}"`;
}

describe('pages of large results', () => {
  const link = { resultUrl: `https://bucket/${'x'.repeat(3000)}`, resultRange: 'bytes=0-1' };
  const lambdaBytes = (jobs: readonly JobView[]) =>
    Buffer.byteLength(
      JSON.stringify({
        body: jobs.map((job) => resultLineJson(job, isLarge(job) ? link : undefined)).join('\n'),
      }),
    );

  /** Forty jobs whose results hold so much of a text each, the eighth's more than any answer; left in an object or not. */
  function ledgerOf(text: string, bytes: number, left: boolean) {
    const asked: number[][] = [];
    const viewOf = (index: number, read: boolean): JobView => {
      const size = index === 7 ? MAX_RESULT_BYTES + 1 : bytes;
      const place = left ? { place: { object: 'o', from: 10, to: 10 + size } } : {};
      const unread = left && !read;
      const result = unread ? undefined : textOf(text, size);
      return {
        ref: { submission: 's', chunk: 0, index },
        line: index + 1,
        customId: undefined,
        status: 'Processed',
        generation: 0,
        acceptedAt: 0,
        endedAt: 1,
        error: undefined,
        result,
        ...place,
      };
    };
    const ledger: Partial<ReadLedger> = {
      chunks: async (_id, from) =>
        from === 0 ? [{ n: 0, jobs: upTo(40).map((n) => viewOf(n - 1, false)) }] : [],
      jobs: async (refs) => {
        asked.push(refs.map(({ index }) => index));
        return refs.map(({ index }) => viewOf(index, true));
      },
    };
    return { ledger: ledger as ReadLedger, asked };
  }

  it.each([
    ['plain', 'x', false],
    ['that are escaped again in an answer', '\\"', false],
    ['of many bytes a character', '€', false],
    ['left in their objects', 'x', true],
    ['left in their objects that are escaped again', '\\"', true],
  ])('%s end before an answer is too large, and every job is in one', async (_name, text, left) => {
    const { ledger, asked } = ledgerOf(text, 300_002, left);
    const lines: number[] = [];
    const read: number[][] = [];
    let pages = 0;
    for (let from: PageQuery['from'] | undefined = START; from; pages++) {
      const { jobs, next }: JobsPage = await pageOfJobs(ledger, 's', { from, limit: 1000 });
      expect(lambdaBytes(jobs)).toBeLessThan(MAX_ANSWER_BYTES);
      for (const job of jobs) expect(isLarge(job)).toBe(job.line === 8);
      lines.push(...jobs.map(({ line }) => line));
      read.push(jobs.filter((job) => !isLarge(job)).map(({ ref }) => ref.index));
      from = next;
    }
    expect([lines, pages]).toEqual([upTo(40), 5]);
    // What a page answers is read in one go, and nothing else.
    expect(asked).toEqual(left ? read : []);
  });

  it('that fill an answer alone are in it, one byte more and they are not', async () => {
    const { ledger } = ledgerOf('\\"', MAX_RESULT_BYTES, true);
    const { jobs } = await pageOfJobs(ledger, 's', { from: START, limit: 1000 });
    expect(jobs.map(isLarge)).toEqual([false]);
    expect(lambdaBytes(jobs)).toBeLessThan(MAX_ANSWER_BYTES);
    const rest = await pageOfJobs(ledger, 's', { from: { chunk: 0, index: 7 }, limit: 1 });
    expect(rest.jobs.map((job) => [isLarge(job), job.result])).toEqual([[true, undefined]]);
  });
});
