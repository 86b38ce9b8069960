/** What the ledger asks its store for: requests and items, by how much work there is. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jobsOf } from '../../backend/core/batch.ts';
import { batchOf, chunkOf, draftOf, refsOf, Steps, T0 } from '../contract/ledger-steps.ts';
import { forget, openStore, type StoreBackend } from '../support/store-backend.ts';

let backend: StoreBackend;
let steps: Steps;
beforeEach(async () => {
  backend = await openStore({ now: () => T0 });
  steps = new Steps(backend.ledger);
});
afterEach(() => backend.close());

const members = (id: string, chunks: number, jobs: number) =>
  Array.from({ length: chunks }, (_, chunk) => ({ submission: id, chunk, from: 0, to: jobs }));

describe('a submission', () => {
  it('of a thousand jobs is written in few items, whatever the number of jobs in a chunk', async () => {
    await steps.submission('s', [500, 500]);
    const batch = await steps.waiting(members('s', 2, 500));
    const name = await steps.claim(batch.id);
    await steps.file(batch, '{"label":"positive"}');
    await backend.ledger.endTransformJob(name, undefined);
    expect(await steps.counts('s')).toEqual({ Processed: 1000 });
    expect(backend.asked.itemsWritten).toBeLessThan(60);
  });

  it('is filed once when its outputs are filed twice at the same time', async () => {
    await steps.submission('s', [500, 500]);
    const batch = await steps.waiting(members('s', 2, 500));
    await steps.claim(batch.id);
    const results = [...jobsOf(batch.members)].map((ref) => ({ ref, result: '1' }));
    forget(backend.asked);
    await Promise.all([1, 2].map(() => backend.ledger.fileResults([{ batch: batch.id, results }], T0)));
    expect(backend.asked.itemsWritten).toBeLessThan(16);
    expect(backend.asked.refused).toBeLessThanOrEqual(4);
    forget(backend.asked);
    await backend.ledger.fileResults([{ batch: batch.id, results }], T0);
    expect(backend.asked.itemsWritten).toBe(0);
  });
});

describe('a chunk cut into batches of one job', () => {
  it('costs few reads and writes a job', async () => {
    await steps.submission('s', [500]);
    const { ledger, asked } = backend;
    forget(asked);
    const cut = { base: 'b', size: 1 };
    const drafts = refsOf('s', 0, [...Array(500).keys()]).map(({ index }) =>
      batchOf(
        `b_${String(index).padStart(4, '0')}`,
        [{ submission: 's', chunk: 0, from: index, to: index + 1 }],
        {
          cut,
        },
      ),
    );
    const ids = drafts.map(({ id }) => id);
    const formed = await ledger.formBatches(drafts);
    expect(formed.every(({ jobs }) => jobs === 1)).toBe(true);
    await ledger.markWaiting(ids);
    const name = await steps.claim(...ids);
    expect((await ledger.runningBatches(name)).length).toBe(500);
    const filings = drafts.map(({ id, members: [member] }) => ({
      batch: id,
      results: [{ ref: { submission: 's', chunk: 0, index: member?.from ?? 0 }, result: '1' }],
    }));
    await ledger.fileResults(filings, T0);
    await ledger.endTransformJob(name, undefined);
    expect(await steps.counts('s')).toEqual({ Processed: 500 });
    expect(asked.itemsWritten / 500).toBeLessThan(5);
    expect(asked.itemsRead / 500).toBeLessThan(12);
  });
});

describe('reading', () => {
  it('a thousand statuses takes a few requests', async () => {
    await steps.submission('s', [500, 500]);
    const batch = await steps.waiting(members('s', 1, 500));
    await steps.claim(batch.id);
    await steps.file(batch);
    const refs = [0, 1].flatMap((chunk) => refsOf('s', chunk, [...Array(500).keys()]));
    forget(backend.asked);
    for (let i = 0; i < 1000; i += 100) await backend.ledger.jobs(refs.slice(i, i + 100));
    expect(backend.asked.reads).toBeLessThan(40);
  });

  it('a submission costs the same, however many chunks it has', async () => {
    const cost = async (id: string) => {
      forget(backend.asked);
      await backend.ledger.submission(id);
      return [backend.asked.reads, backend.asked.itemsRead];
    };
    await steps.submission('small', Array(16).fill(1));
    await steps.submission('large', Array(200).fill(1));
    // Whatever is remembered is remembered of both.
    await cost('small');
    expect(await cost('large')).toEqual(await cost('small'));
  });

  it('large results that stand beside each other takes one request, and none that is not asked for', async () => {
    await steps.submission('s', [100]);
    const batch = await steps.waiting(members('s', 1, 100));
    await steps.claim(batch.id);
    const text = `"${'x'.repeat(20_000)}"`;
    const object = 'result/t/b.out';
    let from = 0;
    const results = [...jobsOf(batch.members)].map((ref, i) => {
      // What deflates to nothing would fit a segment.
      const result = `"${Buffer.from(Array.from({ length: 15_000 }, (_, n) => (n * 7919 + i * 104_729) % 251)).toString('base64')}"`;
      const place = { object, from, to: from + result.length };
      from = place.to + 40;
      return { ref, result, place };
    });
    backend.blobs.objects.set(object, results.map(({ result }) => result + ' '.repeat(40)).join(''));
    expect(text.length).toBeGreaterThan(4096);
    await backend.ledger.fileResults([{ batch: batch.id, results }], T0);
    backend.blobs.reads = 0;
    const [view] = await backend.ledger.chunks('s', 0, 1);
    expect(view?.jobs.every((job) => (job.place === undefined) !== (job.result === undefined))).toBe(true);
    expect(backend.blobs.reads).toBe(0);
    const found = await backend.ledger.jobs(refsOf('s', 0, [10, 11, 12, 13]));
    expect(found.map((job) => job?.result)).toEqual(results.slice(10, 14).map(({ result }) => result));
    expect(backend.blobs.reads).toBeLessThanOrEqual(1);
  });

  it('failed jobs of a submission without any takes no look at its chunks', async () => {
    await steps.submission('s', [2, 2, 2]);
    forget(backend.asked);
    expect(await backend.ledger.beginRetry('s', 0, 'all')).toBe(false);
    expect(backend.asked.reads).toBeLessThanOrEqual(3);
  });
});

describe('a single job', () => {
  it('is accepted by one write, and costs three in its life', async () => {
    const { ledger, asked } = backend;
    await ledger.acceptChunk(chunkOf('j-0', 0, 1), draftOf('j-0', { kind: 'single' }));
    forget(asked);
    const ids = Array.from({ length: 100 }, (_, i) => `j-${i + 1}`);
    for (const id of ids) await ledger.acceptChunk(chunkOf(id, 0, 1), draftOf(id, { kind: 'single' }));
    expect({ writes: asked.writes, reads: asked.reads }).toEqual({ writes: 100, reads: 0 });
    const batch = await steps.waiting(
      ids.map((submission) => ({ submission, chunk: 0, from: 0, to: 1 })),
      { owner: undefined },
    );
    await steps.claim(batch.id);
    await steps.file(batch);
    expect(asked.itemsWritten / 100).toBeLessThan(3.2);
    expect(asked.refused).toBe(0);
    expect(await steps.counts('j-7')).toEqual({ Processed: 1 });
  });
});
