/** Rows of transform jobs. */

import { absent, both, equal } from '../core/items.ts';
import type { TransformJob, TransformState } from '../core/transform-job.ts';
import type { Context } from './context.ts';
import { transformKey } from './keys.ts';

export interface TransformRow {
  readonly name: string;
  /** JSON: IDs of its batches. */
  readonly batches: string;
  readonly state: TransformState;
  readonly claimedAt: number;
  readonly deadline: number;
  readonly notBefore: number;
  readonly reason?: string;
  /** Of its pin: names its places. */
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

/** A transform job's row. One that was still taking batches is sealed by whoever asks for it: it goes on with those it has. */
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
