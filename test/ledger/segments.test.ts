/** Segments: what is kept of jobs that ended one by one, and what is said when some of it is gone. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refsOf, Steps, T0 } from '../contract/ledger-steps.ts';
import { openStore, type StoreBackend } from '../support/store-backend.ts';

let backend: StoreBackend;
let steps: Steps;
beforeEach(async () => {
  backend = await openStore({ now: () => T0 });
  steps = new Steps(backend.ledger);
});
afterEach(() => backend.close());

describe('a chunk whose jobs end one by one', () => {
  it('keeps each result, also when their segments are merged', async () => {
    const indexes = [...Array(80).keys()];
    await steps.submission('s', [indexes.length]);
    const batch = await steps.waiting([{ submission: 's', chunk: 0, from: 0, to: indexes.length }]);
    await steps.claim(batch.id);
    const resultOf = (index: number) => `{"n":${index}}`;
    for (const ref of refsOf('s', 0, indexes)) {
      await backend.ledger.fileResults(
        [{ batch: batch.id, results: [{ ref, result: resultOf(ref.index) }] }],
        T0,
      );
      if (ref.index % 11 !== 0 && ref.index < 77) continue;
      const ended = (await steps.jobs('s')).filter(({ status }) => status === 'Processed');
      expect(ended.map(({ result }) => result)).toEqual(indexes.slice(0, ref.index + 1).map(resultOf));
    }
  });
});

describe('a segment that is gone', () => {
  it('is an error, never an empty result', async () => {
    const { batch } = await steps.running('s', 2);
    await steps.file(batch);
    backend.gone('R#s#0');
    await expect(backend.ledger.chunks('s', 0, 1)).rejects.toThrow('missing');
    await expect(backend.ledger.jobs(refsOf('s', 0, [1]))).rejects.toThrow('missing');
    expect(await backend.ledger.submission('s')).toMatchObject({ counters: { processed: 2 } });
  });
});
