import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ByteSource } from '../../../cli/src/input/input.ts';
import { type InputFile, openInput } from '../../../cli/src/input/source.ts';
import { sourceOf } from './helpers.ts';

let folder: string;
let tmpDir: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'batchml-source-'));
  tmpDir = join(folder, 'tmp');
});
afterEach(() => rm(folder, { recursive: true }));

async function textOf(source: ByteSource): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts).toString();
}

async function opened<T>(path: string, stdin: string, use: (file: InputFile) => Promise<T>): Promise<T> {
  const file = await openInput(path, { stdin: sourceOf(stdin, [3, 70_000]), tmpDir });
  try {
    return await use(file);
  } finally {
    await file.dispose();
    await file.dispose();
  }
}

describe('openInput', () => {
  it('reads a file in any number of passes, also at once', async () => {
    const path = join(folder, 'a.jsonl');
    const text = '{"a":"é"}\n'.repeat(60_000);
    await writeFile(path, text);
    await opened(path, '', async (file) => {
      expect(file.label).toBe(path);
      expect(await textOf(file.open())).toBe(text);
      expect(await Promise.all([textOf(file.open()), textOf(file.open())])).toEqual([text, text]);
      for await (const _ of file.open()) break;
    });
  });

  it('goes on with the file it opened when another takes its name', async () => {
    const path = join(folder, 'a.jsonl');
    await writeFile(path, '1\n');
    await writeFile(`${path}.new`, '2\n');
    await opened(path, '', async (file) => {
      await rename(`${path}.new`, path);
      expect(await textOf(file.open())).toBe('1\n');
    });
  });

  it('spools stdin and leaves nothing behind', async () => {
    const text = 'é'.repeat(100_000);
    await opened('-', text, async (file) => {
      expect(file.label).toBe('<stdin>');
      expect(await textOf(file.open())).toBe(text);
      expect(await textOf(file.open())).toBe(text);
    });
    expect(await readdir(tmpDir)).toEqual([]);
  });

  it('leaves nothing behind when stdin fails', async () => {
    async function* broken() {
      yield Buffer.from('1\n');
      throw new Error('pipe broke');
    }
    await expect(openInput('-', { stdin: broken(), tmpDir })).rejects.toThrow('pipe broke');
    expect(await readdir(tmpDir)).toEqual([]);
  });

  it.skipIf(process.platform === 'win32')('spools a named pipe', async () => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    const written = writeFile(path, '1\n2\n');
    await opened(path, '', async (file) => {
      expect(file.label).toBe(path);
      expect(await textOf(file.open())).toBe('1\n2\n');
      expect(await textOf(file.open())).toBe('1\n2\n');
    });
    await written;
  });

  it('rejects with the code of the file system', async () => {
    const dir = join(folder, 'dir');
    await mkdir(dir);
    const deps = { stdin: sourceOf(''), tmpDir };
    await expect(openInput(join(folder, 'none'), deps)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(openInput(dir, deps)).rejects.toMatchObject({ code: 'EISDIR' });
  });
});
