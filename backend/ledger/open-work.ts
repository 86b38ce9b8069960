/** What is open, by the sparse index. */

import { absent, both, equal, type Item, type Key, oneOf } from '../core/items.ts';
import { isFinished } from '../core/submission.ts';
import type { Ledger, OpenWork, Scope } from '../ports/ledger.ts';
import { allOf } from '../ports/store.ts';
import { batchRows } from './batches.ts';
import type { Context } from './context.ts';
import { batchIdOf, CHUNK_SHARDS, metaKey, type OpenKind, openKeyOf, parentOf } from './keys.ts';
import { readSubmission, type SingleStatus } from './submissions.ts';

/** Work listed of each kind at a time: the rest is found the next time. */
const MOST = 5000;

export function openWork(context: Context): Ledger['openWork'] {
  return async (scope, now): Promise<OpenWork> => {
    const list = (kind: OpenKind) => openItems(context, kind, scope);
    const [chunk, forming, begun, fresh, held, filing, transforms, submissions] = await Promise.all([
      anyChunk(context, scope),
      list('forming'),
      list('begun'),
      list('waiting'),
      list('held'),
      list('filing'),
      openItems(context, 'transform', {}),
      openItems(context, 'submission', {}),
    ]);
    const waiting = [...begun, ...fresh];
    const ids = (items: readonly Item[]) => items.map((item) => batchIdOf(item as unknown as Key));
    const rows = (await batchRows(context, ids(filing))).filter((row) => row?.filing !== undefined);
    return {
      chunks: chunk,
      forming: [...new Set(ids(forming).map((id) => parentOf(id) ?? id))],
      held: ids(held),
      overdue: ids([...forming, ...waiting, ...held].filter((item) => item['waitDeadline'] <= now)),
      waiting: waiting.length > 0,
      transforms: transforms
        .filter(({ owners }) => inScope(scope, JSON.parse(owners as string) as string[]))
        .map((item) => (item['pk'] as string).slice(2)),
      submissions: submissions
        .filter(({ cancelling, retrying }) => cancelling !== undefined || retrying !== undefined)
        .map((item) => (item['pk'] as string).slice(2))
        .filter((id) => inScope(scope, [id])),
      filing: rows.map((row) => ({ transform: row?.filing as string, batch: row?.id as string })),
    };
  };
}

const inScope = ({ submission }: Scope, owners: readonly string[]) =>
  submission === undefined || owners.includes(submission);

async function openItems({ store }: Context, kind: OpenKind, { submission }: Scope): Promise<Item[]> {
  const where = submission === undefined ? {} : { where: equal('owner', submission) };
  return allOf(store, { pk: openKeyOf(kind), index: 'open', limit: MOST, ...where });
}

async function anyChunk(context: Context, { submission }: Scope): Promise<boolean> {
  const where = submission === undefined ? {} : { where: equal('owner', submission) };
  for (let shard = 0; shard < CHUNK_SHARDS; shard++)
    for await (const _ of context.store.query({
      pk: openKeyOf('chunk', shard),
      index: 'open',
      limit: 1,
      ...where,
    }))
      return true;
  return false;
}

/** When the oldest job that waits for its batch, or in one that was never started, was accepted (epoch ms). */
export async function oldestWaiting(context: Context): Promise<number | undefined> {
  const times: number[] = [];
  for (let shard = 0; shard < CHUNK_SHARDS; shard++)
    for await (const item of context.store.query({ pk: openKeyOf('chunk', shard), index: 'open', limit: 1 }))
      times.push(item['acceptedAt'] as number);
  for (const kind of ['forming', 'waiting'] as const)
    for await (const item of context.store.query({ pk: openKeyOf(kind), index: 'open', limit: 1 }))
      times.push(Number((item['openAt'] as string).split('#', 1)[0]));
  return times.length > 0 ? Math.min(...times) : undefined;
}

/** Closed submissions of many jobs whose end is still to be told, whether they have ended or not. */
export async function unannounced(context: Context): Promise<string[]> {
  const items = await openItems(context, 'submission', {});
  return items
    .filter((item) => item['kind'] === 'batch' && item['closed'] === true)
    .map((item) => (item['pk'] as string).slice(2));
}

/**
 * Marks the end of a submission's generation as told, and takes it out of the open work.
 * @returns false when it has not ended, or goes on with another generation
 */
export async function markAnnounced(
  context: Context,
  single: SingleStatus,
  id: string,
  generation: number,
): Promise<boolean> {
  const submission = await readSubmission(context, id, single);
  if (!submission || !isFinished(submission)) return false;
  const outcome = await context.store.write({
    key: metaKey(id),
    changes: { set: { announced: true }, remove: ['openKey', 'openAt'] },
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
  for (const kind of ['begun', 'waiting', 'transform'] as const)
    for (const { pk, sk } of await allOf(store, { pk: openKeyOf(kind), index: 'open' }))
      await store.write({
        key: { pk, sk },
        changes: { set: { notBefore: 0 } },
        condition: oneOf('state', ['Waiting', 'Claimed']),
      });
}
