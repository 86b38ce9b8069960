/** An object's output, put together in the order of its requests while their answers come in any order. */
import { rm } from 'node:fs/promises';
import type { OutputFile } from './output-file.ts';

/** What a request's records have in the output: its text, or a file of it. */
export type Piece = string | { readonly file: string };

/** Text that waits in memory for an earlier answer, over all objects of a transform job. */
export class Held {
  readonly #most: number;
  #length = 0;
  #waiting: (() => void)[] = [];

  /** @param most characters; at so many, no further request is sent */
  constructor(most: number) {
    this.#most = most;
  }

  add(length: number): void {
    this.#length += length;
    if (this.#length >= this.#most) return;
    for (const go of this.#waiting) go();
    this.#waiting = [];
  }

  /** Resolves once there is room: what waits does so for requests in flight, which end. */
  async room(): Promise<void> {
    while (this.#length >= this.#most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

export class OrderedOutput {
  readonly #file: OutputFile;
  readonly #held: Held;
  readonly #pieces = new Map<number, Piece>();
  #next = 0;
  #writing: Promise<void> = Promise.resolve();
  #discarded = false;

  constructor(file: OutputFile, held: Held) {
    this.#file = file;
    this.#held = held;
  }

  /** Takes the piece of a request. Resolves once it waits for its turn, or is written with all that waited for it. */
  async put(index: number, piece: Piece): Promise<void> {
    if (this.#discarded) {
      await remove(piece);
      return;
    }
    this.#pieces.set(index, piece);
    this.#held.add(lengthOf(piece));
    if (index !== this.#next) return;
    this.#writing = this.#writing.then(() => this.#write());
    await this.#writing;
  }

  /** The object appears under its name. */
  async finish(): Promise<void> {
    await this.#writing;
    await this.#file.finish();
  }

  /** Nothing of it stays, and nothing more is taken. */
  async discard(): Promise<void> {
    if (this.#discarded) return;
    this.#discarded = true;
    await this.#writing.catch(() => undefined);
    for (const [index, piece] of this.#pieces) {
      this.#drop(index, piece);
      await remove(piece);
    }
    await this.#file.discard();
  }

  async #write(): Promise<void> {
    for (
      let piece = this.#pieces.get(this.#next);
      piece !== undefined;
      piece = this.#pieces.get(this.#next)
    ) {
      if (this.#discarded) return;
      await (typeof piece === 'string' ? this.#file.append(piece) : this.#file.take(piece.file));
      this.#drop(this.#next++, piece);
    }
  }

  #drop(index: number, piece: Piece): void {
    this.#pieces.delete(index);
    this.#held.add(-lengthOf(piece));
  }
}

function lengthOf(piece: Piece): number {
  return typeof piece === 'string' ? piece.length : 0;
}

async function remove(piece: Piece): Promise<void> {
  if (typeof piece !== 'string') await rm(piece.file, { force: true });
}
