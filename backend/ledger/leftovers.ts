/**
 * Open work of versions before this one. `deploy` sees to it that there is none; where it was deployed by other means there may
 * be some. This version can't read those items, so their jobs don't end: all that it does is to say so, and to take them
 * out of the index once their time is over.
 */
import { equal, type Item } from '../core/items.ts';
import { type Context, isOver } from './context.ts';
import { CHUNK_SHARDS, OPEN_ATTRIBUTES } from './keys.ts';

/** Partitions of the open index that each version before had. */
export const OLDER_OPEN_KEYS: ReadonlyMap<number, readonly string[]> = new Map([
  [
    1,
    [
      ...Array.from({ length: CHUNK_SHARDS }, (_, shard) => `chunk#${shard}`),
      ...['forming', 'begun', 'waiting', 'held', 'filing', 'transform', 'submission'].map(
        (kind) => `${kind}#0`,
      ),
    ],
  ],
]);

/** Items of one partition looked at in one go: the rest is found the next time. */
const MOST = 1000;

export interface Leftovers {
  /** Taken out of the index, as their time was over. */
  readonly ended: number;
  readonly left: number;
}

export async function leftovers(context: Context): Promise<Leftovers> {
  const { store } = context;
  let [ended, left] = [0, 0];
  for (const openKey of [...OLDER_OPEN_KEYS.values()].flat())
    for await (const item of store.query({ pk: openKey, index: 'open', limit: MOST })) {
      if (!hasEnded(context, item)) {
        left++;
        continue;
      }
      const key = { pk: item['pk'], sk: item['sk'] };
      await store.write({ key, changes: { remove: OPEN_ATTRIBUTES }, condition: equal('openKey', openKey) });
      ended++;
    }
  return { ended, left };
}

/** Past the deadline that it has, or else when its submission is kept no more. */
function hasEnded(context: Context, { waitDeadline, openAt }: Item): boolean {
  if (typeof waitDeadline === 'number') return waitDeadline <= context.clock.now();
  return isOver(context, Number((openAt as string).split('#', 1)[0]));
}
