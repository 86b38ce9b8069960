/** A few records far apart, to ask a model with: a file often begins with records that are alike. */
import { Buffer } from 'node:buffer';

/** A record that long is no sample, unless there are no others. */
const MAX_BYTES = 64 * 1024;

function isShort(record: string): boolean {
  // No UTF-16 unit takes more than three bytes: short texts needn't be counted.
  return (
    record.length * 3 < MAX_BYTES || (record.length < MAX_BYTES && Buffer.byteLength(record) < MAX_BYTES)
  );
}

/**
 * The first, one from the middle third or so, and the last of the records given. Which one from between depends on
 * nothing but how many there are, so the same content always has the same sample.
 */
export class Sample {
  #any: string | undefined;
  #count = 0;
  #first: string | undefined;
  #last: string | undefined;
  /** Marks stand at 2, 5, 11, 23 and so on: how many there will be isn't known, and one of two is well between. */
  #mark: string | undefined;
  #earlierMark: string | undefined;
  #markAt = 0;
  #nextMark = 2;

  add(record: string): void {
    this.#any ??= record;
    if (!isShort(record)) return;
    this.#first ??= record;
    this.#last = record;
    if (++this.#count < this.#nextMark) return;
    this.#earlierMark = this.#mark;
    this.#mark = record;
    this.#markAt = this.#count;
    this.#nextMark = 2 * this.#count + 1;
  }

  /** In the order of the file. */
  records(): string[] {
    if (this.#first === undefined) return this.#any === undefined ? [] : [this.#any];
    if (this.#count === 1) return [this.#first];
    const between = this.#count < 1.5 * this.#markAt ? this.#earlierMark : this.#mark;
    const all = [this.#first, this.#count === 2 ? undefined : between, this.#last];
    return all.filter((record) => record !== undefined);
  }
}
