/** What is open, by the sparse index. */

import { inParallel } from '../core/in-parallel.ts';
import { absent, both, equal, type Item, type Key, oneOf } from '../core/items.ts';
import { isFinished } from '../core/submission.ts';
import type { Ledger, OpenCounts, OpenWork } from '../ports/ledger.ts';
import { allOf } from '../ports/store.ts';
import type { Context } from './context.ts';
import {
  batchIdOf,
  CHUNK_SHARDS,
  metaKey,
  OPEN_ATTRIBUTES,
  type OpenKind,
  openIn,
  openKeyOf,
  parentOf,
} from './keys.ts';
import { readSubmission } from './submissions.ts';

/** Work listed of each kind at a time: the rest is found the next time. */
const MOST = 5000;
/** Submissions read at a time. */
const AT_A_TIME = 16;

export function openWork(context: Context): Ledger['openWork'] {
  return async (now): Promise<OpenWork> => {
    const list = (kind: OpenKind) => openItems(context, kind);
    const [chunks, forming, begun, fresh, held, ending, transforms, changing] = await Promise.all([
      anyChunk(context),
      list('forming'),
      list('begun'),
      list('waiting'),
      list('held'),
      list('ending'),
      list('transform'),
      list('changing'),
    ]);
    const waiting = [...begun, ...fresh];
    const ids = (items: readonly Item[]) => items.map((item) => batchIdOf(item as unknown as Key));
    const names = (items: readonly Item[]) => items.map((item) => (item['pk'] as string).slice(2));
    return {
      chunks,
      forming: [...new Set(ids(forming).map((id) => parentOf(id) ?? id))],
      held: ids(held),
      ending: ids(ending),
      overdue: ids([...forming, ...waiting, ...held].filter((item) => item['waitDeadline'] <= now)),
      waiting: waiting.length > 0,
      transforms: names(transforms),
      submissions: names(changing),
    };
  };
}

export async function openCounts(context: Context): Promise<OpenCounts> {
  const count = async (...kinds: OpenKind[]): Promise<number> =>
    (await Promise.all(kinds.map((kind) => openItems(context, kind)))).flat().length;
  const [chunks, batches, transforms, changing, unfinished] = await Promise.all([
    anyChunk(context),
    count('forming', 'begun', 'waiting', 'held', 'ending'),
    count('transform'),
    count('changing'),
    countUnfinished(context),
  ]);
  return { chunks, batches, transforms, submissions: changing + unfinished };
}

/** A submission stays in the index until its end is announced; where nobody does that, for good. */
async function countUnfinished(context: Context): Promise<number> {
  const items = await allOf(context.store, { pk: openKeyOf('submission'), index: 'open' });
  let count = 0;
  await inParallel(items, AT_A_TIME, async (item) => {
    if (!concerns(context, item)) return;
    const submission = await readSubmission(context, (item['pk'] as string).slice(2));
    if (submission && !isFinished(submission)) count++;
  });
  return count;
}

/** Whose open work an item is; undefined: single jobs', or of several submissions. */
function concerns({ only }: Context, item: Item): boolean {
  if (only === undefined || item['owner'] === only) return true;
  return item['pk'] === metaKey(only).pk || (item['owners'] as Set<string> | undefined)?.has(only) === true;
}

async function openItems(context: Context, kind: OpenKind): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of context.store.query({ pk: openKeyOf(kind), index: 'open' })) {
    if (!concerns(context, item)) continue;
    items.push(item);
    if (items.length === MOST) break;
  }
  return items;
}

async function anyChunk({ store, only }: Context): Promise<boolean> {
  for (let shard = 0; shard < CHUNK_SHARDS; shard++)
    for await (const item of store.query({
      pk: openKeyOf('chunk', shard),
      index: 'open',
      ...(only === undefined ? { limit: 1 } : {}),
    }))
      if (only === undefined || (item['pk'] as string).startsWith(`C#${only}#`)) return true;
  return false;
}

/** When the oldest job that waits for its batch, or in one that was never started, was accepted (epoch ms). */
export async function oldestWaiting({ store }: Context): Promise<number | undefined> {
  const times: number[] = [];
  const first = async (pk: string) => {
    for await (const item of store.query({ pk, index: 'open', limit: 1 }))
      times.push(Number((item['openAt'] as string).split('#', 1)[0]));
  };
  for (let shard = 0; shard < CHUNK_SHARDS; shard++) await first(openKeyOf('chunk', shard));
  for (const kind of ['forming', 'waiting'] as const) await first(openKeyOf(kind));
  return times.length > 0 ? Math.min(...times) : undefined;
}

/** Closed submissions of many jobs whose end is still to be told, whether they have ended or not. */
export async function unannounced({ store }: Context): Promise<string[]> {
  const items = await allOf(store, { pk: openKeyOf('submission'), index: 'open' });
  return items.filter((item) => item['closed'] === true).map((item) => (item['pk'] as string).slice(2));
}

/**
 * Marks the end of a submission's generation as told, and takes it out of the open work.
 * @returns false when it has not ended, or goes on with another generation
 */
export async function markAnnounced(context: Context, id: string, generation: number): Promise<boolean> {
  const submission = await readSubmission(context, id);
  if (!submission || !isFinished(submission)) return false;
  const outcome = await context.store.write({
    key: metaKey(id),
    changes: { set: { announced: true }, remove: OPEN_ATTRIBUTES },
    condition: both(
      equal('generation', generation),
      absent('retrying'),
      absent('cancelling'),
      absent('announced'),
    ),
  });
  return outcome.done;
}

/** Lets what waits for its time be started at once. */
export async function endBackoffs({ store }: Context): Promise<void> {
  for (const kind of ['begun', 'transform'] as const)
    for (const { pk, sk, openAt, notBefore } of await allOf(store, { pk: openKeyOf(kind), index: 'open' })) {
      if (!notBefore) continue;
      const [, ...id] = (openAt as string).split('#');
      await store.write({
        key: { pk, sk },
        changes: { set: { notBefore: 0, ...openIn(kind, 0, id.join('#')) } },
        condition: oneOf('state', ['Waiting', 'Claimed']),
      });
    }
}
