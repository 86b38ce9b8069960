import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiClient } from '../../../cli/src/client/client.ts';
import { selectedLines } from '../../../cli/src/client/selected-jobs.ts';
import { SubmissionSelection } from '../../../cli/src/client/selection.ts';
import { FAKE_KEY, FakeApi } from '../../support/fake-api.ts';

async function filled(sizes: readonly number[]): Promise<{ api: FakeApi; client: ApiClient }> {
  const api = new FakeApi();
  const client = new ApiClient({
    endpoint: 'http://fake',
    key: FAKE_KEY,
    fetch: api.fetch,
    now: Date.now,
    sleep: async () => {},
    signal: new AbortController().signal,
  });
  await client.openSubmission('s', {});
  let line = 0;
  for (const [n, size] of sizes.entries())
    await client.sendChunk(
      's',
      n,
      Array.from({ length: size }, () => `{"line":${++line},"record":${line}}`).join('\n'),
    );
  return { api, client };
}

async function listed(client: ApiClient, selection: SubmissionSelection): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of selectedLines(client, selection)) ids.push(...page.map(({ jobId }) => jobId));
  return ids;
}

describe('selectedLines', () => {
  it('gives every selected job once, in order, however pages fall', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 5 });
    const picks = fc.array(fc.boolean(), { minLength: 60, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(sizes, picks, fc.integer({ min: 1, max: 9 }), async (chunks, picked, pageSize) => {
        const { api, client } = await filled(chunks);
        api.pageSize = pageSize;
        const wanted = api.jobs.filter((_, i) => picked[i]);
        const selection = new SubmissionSelection('s');
        for (const { jobId } of [...wanted].reverse()) {
          const [, chunk, index] = jobId.split('.').map(Number);
          selection.add(chunk as number, index as number);
        }
        expect(await listed(client, selection)).toEqual(wanted.map(({ jobId }) => jobId));
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    [0, 5],
    [1, 7],
    [9, 0],
  ])('names a job that does not exist: %i.%i', async (chunk, index) => {
    const { client } = await filled([5, 5]);
    const selection = new SubmissionSelection('s');
    selection.add(0, 1);
    selection.add(chunk, index);
    await expect(listed(client, selection)).rejects.toThrow(
      `there is no job or submission s.${chunk}.${index}`,
    );
  });

  it('asks for side-by-side jobs by full pages', async () => {
    const { api, client } = await filled([500, 500, 500]);
    api.requests.length = 0;
    const selection = new SubmissionSelection('s');
    for (let i = 0; i < 1400; i++) selection.add(Math.floor(i / 500), i % 500);
    expect(await listed(client, selection)).toHaveLength(1400);
    expect(api.requests).toHaveLength(3);
  });
});
