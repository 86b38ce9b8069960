/** Output objects as files: written aside, and under their name once they are whole and synced. */
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { OUTPUT_PART_BYTES, type Output } from '../../ports/transforms.ts';

/** What files under way end with; they are of no use to anyone after a crash. */
export const ASIDE = '.part';

/** Text is written in blocks of about so many characters: answers are often small. */
const BLOCK = 256 * 1024;

/** Writes a file from its beginning, in blocks. It is there from the first block on. */
export class BlockWriter {
  readonly path: string;
  #file: FileHandle | undefined;
  #block = '';

  constructor(path: string) {
    this.path = path;
  }

  get isEmpty(): boolean {
    return this.#file === undefined && this.#block === '';
  }

  async append(text: string): Promise<void> {
    this.#block += text;
    if (this.#block.length >= BLOCK) await this.flush();
  }

  /** Writes what is left of a block. The file must be closed. */
  async flush(): Promise<FileHandle> {
    this.#file ??= await open(this.path, 'a', 0o600);
    const block = this.#block;
    this.#block = '';
    if (block !== '') await this.#file.appendFile(block);
    return this.#file;
  }

  async discard(): Promise<void> {
    this.#block = '';
    await this.#file?.close();
    await rm(this.path, { force: true });
  }
}

export class OutputFile {
  readonly #path: string;
  readonly #aside: BlockWriter;

  /** @param path its final name */
  constructor(path: string) {
    this.#path = path;
    this.#aside = new BlockWriter(`${path}${ASIDE}`);
  }

  append(text: string): Promise<void> {
    return this.#aside.append(text);
  }

  /** Appends a file, and removes it. */
  async take(path: string): Promise<void> {
    if (this.#aside.isEmpty) {
      await rename(path, this.#aside.path);
      // From now on there is something to append to.
      await this.#aside.flush();
      return;
    }
    const file = await this.#aside.flush();
    for await (const part of partsOf(path)) await file.appendFile(part);
    await rm(path, { force: true });
  }

  /** All is there: it takes its name, whole. Its folder's entry isn't synced: an output that is lost is made again. */
  async finish(): Promise<void> {
    try {
      const file = await this.#aside.flush();
      await file.sync();
      await file.close();
      await rename(this.#aside.path, this.#path);
    } catch (error) {
      await this.discard();
      throw error;
    }
  }

  /** Nothing of it stays. */
  discard(): Promise<void> {
    return this.#aside.discard();
  }
}

/** An output object that is a file. Throws when there is none. */
export async function openOutput(path: string): Promise<Output> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    return { object: path, size, read: () => partsOf(path) };
  } finally {
    await file.close();
  }
}

/** A file's bytes, in parts of at most `OUTPUT_PART_BYTES`. */
export async function* partsOf(path: string): AsyncGenerator<Buffer> {
  const file = await open(path, 'r');
  try {
    let left = (await file.stat()).size;
    while (left > 0) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(left, OUTPUT_PART_BYTES)));
      if (bytesRead === 0) return;
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
