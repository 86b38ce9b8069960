/**
 * Result lines of a submission that somebody else still sends, in order. Chunks are accepted out of order, each whole or
 * not at all: a listing is good up to the first chunk that is missing.
 */
import type { JobRef } from '@batchml/backend/words';
import type { ApiClient } from './client.ts';
import { readLineHead, splitLines } from './result-line.ts';

export interface GrowingOptions {
  /** Whether it is still being sent, as of now. */
  readonly isOpen: () => Promise<boolean>;
  /** Waits before the next look. */
  readonly wait: () => Promise<void>;
}

/** The next job's place; index 0 only where nothing of its chunk was given. */
interface Place {
  chunk: number;
  index: number;
}

const follows = ({ chunk, index }: Place, ref: JobRef): boolean =>
  (ref.chunk === chunk && ref.index === index) || (index > 0 && ref.chunk === chunk + 1 && ref.index === 0);

/** Pages of final results while it is open; gives the cursor where its listing goes on. */
export async function* growingResults(
  client: ApiClient,
  submission: string,
  { isOpen, wait }: GrowingOptions,
): AsyncGenerator<string, string> {
  const at: Place = { chunk: 0, index: 0 };
  const cursor = (): string => `${at.chunk}.${at.index}`;
  while (await isOpen()) {
    const page = await client.results(submission, { cursor: cursor(), final: true });
    const good: string[] = [];
    for (const line of splitLines(page.text)) {
      const { ref } = readLineHead(line);
      if (!follows(at, ref)) break;
      at.chunk = ref.chunk;
      at.index = ref.index + 1;
      good.push(`${line}\n`);
    }
    if (good.length > 0) yield good.join('');
    else await wait();
  }
  return cursor();
}
