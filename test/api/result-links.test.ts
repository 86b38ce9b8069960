import type { ResultLine } from '@batchml/backend/wire';
import { DEFAULT_SETTINGS } from '@batchml/backend/words';
import { expect, test } from 'vitest';
import { createApi } from '../../backend/api/app.ts';
import type { Ports } from '../../backend/ports/index.ts';
import type { JobView } from '../../backend/ports/ledger.ts';

test('large results are answered by a signed address and a range of it where such can be made, and by no path', async () => {
  const signed: string[] = [];
  const view = (index: number): JobView => ({
    ref: { submission: 's', chunk: 0, index },
    line: index + 1,
    customId: undefined,
    status: 'Processed',
    generation: 0,
    acceptedAt: 0,
    endedAt: 1,
    result: undefined,
    place: { object: 'result/t/b.out', from: 10, to: 9_000_010 },
    error: undefined,
  });
  const ledger = {
    submission: async () => ({ id: 's' }),
    chunks: async (_: string, n: number) => (n === 0 ? [{ n, jobs: [view(0), view(1)] }] : []),
  };
  const app = createApi({
    ports: { ledger } as unknown as Ports,
    pin: { model: 'm', settings: DEFAULT_SETTINGS },
    apiKey: undefined,
    presign: async (object) => `https://bucket/${object}?${signed.push(object)}`,
  });
  const { jobs } = (await (await app.request('/submissions/s/jobs')).json()) as { jobs: ResultLine[] };
  const link = { resultUrl: 'https://bucket/result/t/b.out?1', resultRange: 'bytes=10-9000009' };
  expect(jobs).toMatchObject([link, link]);
  // Of one object one signature serves an answer.
  expect(signed).toEqual(['result/t/b.out']);
  expect((await app.request('/job/s.0.0/result')).status).toBe(404);
});
