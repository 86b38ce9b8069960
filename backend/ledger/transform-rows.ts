/** Rows of transform jobs, and the places that they hold. */
import { absent, both, equal } from '../core/items.ts';
import type { TransformJob, TransformState } from '../core/transform-job.ts';
import type { Context } from './context.ts';
import { slotsKey, transformKey } from './keys.ts';

export interface TransformRow {
  readonly name: string;
  /** JSON: IDs of its batches. */
  readonly batches: string;
  readonly state: TransformState;
  readonly claimedAt: number;
  readonly deadline: number;
  readonly notBefore: number;
  readonly reason?: string;
  /** Hash of its pin: names its places. */
  readonly pin: string;
  /** It takes no more batches. */
  readonly sealed?: boolean;
}

export function toTransformJob(row: TransformRow): TransformJob {
  return {
    name: row.name,
    batches: JSON.parse(row.batches) as string[],
    state: row.state,
    claimedAt: row.claimedAt,
    deadline: row.deadline,
    notBefore: row.notBefore,
    reason: row.reason,
  };
}

/** A transform job's row. One that was still taking batches is sealed by the reader: it goes on with those it has. */
export async function transformRow(context: Context, name: string): Promise<TransformRow | undefined> {
  const row = (await context.store.get(transformKey(name))) as TransformRow | undefined;
  if (!row || row.sealed || row.state !== 'Claimed') return row;
  await sealTransformJob(context, name);
  return (await context.store.get(transformKey(name))) as TransformRow | undefined;
}

export async function sealTransformJob({ store }: Context, name: string): Promise<void> {
  await store.write({
    key: transformKey(name),
    changes: { set: { sealed: true } },
    condition: both(equal('state', 'Claimed'), absent('sealed')),
  });
}

/** Gives back places of transform jobs that have ended or are not in the store any more; says whether there were any. */
export async function freePlaces({ store }: Context, pin: string): Promise<boolean> {
  const slots = await store.get(slotsKey(pin));
  const names = [...((slots?.['names'] as Set<string>) ?? [])];
  const rows = await store.getAll(names.map(transformKey));
  const over = names.filter((_, i) => rows[i] === undefined || rows[i]?.['state'] === 'Ended');
  if (over.length === 0) return false;
  await store.write({ key: slotsKey(pin), changes: { take: { names: new Set(over) } } });
  return true;
}
