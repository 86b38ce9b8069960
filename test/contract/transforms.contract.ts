/** The contract of transforms: one suite that every adapter must pass, over a model that echoes and refuses number 13. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatInputLine, linesOf, parseOutputLine } from '../../backend/core/object-lines.ts';
import { DEFAULT_SETTINGS, type Pin } from '../../backend/core/settings.ts';
import type { TransformSpec, Transforms } from '../../backend/ports/transforms.ts';
import { outputText } from '../support/output-text.ts';

export const REFUSED = 13;
export const REFUSAL = { status: 400, message: 'number 13 is refused:\n"n" brings bad luck' };

export interface OpenTransforms {
  readonly transforms: Transforms;
  /** What the pin calls the model. */
  readonly model: string;
  /** Puts a batch's object where it is read. */
  put(batch: string, text: string): Promise<void>;
  /** Resolves once that transform job has ended. */
  ended(name: string): Promise<void>;
  close(): Promise<void>;
}

const NAME = `batchml-${'0123456789abcdef'.repeat(2)}`;
const OTHER = `batchml-${'f'.repeat(32)}`;

/** @param open gives transforms that know of no job; called before each test */
export function transformsContract(name: string, open: () => Promise<OpenTransforms>): void {
  describe(`transforms: ${name}`, () => {
    let opened: OpenTransforms;
    let transforms: Transforms;
    beforeEach(async () => {
      opened = await open();
      transforms = opened.transforms;
    });
    afterEach(() => opened.close());

    const put = (batch: string, ...numbers: readonly number[]) => {
      const lines = numbers.map((n) => formatInputLine('application/jsonlines', `s.0.${n}`, `{"n":${n}}`));
      return opened.put(batch, `${lines.join('\n')}\n`);
    };
    const spec = (batches: readonly string[], more: Partial<TransformSpec> = {}): TransformSpec => {
      const settings = { contentType: 'application/jsonlines', batchStrategy: 'MultiRecord' } as const;
      const pin: Pin = { model: opened.model, settings: { ...DEFAULT_SETTINGS, ...settings } };
      return { name: NAME, batches, pin, ...more };
    };
    const results = async (batch: string) =>
      linesOf(await outputText(await transforms.readOutput(NAME, batch))).map((line) =>
        parseOutputLine('application/jsonlines', line),
      );

    it('makes an output for each object, each result beside the ID of its record', async () => {
      await put('b-1', 1, 2, 3);
      await put('b-1.0', 4);
      expect(await transforms.create(spec(['b-1', 'b-1.0']))).toEqual({ kind: 'created' });
      await opened.ended(NAME);
      expect(await transforms.describe(NAME)).toEqual({ status: 'Completed' });
      expect([...(await transforms.outputs(NAME))].sort()).toEqual(['b-1', 'b-1.0']);
      expect(await results('b-1')).toMatchObject(
        [1, 2, 3].map((n) => ({ id: `s.0.${n}`, result: `{"echo":{"n":${n}}}` })),
      );
      expect(await results('b-1.0')).toMatchObject([{ id: 's.0.4', result: '{"echo":{"n":4}}' }]);
      expect(await transforms.dataLog(NAME)).toEqual([]);
    });

    it('gives an output as its bytes, as often as they are asked for', async () => {
      await put('b-1', 1, 2);
      await transforms.create(spec(['b-1']));
      await opened.ended(NAME);
      const output = await transforms.readOutput(NAME, 'b-1');
      const text = [1, 2].map((n) => `{"id":"s.0.${n}","SageMakerOutput":{"echo":{"n":${n}}}}\n`).join('');
      for (let i = 0; i < 2; i++) expect(await outputText(output)).toBe(text);
      expect(output.size).toBe(Buffer.byteLength(text));
    });

    it("fails an object that holds a refused record, with the model's message, and no other", async () => {
      await put('bad', 12, REFUSED, 14);
      await put('good', 1, 2);
      await transforms.create(spec(['bad', 'good']));
      await opened.ended(NAME);
      expect(await transforms.describe(NAME)).toMatchObject({ status: 'Failed', fault: 'records' });
      expect(await transforms.outputs(NAME)).toEqual(['good']);
      const log = (await transforms.dataLog(NAME)).map((entry) => ({
        ...entry,
        message: entry.message.trim(),
      }));
      expect(log).toEqual([{ batch: 'bad', kind: 'ClientError', ...REFUSAL }]);
      await expect(transforms.readOutput(NAME, 'bad')).rejects.toThrow();
    });

    it('is one, however often it is created, also when it has ended', async () => {
      await put('b-1', 1);
      const created = [1, 2, 3].map(() => transforms.create(spec(['b-1'])));
      expect(new Set((await Promise.all(created)).map(({ kind }) => kind))).toEqual(new Set(['created']));
      await opened.ended(NAME);
      expect(await transforms.create(spec(['b-1']))).toEqual({ kind: 'created' });
      expect(await transforms.describe(NAME)).toEqual({ status: 'Completed' });
      expect(await results('b-1')).toHaveLength(1);
    });

    it('sends suspects alone with the same results', async () => {
      await put('b-1', 1, 2);
      await transforms.create(spec(['b-1'], { alone: true }));
      await opened.ended(NAME);
      expect((await results('b-1')).map((line) => line?.id)).toEqual(['s.0.1', 's.0.2']);
    });

    it('does not know what was never created, and leaves it alone', async () => {
      expect(await transforms.describe(OTHER)).toBeUndefined();
      await transforms.stop(OTHER);
      await transforms.forget(OTHER);
      expect(await transforms.outputs(OTHER)).toEqual([]);
      expect(await transforms.dataLog(OTHER)).toEqual([]);
    });

    it('stays ended when it is stopped then, and keeps its data log when it is forgotten', async () => {
      await put('bad', REFUSED);
      await transforms.create(spec(['bad']));
      await opened.ended(NAME);
      await transforms.stop(NAME);
      expect((await transforms.describe(NAME))?.status).toBe('Failed');
      for (let i = 0; i < 2; i++) await transforms.forget(NAME);
      expect((await transforms.dataLog(NAME)).map(({ batch }) => batch)).toEqual(['bad']);
    });
  });
}
