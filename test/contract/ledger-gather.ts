import { beforeEach, describe, expect, it } from 'vitest';
import type { Ledger } from '../../backend/ports/ledger.ts';
import { batchOf, chunkOf, pinOf, refsOf, Steps, T0 } from './ledger-steps.ts';

/** What gathering promises: every chunk's jobs are in batches once. */
export function gatherContract(open: () => Ledger): void {
  let ledger: Ledger;
  let steps: Steps;
  beforeEach(() => {
    ledger = open();
    steps = new Steps(ledger);
  });
  const names = async (limit = 100) =>
    (await ledger.openChunks(limit)).map(({ submission, n }) => `${submission}.${n}`);

  describe('openChunks', () => {
    it('lists chunks without a batch, oldest first, of everything', async () => {
      await steps.accept(chunkOf('a', 0, 3, { acceptedAt: T0 + 30 }));
      await steps.accept(chunkOf('b', 0, 4, { acceptedAt: T0 + 10 }));
      await steps.accept(chunkOf('a', 1, 5, { acceptedAt: T0 + 20 }));
      expect(await names()).toEqual(['b.0', 'a.1', 'a.0']);
      expect(await names(2)).toEqual(['b.0', 'a.1']);
    });

    it('says what decides where a chunk goes', async () => {
      const chunk = chunkOf('a', 2, 3, { lines: 'é\n\n\n', acceptedAt: T0 + 7 });
      await steps.accept(chunk);
      const [listed] = await ledger.openChunks(10);
      expect(listed).toMatchObject({
        submission: 'a',
        n: 2,
        jobs: 3,
        bytes: 5,
        acceptedAt: T0 + 7,
        closed: false,
      });
    });

    it('tells closed ones; a single job waits for company all the same', async () => {
      await steps.submission('a', [2]);
      await steps.accept(chunkOf('b', 0, 2, { acceptedAt: T0 + 1 }));
      await steps.accept(chunkOf('j', 0, 1, { acceptedAt: T0 + 2 }), { kind: 'single' });
      expect((await ledger.openChunks(10)).map(({ closed }) => closed)).toEqual([true, false, false]);
    });

    it('puts chunks of one submission, and single jobs of one pin, in one group; never two pins', async () => {
      const [five, six] = [pinOf({ batchSize: 5 }), pinOf({ batchSize: 6 })];
      await steps.accept(chunkOf('a', 0, 1), { pin: five });
      await steps.accept(chunkOf('a', 1, 1), { pin: five });
      await steps.accept(chunkOf('b', 2, 1), { pin: six });
      await steps.accept(chunkOf('c', 3, 1), { pin: pinOf({ batchSize: 5 }, 'http://other') });
      await steps.accept(chunkOf('j', 0, 1, { acceptedAt: T0 + 1 }), { kind: 'single', pin: five });
      await steps.accept(chunkOf('k', 0, 1, { acceptedAt: T0 + 2 }), { kind: 'single', pin: five });
      await steps.accept(chunkOf('l', 0, 1, { acceptedAt: T0 + 3 }), { kind: 'single', pin: six });
      const chunks = await ledger.openChunks(10);
      const groupOf = (id: string) =>
        chunks.filter(({ submission }) => submission === id).map(({ group }) => group);
      expect(new Set(groupOf('a')).size).toBe(1);
      expect(groupOf('j')).toEqual(groupOf('k'));
      expect(new Set([...groupOf('b'), ...groupOf('c'), ...groupOf('j')]).size).toBe(3);
      expect(groupOf('l')).not.toEqual(groupOf('j'));
    });
  });

  describe('formBatches', () => {
    const whole = (submission: string, chunk: number, to: number) => ({ submission, chunk, from: 0, to });

    it('records batches as Forming, with what the draft says', async () => {
      await steps.submission('a', [3, 2]);
      const draft = batchOf('b-1', [whole('a', 0, 3), whole('a', 1, 2)]);
      expect(await ledger.formBatches([draft])).toEqual([draft]);
      expect(await ledger.batch('b-1')).toEqual(draft);
      expect(await names()).toEqual([]);
      expect(await steps.counts('a')).toEqual({ Queued: 5 });
    });

    it('gives a chunk to one of two who ask for it, and the other only what is left', async () => {
      await steps.submission('a', [3, 2]);
      await ledger.formBatches([batchOf('b-1', [whole('a', 0, 3)])]);
      const [second, third] = await ledger.formBatches([
        batchOf('b-2', [whole('a', 0, 3), whole('a', 1, 2)]),
        batchOf('b-3', [whole('a', 0, 3)]),
      ]);
      expect(second).toMatchObject({ members: [whole('a', 1, 2)], jobs: 2 });
      expect(third).toMatchObject({ members: [], jobs: 0 });
      expect(await ledger.batch('b-2')).toMatchObject({ state: 'Forming', members: [whole('a', 1, 2)] });
      expect(await ledger.batch('b-3')).toMatchObject({ state: 'Done', jobs: 0 });
    });

    it('gives every chunk once to gatherers at once', async () => {
      await steps.submission('a', [1, 1, 1, 1]);
      const drafts = [0, 1, 2].map((i) =>
        batchOf(
          `b-${i}`,
          [0, 1, 2, 3].map((n) => whole('a', n, 1)),
        ),
      );
      const formed = (await Promise.all(drafts.map((draft) => ledger.formBatches([draft])))).flat();
      const chunks = formed.flatMap(({ members }) => members.map(({ chunk }) => chunk));
      expect(chunks.sort()).toEqual([0, 1, 2, 3]);
    });

    it('gives the ranges of a cut chunk to the batches that name them', async () => {
      await steps.submission('a', [5]);
      const cut = { base: 'b', size: 3 };
      const [first, second] = await ledger.formBatches([
        batchOf('b_0000', [{ submission: 'a', chunk: 0, from: 0, to: 3 }], { cut }),
        batchOf('b_0001', [{ submission: 'a', chunk: 0, from: 3, to: 5 }], { cut }),
      ]);
      expect([first?.jobs, second?.jobs]).toEqual([3, 2]);
      await ledger.markWaiting(['b_0001']);
      await steps.claim('b_0001');
      expect(await steps.statuses('a')).toEqual(['Queued', 'Queued', 'Queued', 'Processing', 'Processing']);
    });

    it('changes nothing when it is repeated', async () => {
      await steps.submission('a', [3]);
      const draft = batchOf('b-1', [whole('a', 0, 3)]);
      const formed = await ledger.formBatches([draft]);
      expect(await ledger.formBatches([draft])).toEqual(formed);
      expect(await ledger.batch('b-1')).toEqual(draft);
    });
  });

  describe('formBatches of a batch that lost a job to a cancel', () => {
    it('finds the same members again, and what it starts is counted once', async () => {
      await steps.submission('a', [3]);
      const draft = batchOf('b-1', [{ submission: 'a', chunk: 0, from: 0, to: 3 }]);
      await ledger.formBatches([draft]);
      expect(await ledger.cancelJobs(refsOf('a', 0, [1]), T0)).toBe(1);
      expect(await ledger.formBatches([draft])).toEqual([draft]);
      await ledger.markWaiting(['b-1']);
      await steps.claim('b-1');
      expect(await steps.counts('a')).toEqual({ Processing: 2, Cancelled: 1 });
    });
  });

  describe('markWaiting', () => {
    it('moves Forming batches on, and leaves others alone', async () => {
      const { batch } = await steps.running('a', 1);
      await steps.submission('c', [1]);
      const forming = await steps.formed([{ submission: 'c', chunk: 0, from: 0, to: 1 }]);
      for (let i = 0; i < 2; i++) await ledger.markWaiting([batch.id, forming.id, 'unknown']);
      expect(await ledger.batch(batch.id)).toEqual(batch);
      expect(await ledger.batch(forming.id)).toEqual({ ...forming, state: 'Waiting' });
    });
  });
}
