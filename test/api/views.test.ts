import { describe, expect, it } from 'vitest';
import { resultLineJson } from '../../backend/api/views.ts';
import type { JobStatus } from '../../backend/core/job.ts';
import type { JobView } from '../../backend/ports/ledger.ts';

const viewOf = (status: JobStatus, more: Partial<JobView> = {}): JobView => ({
  ref: { submission: 's', chunk: 0, index: 0 },
  line: 1,
  customId: undefined,
  status,
  generation: 0,
  acceptedAt: 0,
  endedAt: 1,
  result: undefined,
  error: undefined,
  ...more,
});

describe('a line of results', () => {
  const error = { code: 'model_error', message: 'no text' } as const;
  it.each([
    ['Processed', { result: 'null' }, { result: null }],
    ['Failed', { error }, { error }],
    ['Cancelled', {}, {}],
  ] as const)('of a %s job has a result or an error, and never both', (status, more, shown) => {
    expect(JSON.parse(resultLineJson(viewOf(status, more), undefined))).toEqual({
      line: 1,
      jobId: 's.0.0',
      status,
      ...shown,
    });
  });
});
