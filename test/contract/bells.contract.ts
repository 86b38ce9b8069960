/** The contract of bells: one suite that every adapter must pass. They may come twice or never; here nothing goes wrong. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bells } from '../../backend/ports/bells.ts';

export interface OpenBells {
  readonly bells: Bells;
  /** Epoch ms. */
  now(): number;
  /** Lets so many ms go by; gives the IDs of the batches whose bells were answered by then and not told before. */
  answered(afterMs: number): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** @param open gives bells that nobody has rung; called before each test */
export function bellsContract(name: string, open: () => Promise<OpenBells>): void {
  describe(`bells: ${name}`, () => {
    let opened: OpenBells;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.close());
    const bell = (id: string) => ({ kind: 'batch', id }) as const;

    it('are answered soon, one answer for all that ring alike', async () => {
      for (const id of ['b-1', 'b-2', 'b-1', 'b-1.0', 'b-1']) opened.bells.ring(bell(id));
      expect([...(await opened.answered(0))].sort()).toEqual(['b-1', 'b-1.0', 'b-2']);
      expect(await opened.answered(60_000)).toEqual([]);
    });

    it('ring again when they are rung again', async () => {
      for (let i = 0; i < 2; i++) {
        opened.bells.ring(bell('b-1'));
        expect(await opened.answered(0)).toEqual(['b-1']);
      }
    });

    it('ring at their time, not before, at the earliest that was asked for', async () => {
      const now = opened.now();
      for (const ms of [90_000, 60_000, 120_000]) opened.bells.ringAt(now + ms, bell('b-1'));
      opened.bells.ringAt(now + 30_000, bell('b-2'));
      expect(await opened.answered(29_000)).toEqual([]);
      expect(await opened.answered(2_000)).toEqual(['b-2']);
      expect(await opened.answered(28_000)).toEqual([]);
      expect(await opened.answered(2_000)).toEqual(['b-1']);
    });

    it('whose time is over ring soon', async () => {
      opened.bells.ringAt(opened.now() - 1, bell('b-1'));
      expect(await opened.answered(0)).toEqual(['b-1']);
    });
  });
}
