import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureKey } from '../../../cli/src/config/api-key.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'batchml-key-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

let made = 0;
const randomHex = (bytes: number): string => (++made).toString(16).padStart(bytes * 2, '0');

describe('the key of a data folder', () => {
  it('is one for all that start at once, and nothing else is left', async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, () => ensureKey(dir, randomHex)));
    expect(new Set(keys).size).toBe(1);
    expect(await readFile(join(dir, 'api-key'), 'utf8')).toBe(`${keys[0]}\n`);
    expect(await readdir(dir)).toEqual(['api-key']);
    expect((await stat(join(dir, 'api-key'))).mode & 0o777).toBe(0o600);
  });

  it('stays', async () => {
    expect(await ensureKey(dir, randomHex)).toBe(await ensureKey(dir, randomHex));
  });

  it('takes the place of an empty file', async () => {
    await writeFile(join(dir, 'api-key'), '\n');
    const key = await ensureKey(dir, randomHex);
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(await readdir(dir)).toEqual(['api-key']);
    expect(await ensureKey(dir, randomHex)).toBe(key);
  });
});
