/** Which of batches' jobs have not ended, by their heads. */
import type { Batch } from '../core/batch.ts';
import { isOpenFor } from '../core/chunk-head.ts';
import type { Context } from './context.ts';
import { type FoundHead, loadHeads } from './heads.ts';

/** A chunk, as a key of maps. */
export const chunkName = (submission: string, n: number): string => `${submission} ${n}`;

/**
 * How many jobs are open of each batch, by its ID.
 * @param known heads that were just read, by `chunkName`
 */
export async function openJobsOf(
  context: Context,
  batches: readonly Batch[],
  known: ReadonlyMap<string, FoundHead | undefined> = new Map(),
): Promise<Map<string, number>> {
  const heads = new Map(known);
  const missing = new Map<string, { submission: string; n: number }>();
  for (const { members } of batches)
    for (const { submission, chunk } of members) {
      const name = chunkName(submission, chunk);
      if (!heads.has(name)) missing.set(name, { submission, n: chunk });
    }
  const found = await loadHeads(context, [...missing.values()]);
  for (const [i, name] of [...missing.keys()].entries()) heads.set(name, found[i]);
  const open = new Map<string, number>();
  for (const batch of batches) {
    let count = 0;
    for (const { submission, chunk, from, to } of batch.members) {
      const head = heads.get(chunkName(submission, chunk))?.head;
      for (let index = from; head && index < to; index++) if (isOpenFor(head, index, batch)) count++;
    }
    open.set(batch.id, count);
  }
  return open;
}
