/**
 * Results of a submission that is still being sent, in order. Chunks are accepted out of order, so a listing could pass
 * over one that comes a moment later: only jobs of chunks that are acknowledged without a gap are asked for.
 */
import { orAborted } from '../interrupts.ts';
import type { ApiClient } from './client.ts';
import { countLines } from './result-line.ts';

const PAGE = 500;

export class AcceptedResults {
  private readonly client: ApiClient;
  private readonly submission: string;
  private readonly signal: AbortSignal;
  /** Jobs of each chunk acknowledged and not yet all given, from chunk `first` on. */
  private readonly sizes: number[] = [];
  private first = 0;
  private index = 0;
  private waiting = 0;
  private complete = false;
  private wake: (() => void) | undefined;

  constructor(client: ApiClient, submission: string, signal: AbortSignal) {
    this.client = client;
    this.submission = submission;
    this.signal = signal;
  }

  /** The next chunk was acknowledged. */
  accepted(jobs: number): void {
    this.sizes.push(jobs);
    this.waiting += jobs;
    this.wake?.();
  }

  /** No more chunks come. */
  end(): void {
    this.complete = true;
    this.wake?.();
  }

  /** Pages of final results until all are given. `news` resolves when jobs may have become final. */
  async *pages(news: () => Promise<void>): AsyncGenerator<string> {
    for (;;) {
      if (this.waiting === 0) {
        if (this.complete) return;
        const woken = new Promise<void>((resolve) => {
          this.wake = resolve;
        });
        await orAborted(woken, this.signal);
        continue;
      }
      const page = await this.client.results(this.submission, {
        cursor: `${this.first}.${this.index}`,
        limit: Math.min(PAGE, this.waiting),
        final: true,
      });
      const lines = countLines(page.text);
      if (lines > 0) yield page.text;
      this.advance(lines);
      if (page.pending || lines === 0) await news();
    }
  }

  private advance(lines: number): void {
    this.waiting -= lines;
    this.index += lines;
    for (let size = this.sizes[0]; size !== undefined && this.index >= size; size = this.sizes[0]) {
      this.index -= size;
      this.first++;
      this.sizes.shift();
    }
  }
}
