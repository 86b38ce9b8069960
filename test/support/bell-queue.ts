/** Bells that a test answers itself, and a clock that it moves. */
import type { Bell, Bells } from '../../backend/ports/bells.ts';
import type { Clock } from '../../backend/ports/clock.ts';

export class ManualClock implements Clock {
  #now: number;
  readonly #timers = new Set<{ at: number; fn: () => void }>();

  constructor(start: number) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.#now + ms, fn };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves on to a time, and calls what is due by then in order. */
  moveTo(time: number): void {
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= time).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.fn();
    }
    this.#now = Math.max(this.#now, time);
  }
}

/** What happens to bells on their way. */
export interface BellTrouble {
  /** A number from 0 to 1, different each time. */
  readonly random: () => number;
  /** Share of bells that get lost. */
  readonly lose: number;
  /** Every bell rings twice. */
  readonly twice: boolean;
  /** Bells are answered in any order. */
  readonly shuffle: boolean;
}

const key = (bell: Bell) => (bell.kind === 'gather' ? bell.kind : Object.values(bell).join(' '));

export class BellQueue implements Bells {
  trouble: BellTrouble | undefined;
  readonly #clock: Clock;
  readonly #rung: Bell[] = [];
  readonly #timed = new Map<string, { at: number; bell: Bell }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(bell: Bell): void {
    const { trouble } = this;
    if (!trouble) {
      if (!this.#rung.some((known) => key(known) === key(bell))) this.#rung.push(bell);
      return;
    }
    if (trouble.random() < trouble.lose) return;
    this.#rung.push(bell);
    if (trouble.twice) this.#rung.push(bell);
  }

  ringAt(at: number, bell: Bell): void {
    if (this.trouble && this.trouble.random() < this.trouble.lose) return;
    const known = this.#timed.get(key(bell));
    if (!known || at < known.at) this.#timed.set(key(bell), { at, bell });
  }

  /** The next bell to answer, timed ones whose time has come among them. */
  take(): Bell | undefined {
    for (const [name, { at, bell }] of this.#timed)
      if (at <= this.#clock.now()) {
        this.#timed.delete(name);
        this.#rung.push(bell);
      }
    const index = this.trouble?.shuffle ? Math.floor(this.trouble.random() * this.#rung.length) : 0;
    return this.#rung.splice(index, 1)[0];
  }

  /** When the next timed bell rings. */
  nextAt(): number | undefined {
    const times = [...this.#timed.values()].map(({ at }) => at);
    return times.length > 0 ? Math.min(...times) : undefined;
  }
}
