/** Large results: left where the model's output is, read by range, and given in answers that Lambda can carry (6 MB). */
import { expect, it } from 'vitest';
import { MAX_ANSWER_BYTES } from '../../backend/pipeline/read.ts';
import { Cloud, KEY } from '../support/aws/cloud.ts';
import { numberOf, records } from '../support/memory-pipeline.ts';

const COUNT = 24;
/** What the eighth says is larger than any answer. */
const textOf = (n: number) => '€"'.repeat(n === 7 ? MAX_ANSWER_BYTES / 4 : 75_000 + n);

interface Line {
  readonly line: number;
  readonly jobId: string;
  readonly status: string;
  readonly result?: string | null;
  readonly resultPlace?: { readonly object: string; readonly from: number; readonly to: number };
}

async function finished(): Promise<Cloud> {
  const cloud = await Cloud.open((record) => JSON.stringify(textOf(numberOf(record))));
  await cloud.submit('s', records(COUNT), { chunkSize: 10 });
  await cloud.finish(['s']);
  return cloud;
}

async function ask<T>(cloud: Cloud, method: string, path: string, body?: unknown): Promise<T> {
  const answer = await cloud.fetch(method, path, { body, headers: { 'x-api-key': KEY } });
  const text = await answer.text();
  expect([answer.status, JSON.stringify({ body: text }).length < 6_000_000]).toEqual([200, true]);
  return JSON.parse(text) as T;
}

function expectLine(line: Line, n: number): void {
  expect([line.line ?? n + 1, line.status]).toEqual([n + 1, 'Processed']);
  if (n !== 7) expect([line.result === textOf(n), line.resultPlace]).toEqual([true, undefined]);
  else
    expect([line.result ?? null, line.resultPlace?.object]).toEqual([null, expect.stringMatching(/\.out$/)]);
}

it('come by pages, each as it is, and one that is larger than any answer by its place', async () => {
  const cloud = await finished();
  const lines: Line[] = [];
  for (let cursor: string | null = '0.0'; cursor !== null; ) {
    const page: { jobs: Line[]; cursor: string | null } = await ask(
      cloud,
      'GET',
      `/submissions/s/jobs?limit=1000&cursor=${cursor}`,
    );
    lines.push(...page.jobs);
    cursor = page.cursor;
  }
  expect(lines).toHaveLength(COUNT);
  for (const [n, line] of lines.entries()) expectLine(line, n);
});

it('come by their IDs, as many as an answer holds at a time', async () => {
  const cloud = await finished();
  const all = (await cloud.jobs('s')).map(({ ref }) => `${ref.submission}.${ref.chunk}.${ref.index}`);
  const lines: Line[] = [];
  let answers = 0;
  for (let left = all; left.length > 0; answers++) {
    const { jobs, later = [] } = await ask<{ jobs: Line[]; later?: string[] }>(
      cloud,
      'POST',
      '/jobs/status',
      {
        jobIds: left,
      },
    );
    lines.push(...jobs);
    expect(later.length).toBeLessThan(left.length);
    left = later;
  }
  expect(lines.map(({ jobId }) => jobId)).toEqual(all);
  for (const [n, line] of lines.entries()) expectLine(line, n);
  expect(answers).toBeGreaterThan(1);
});
