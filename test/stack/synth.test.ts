/** The build's step: what is written, and how large it is. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HANDLERS } from '../../backend/stack/functions.ts';
// @ts-expect-error: a script without types
import { buildStack } from '../../scripts/synth.mjs';

interface Built {
  readonly templateBytes: number;
  readonly manifest: Readonly<Record<string, { file: string; sha256: string; bytes: number }>>;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'batchml-stack-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');

/** Stands for the build of the handlers: quick, and with any content. */
const zipsOf = (content: string) => async (outdir: string) => {
  rmSync(outdir, { recursive: true, force: true });
  mkdirSync(outdir);
  const zips = HANDLERS.map((handler) => {
    const text = `${handler} ${content}`;
    const file = `${handler}-${sha256(text).slice(0, 16)}.zip`;
    writeFileSync(join(outdir, file), text);
    return [handler, { file, sha256: sha256(text), bytes: text.length }];
  });
  return Object.fromEntries(zips);
};

const build = (outdir: string, ...zips: unknown[]): Promise<Built> =>
  buildStack(join(folder, outdir), ...zips);
const filesOf = (outdir: string) =>
  Object.fromEntries(
    readdirSync(join(folder, outdir)).map((name) => [name, readFileSync(join(folder, outdir, name))]),
  );

describe('the build of the stack', () => {
  it('writes the same bytes each time, also when two run at once', async () => {
    await Promise.all([build('one', zipsOf('a')), build('two', zipsOf('a'))]);
    expect(filesOf('one')).toEqual(filesOf('two'));
  });

  it('leaves nothing of an earlier build, and names the new code', async () => {
    await build('out', zipsOf('a'));
    const before = Object.keys(filesOf('out'));
    await build('out', zipsOf('b'));
    const { 'template.json': template, ...zips } = filesOf('out');
    expect(Object.keys(zips)).toHaveLength(6);
    for (const name of Object.keys(zips)) {
      expect(before).not.toContain(name);
      expect(template?.toString()).toContain(name);
    }
  });

  it('keeps within its budgets, and every name tells the content', async () => {
    const { templateBytes, manifest } = await build('real');
    // CloudFormation takes 1 MB by TemplateURL.
    expect(templateBytes).toBeLessThan(100_000);
    const { 'template.json': template, 'manifest.json': _, ...zips } = filesOf('real');
    expect(template).toHaveLength(templateBytes);
    expect(Object.keys(zips).sort()).toEqual(
      Object.values(manifest)
        .map(({ file }) => file)
        .sort(),
    );
    for (const [handler, { file, sha256: hash, bytes }] of Object.entries(manifest)) {
      expect(sha256(zips[file] as Buffer), file).toBe(hash);
      expect(file).toBe(`${handler}-${hash.slice(0, 16)}.zip`);
      expect(template?.toString()).toContain(`"${file}"`);
      expect(bytes, file).toBe(zips[file]?.length);
      expect(bytes, file).toBeLessThan(256 * 1024);
    }
  });
});
