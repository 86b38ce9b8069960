import { beforeEach, describe, expect, it } from 'vitest';
import type { Ledger, SubmissionDraft } from '../../backend/ports/ledger.ts';
import { chunkOf, draftOf, pinOf, Steps, T0 } from './ledger-steps.ts';

/** What accepting promises: once acknowledged, a chunk is there once, as it was sent. */
export function acceptContract(open: () => Ledger): void {
  let ledger: Ledger;
  let steps: Steps;
  beforeEach(() => {
    ledger = open();
    steps = new Steps(ledger);
  });
  const opened = async (draft: SubmissionDraft) => {
    const answer = await ledger.openSubmission(draft);
    if (answer === 'expired') throw new Error('expired');
    return answer;
  };
  const total = async (id: string) => (await ledger.submission(id))?.counters.total;

  describe('openSubmission', () => {
    it('makes it once, and then gives what exists, whatever the draft says', async () => {
      const draft = draftOf('s', { name: 'data.jsonl', content: 'abc' });
      const first = await opened(draft);
      const other = draftOf('s', { name: 'other', pin: pinOf({ batchSize: 7 }), createdAt: T0 + 5 });
      const second = await opened(other);
      expect(first.created).toBe(true);
      expect(second).toEqual({ created: false, submission: first.submission });
      expect(first.submission).toMatchObject({ ...draft, closed: false, cancelling: false, generation: 0 });
      expect(first.submission.counters).toEqual({
        chunks: 0,
        total: 0,
        started: 0,
        processed: 0,
        failed: 0,
        cancelled: 0,
        retried: 0,
      });
      expect(await ledger.submission('s')).toEqual(first.submission);
    });

    it('makes one for many who ask at once', async () => {
      const all = await Promise.all([1, 2, 3, 4].map((i) => opened(draftOf('s', { name: `${i}` }))));
      expect(all.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(all.map(({ submission }) => submission.name)).size).toBe(1);
    });
  });

  describe('acceptChunk', () => {
    it('makes the submission with the pin it came with, and counts its jobs', async () => {
      const pin = pinOf({ batchSize: 12, contentType: 'text/csv' }, 'command:serve it');
      expect(await steps.accept(chunkOf('s', 0, 3), { pin })).toBe('accepted');
      expect(await ledger.submission('s')).toMatchObject({ id: 's', kind: 'batch', pin, closed: false });
      expect(await steps.counts('s')).toEqual({ Queued: 3 });
    });

    it('changes nothing when the chunk is sent again, and refuses other content', async () => {
      const chunk = chunkOf('s', 0, 3);
      await steps.accept(chunk);
      expect(await steps.accept({ ...chunk, acceptedAt: T0 + 99 })).toBe('repeated');
      expect(await steps.accept({ ...chunkOf('s', 0, 5), lines: 'other' })).toBe('conflict');
      expect(await total('s')).toBe(3);
      expect(String(await ledger.chunkLines('s', 0))).toBe(chunk.lines);
      expect((await steps.jobs('s'))[0]?.acceptedAt).toBe(chunk.acceptedAt);
    });

    it('accepts one of many that come at once', async () => {
      const same = chunkOf('s', 0, 3);
      const outcomes = await Promise.all([same, same, same, same].map((chunk) => steps.accept(chunk)));
      expect(outcomes.sort()).toEqual(['accepted', 'repeated', 'repeated', 'repeated']);
      const others = await Promise.all([4, 5].map((jobs) => steps.accept(chunkOf('s', 1, jobs))));
      expect(others.sort()).toEqual(['accepted', 'conflict']);
      const distinct = await Promise.all([2, 3, 4, 5].map((n) => steps.accept(chunkOf('s', n, 10))));
      expect(new Set(distinct)).toEqual(new Set(['accepted']));
      const second = (await ledger.chunks('s', 1, 1))[0]?.jobs.length ?? 0;
      expect(await total('s')).toBe(3 + second + 40);
    });

    it('takes no more chunks once closed, but still knows those that it has', async () => {
      await steps.submission('s', [3]);
      expect(await steps.accept(chunkOf('s', 1, 2))).toBe('closed');
      expect(await steps.accept(chunkOf('s', 0, 3))).toBe('repeated');
      expect(await steps.accept(chunkOf('s', 0, 4))).toBe('conflict');
      expect(await total('s')).toBe(3);
      expect(await ledger.chunks('s', 1, 10)).toEqual([]);
    });

    it("takes a single job's one chunk, and that closes it", async () => {
      const single = { kind: 'single' } as const;
      expect(await steps.accept(chunkOf('j', 0, 1), single)).toBe('accepted');
      expect(await steps.accept(chunkOf('j', 0, 1), single)).toBe('repeated');
      expect(await steps.accept({ ...chunkOf('j', 0, 1), sha256: 'other' }, single)).toBe('conflict');
      expect(await steps.accept(chunkOf('j', 1, 1), single)).toBe('closed');
      expect(await ledger.submission('j')).toMatchObject({ kind: 'single', closed: true });
      // Nor does a submission of many jobs of that name begin beside it.
      expect(await steps.accept(chunkOf('j', 1, 3))).toBe('closed');
      expect(await opened(draftOf('j'))).toMatchObject({ created: false, submission: { kind: 'single' } });
      expect(await steps.counts('j')).toEqual({ Queued: 1 });
    });

    it('keeps lines as their own text', async () => {
      const lines = [
        '{"id":"s.0.0","input":"\u2028 é日😀 \\u0000 \\"}"}\n',
        's.0.0,2,it\'s,"a,""b"\n',
        `{"id":"s.0.0","input":"${'x'.repeat(1_000_000)}"}\n`,
      ];
      for (const [n, text] of lines.entries()) await steps.accept({ ...chunkOf('s', n, 1), lines: text });
      for (const [n, text] of lines.entries()) expect(String(await ledger.chunkLines('s', n))).toBe(text);
    });
  });

  describe('closeSubmission', () => {
    it('closes at the number of jobs accepted, as often as it is asked', async () => {
      await steps.accept(chunkOf('s', 0, 3));
      expect(await ledger.closeSubmission('s', 3)).toMatchObject({ kind: 'closed', total: 3 });
      expect(await ledger.closeSubmission('s', 3)).toMatchObject({ kind: 'closed', total: 3 });
      expect(await ledger.submission('s')).toMatchObject({ closed: true });
    });

    it('leaves it open at any other number', async () => {
      await steps.accept(chunkOf('s', 0, 3));
      expect(await ledger.closeSubmission('s', 4)).toMatchObject({ kind: 'mismatch', total: 3 });
      expect(await ledger.closeSubmission('s', 2)).toMatchObject({ kind: 'mismatch', total: 3 });
      expect(await ledger.submission('s')).toMatchObject({ closed: false });
      expect(await steps.accept(chunkOf('s', 1, 1))).toBe('accepted');
      expect(await ledger.closeSubmission('s', 4)).toMatchObject({ kind: 'closed', total: 4 });
    });

    it('leaves it open at another number of chunks: one with as many jobs may be missing', async () => {
      for (const n of [0, 2]) await steps.accept(chunkOf('s', n, 2));
      expect(await ledger.closeSubmission('s', 4, 3)).toEqual({ kind: 'mismatch', total: 4, chunks: 2 });
      expect(await ledger.submission('s')).toMatchObject({ closed: false });
      expect(await ledger.closeSubmission('s', 4, 2)).toMatchObject({ kind: 'closed' });
    });

    it('knows what it does not know, and closes one without jobs', async () => {
      expect(await ledger.closeSubmission('nothing', 0)).toEqual({ kind: 'unknown' });
      await ledger.openSubmission(draftOf('empty'));
      expect(await ledger.closeSubmission('empty', 0)).toMatchObject({ kind: 'closed', total: 0 });
    });
  });
}
