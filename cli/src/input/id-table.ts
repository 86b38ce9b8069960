/**
 * Which custom IDs a file has used, for a million of them in 32 MB: a 64-bit hash and a line number each, in an open
 * hash table. The same ID always has the same hash, so no duplicate is ever missed. That two different IDs of a
 * million share one, and a good file is refused, happens to one file in 3.7e7; hashes are seeded at random, so the
 * next run takes that file too.
 */

const FIRST_SLOTS = 1024;
const MAX_LOAD = 0.7;

/** Custom IDs met so far, with the lines that they were met on. */
export class IdTable {
  #slots: number;
  #used = 0;
  #high: Uint32Array;
  #low: Uint32Array;
  /** 0 where the slot is free: lines count from 1. Doubles, as a file may have more than 2^32 lines. */
  #lines: Float64Array;
  readonly #seed: number;
  #hashHigh = 0;
  #hashLow = 0;

  constructor(seed: number = Math.floor(Math.random() * 2 ** 32)) {
    this.#seed = seed;
    this.#slots = FIRST_SLOTS;
    this.#high = new Uint32Array(this.#slots);
    this.#low = new Uint32Array(this.#slots);
    this.#lines = new Float64Array(this.#slots);
  }

  /** Notes that `line` uses the ID. Returns the line that used it before, or undefined. */
  use(id: string, line: number): number | undefined {
    this.#hash(id);
    const slot = this.#find(this.#hashHigh, this.#hashLow);
    const before = this.#lines[slot] as number;
    if (before !== 0) return before;
    this.#put(slot, this.#hashHigh, this.#hashLow, line);
    if (++this.#used > this.#slots * MAX_LOAD) this.#grow();
    return undefined;
  }

  /** The slot that holds the hash, or the free one where it belongs. */
  #find(high: number, low: number): number {
    const mask = this.#slots - 1;
    let slot = low & mask;
    while (this.#lines[slot] !== 0 && (this.#low[slot] !== low || this.#high[slot] !== high))
      slot = (slot + 1) & mask;
    return slot;
  }

  #put(slot: number, high: number, low: number, line: number): void {
    this.#high[slot] = high;
    this.#low[slot] = low;
    this.#lines[slot] = line;
  }

  #grow(): void {
    const [high, low, lines] = [this.#high, this.#low, this.#lines];
    this.#slots *= 2;
    this.#high = new Uint32Array(this.#slots);
    this.#low = new Uint32Array(this.#slots);
    this.#lines = new Float64Array(this.#slots);
    for (let old = 0; old < lines.length; old++) {
      const line = lines[old] as number;
      if (line === 0) continue;
      const h = high[old] as number;
      const l = low[old] as number;
      this.#put(this.#find(h, l), h, l, line);
    }
  }

  /**
   * Two lanes over the UTF-16 units. Each step is a bijection of the 64-bit state, and the second lane takes in the
   * first, so IDs that differ in a few digits end far apart. Left in two fields: a pair would be allocated each time.
   */
  #hash(id: string): void {
    let a = this.#seed ^ id.length;
    let b = ~this.#seed;
    for (let i = 0; i < id.length; i++) {
      a = Math.imul(a ^ id.charCodeAt(i), 0xcc9e2d51);
      a = (a << 15) | (a >>> 17);
      b = Math.imul(b + a, 0x1b873593);
      b = (b << 13) | (b >>> 19);
    }
    a = Math.imul(a ^ (a >>> 16), 0x85ebca6b);
    b = Math.imul(b ^ (b >>> 16), 0xc2b2ae35);
    a = (a + b) | 0;
    b = (b + Math.imul(a ^ (a >>> 13), 0xc2b2ae35)) | 0;
    this.#hashHigh = a >>> 0;
    this.#hashLow = (b ^ (b >>> 16)) >>> 0;
  }
}
