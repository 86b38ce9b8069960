/** How often an API is asked for news: often while something moves, less and less while nothing does. */
import type { Context } from '../context.ts';

const FIRST_MS = 100;
const LONGEST_MS = 2000;

export class Pace {
  private readonly context: Pick<Context, 'deps' | 'interrupts'>;
  private ms = FIRST_MS;

  constructor(context: Pick<Context, 'deps' | 'interrupts'>) {
    this.context = context;
  }

  /** Something came. */
  moved(): void {
    this.ms = FIRST_MS;
  }

  async wait(): Promise<void> {
    const { deps, interrupts } = this.context;
    await deps.sleep(this.ms, interrupts.signal);
    interrupts.signal.throwIfAborted();
    this.ms = Math.min(LONGEST_MS, this.ms * 1.5);
  }
}
