import { beforeEach, describe, expect, it } from 'vitest';
import type { Ledger, Verdict } from '../../backend/ports/ledger.ts';
import { childrenOf, chunkOf, REASON, Steps, T0 } from './ledger-steps.ts';

/** What verdicts promise: each is applied once, and only to what it was decided for. */
export function verdictContract(open: () => Ledger): void {
  let ledger: Ledger;
  let steps: Steps;
  beforeEach(() => {
    ledger = open();
    steps = new Steps(ledger);
  });
  const requeue: Verdict = { kind: 'requeue', notBefore: T0 + 50, counts: true, reason: REASON };
  const fail: Verdict = { kind: 'fail', error: REASON };

  describe('applyVerdict', () => {
    it('requeue: the batch waits again, and its jobs stay started', async () => {
      const { batch, name } = await steps.running('a', 2);
      expect(await ledger.applyVerdict(batch.id, name, requeue, T0)).toBe(true);
      const again = { state: 'Waiting', notBefore: T0 + 50, requeues: 1, reason: REASON, attempts: 1 };
      expect(await steps.batch(batch.id)).toMatchObject(again);
      expect(await steps.counts('a')).toEqual({ Processing: 2 });
      const second = await steps.claim(batch.id);
      await ledger.applyVerdict(batch.id, second, { ...requeue, counts: false }, T0);
      expect(await steps.batch(batch.id)).toMatchObject({ requeues: 1, attempts: 2 });
    });

    it('hold: the batch is found by its scout', async () => {
      const { batch, name } = await steps.running('a', 2);
      const hold: Verdict = { kind: 'hold', scout: 'b-scout', reason: REASON };
      expect(await ledger.applyVerdict(batch.id, name, hold, T0)).toBe(true);
      expect((await ledger.heldFor('b-scout')).map(({ id }) => id)).toEqual([batch.id]);
      expect(await ledger.heldFor('another')).toEqual([]);
      expect(await ledger.applyVerdict(batch.id, undefined, fail, T0)).toBe(true);
      expect(await ledger.heldFor('b-scout')).toEqual([]);
      expect(await steps.counts('a')).toEqual({ Failed: 2 });
    });

    it('split: children take over', async () => {
      const { batch, name } = await steps.running('a', 4);
      const children = await steps.split(batch, name, 1, 2);
      expect((await steps.batch(batch.id)).state).toBe('Split');
      expect(await ledger.formingChildren(batch.id)).toEqual(children);
      expect(await ledger.heldFor(batch.id)).toEqual([]);
      expect(await ledger.family(batch.id)).toEqual(['Forming', 'Forming', 'Forming']);
      await ledger.markWaiting([children[0]?.id ?? '']);
      expect((await ledger.formingChildren(batch.id)).map(({ id }) => id)).toEqual(
        children.slice(1).map(({ id }) => id),
      );
      expect(await steps.counts('a')).toEqual({ Processing: 4 });
    });

    it('fail: its open jobs fail, each with the error', async () => {
      const { batch, name } = await steps.running('a', 2);
      expect(await ledger.applyVerdict(batch.id, name, fail, T0 + 3)).toBe(true);
      for (const job of await steps.jobs('a'))
        expect(job).toMatchObject({ status: 'Failed', error: REASON, endedAt: T0 + 3, result: undefined });
      expect(await steps.batch(batch.id)).toMatchObject({ state: 'Failed', reason: REASON });
      expect(await steps.counts('a')).toEqual({ Failed: 2 });
    });

    it('is applied once, and only while it is so', async () => {
      const { batch, name } = await steps.running('a', 2);
      expect(await ledger.applyVerdict(batch.id, 'another', fail, T0)).toBe(false);
      expect(await ledger.applyVerdict(batch.id, undefined, fail, T0)).toBe(false);
      expect(await ledger.applyVerdict('unknown', name, fail, T0)).toBe(false);
      const at = [requeue, requeue, requeue].map((verdict) =>
        ledger.applyVerdict(batch.id, name, verdict, T0),
      );
      expect((await Promise.all(at)).sort()).toEqual([false, false, true]);
      expect(await ledger.applyVerdict(batch.id, name, fail, T0)).toBe(false);
      expect(await steps.counts('a')).toEqual({ Processing: 2 });
      const second = await steps.claim(batch.id);
      expect(await ledger.applyVerdict(batch.id, name, fail, T0)).toBe(false);
      const fails = [1, 2, 3].map(() => ledger.applyVerdict(batch.id, second, fail, T0));
      expect((await Promise.all(fails)).sort()).toEqual([false, false, true]);
      expect(await ledger.applyVerdict(batch.id, second, fail, T0)).toBe(false);
      expect(await steps.counts('a')).toEqual({ Failed: 2 });
    });

    it('takes single jobs from the budget of their submission, and fails the batch that exceeds it', async () => {
      const first = await steps.running('a', 4);
      const verdict = (batch: typeof first.batch, budget: number): Verdict => ({
        kind: 'split',
        children: childrenOf(batch, [1, 2, 3]),
        budget,
        reason: REASON,
      });
      await ledger.applyVerdict(first.batch.id, first.name, verdict(first.batch, 4), T0);
      expect((await steps.batch(first.batch.id)).state).toBe('Split');
      await steps.accept(chunkOf('b', 0, 4));
      const second = await steps.waiting([{ submission: 'b', chunk: 0, from: 0, to: 4 }]);
      const name = await steps.claim(second.id);
      await ledger.applyVerdict(second.id, name, verdict(second, 3), T0);
      expect((await steps.batch(second.id)).state).toBe('Failed');
      expect(await ledger.family(second.id)).toEqual([]);
      const [job] = await steps.jobs('b');
      expect(job?.error).toMatchObject({ code: 'isolation_budget' });
      expect(job?.error?.message).toContain(REASON.message);
    });

    it('adds up what several splits of one submission take from its budget', async () => {
      await steps.submission('a', [2, 2]);
      const [one, two] = [
        await steps.waiting([{ submission: 'a', chunk: 0, from: 0, to: 2 }]),
        await steps.waiting([{ submission: 'a', chunk: 1, from: 0, to: 2 }]),
      ];
      const name = await steps.claim(one.id, two.id);
      for (const batch of [one, two]) {
        const verdict = {
          kind: 'split',
          children: childrenOf(batch, [1]),
          budget: 3,
          reason: REASON,
        } as const;
        await ledger.applyVerdict(batch.id, name, verdict, T0);
      }
      expect((await steps.batch(one.id)).state).toBe('Split');
      expect((await steps.batch(two.id)).state).toBe('Failed');
    });
  });

  describe('failWaiting', () => {
    it('fails a Waiting batch once, and no other', async () => {
      await steps.submission('a', [2]);
      const batch = await steps.waiting([{ submission: 'a', chunk: 0, from: 0, to: 2 }]);
      const at = [1, 2].map(() => ledger.failWaiting(batch.id, REASON, T0));
      expect((await Promise.all(at)).sort()).toEqual([false, true]);
      expect(await steps.counts('a')).toEqual({ Failed: 2 });
      const running = await steps.running('b', 2);
      expect(await ledger.failWaiting(running.batch.id, REASON, T0)).toBe(false);
      await ledger.applyVerdict(running.batch.id, running.name, requeue, T0);
      expect(await ledger.failWaiting(running.batch.id, REASON, T0)).toBe(true);
      expect(await steps.counts('b')).toEqual({ Failed: 2 });
    });
  });
}
