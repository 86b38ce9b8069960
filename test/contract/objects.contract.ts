/** The contract of objects: one suite that every adapter must pass. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Objects } from '../../backend/ports/objects.ts';

export interface OpenObjects {
  readonly objects: Objects;
  close(): Promise<void>;
}

/** @param open gives objects where there are none; called before each test */
const bytes = (...texts: readonly string[]) => texts.map((text) => Buffer.from(text));

export function objectsContract(name: string, open: () => Promise<OpenObjects>): void {
  describe(`objects: ${name}`, () => {
    let opened: OpenObjects;
    let objects: Objects;
    beforeEach(async () => {
      opened = await open();
      objects = opened.objects;
    });
    afterEach(() => opened.close());

    it('puts the parts of each one after the other, as their own text', async () => {
      const text = '{"id":"a.0.0","input":"\u2028 é日😀 \\u0000"}\n';
      await objects.writeBatches([
        { batch: 'b-1', parts: bytes(text, 'é'.repeat(100_000), text) },
        { batch: 'b-1.0.21', parts: bytes(text) },
        { batch: 'empty', parts: [] },
      ]);
      expect(await objects.readBatch('b-1')).toBe(text + 'é'.repeat(100_000) + text);
      expect(await objects.readBatch('b-1.0.21')).toBe(text);
      expect(await objects.readBatch('empty')).toBe('');
    });

    it('knows no object that was not written', async () => {
      expect(await objects.readBatch('b-1')).toBeUndefined();
      await objects.writeBatches([]);
      await objects.writeBatches([{ batch: 'b-1', parts: bytes('x') }]);
      expect(await objects.readBatch('b-10')).toBeUndefined();
      expect(await objects.readBatch('b-1.0')).toBeUndefined();
    });

    it('changes nothing when one is written again', async () => {
      for (let i = 0; i < 2; i++)
        await objects.writeBatches([{ batch: 'b', parts: bytes('one\n', 'two\n') }]);
      expect(await objects.readBatch('b')).toBe('one\ntwo\n');
    });

    it('may be written by several at once, and is whole whenever it can be read', async () => {
      const parts = Array.from({ length: 50 }, (_, i) => `${i} ${'x'.repeat(2000)}\n`);
      const whole = parts.join('');
      let writing = true;
      const reader = (async () => {
        const seen = new Set<string | undefined>();
        while (writing) seen.add(await objects.readBatch('b'));
        return seen;
      })();
      await Promise.all(
        [1, 2, 3, 4].map(() => objects.writeBatches([{ batch: 'b', parts: bytes(...parts) }])),
      );
      writing = false;
      for (const text of await reader) expect(text === undefined || text === whole).toBe(true);
      expect(await objects.readBatch('b')).toBe(whole);
    });

    it('writes many at once', async () => {
      const batches = Array.from({ length: 60 }, (_, i) => ({ batch: `b-1.${i}`, parts: bytes(`${i}\n`) }));
      await objects.writeBatches(batches);
      const read = await Promise.all(batches.map(({ batch }) => objects.readBatch(batch)));
      expect(read).toEqual(batches.map(({ parts }) => String(parts[0])));
    });

    it('removes those named, and leaves unknown ones alone', async () => {
      await objects.writeBatches(['a', 'b', 'c'].map((batch) => ({ batch, parts: bytes(batch) })));
      await objects.removeBatches(['a', 'c', 'unknown']);
      await objects.removeBatches(['a']);
      await objects.removeBatches([]);
      const read = await Promise.all(['a', 'b', 'c'].map((batch) => objects.readBatch(batch)));
      expect(read).toEqual([undefined, 'b', undefined]);
    });
  });
}
