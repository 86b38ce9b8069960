/** One waiter for the pipeline's news, and everyone who wants them. */
import type { LocalPipeline } from '@batchml/backend/local';
import { orAborted } from '../../interrupts.ts';

/** Longest silence, in ms. */
const MAX_SILENCE_MS = 500;

export class News {
  private waiting: (() => void)[] = [];
  private readonly onNews: () => void;

  constructor(onNews: () => void) {
    this.onNews = onNews;
  }

  /** Resolves with the next news. */
  next(signal: AbortSignal): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.waiting.push(resolve);
    });
    return orAborted(woken, signal);
  }

  /** Passes news on until the signal. */
  async pump(pipeline: Pick<LocalPipeline, 'news'>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await orAborted(pipeline.news(MAX_SILENCE_MS), signal).catch(() => {});
      const woken = this.waiting;
      this.waiting = [];
      for (const wake of woken) wake();
      this.onNews();
    }
  }
}
