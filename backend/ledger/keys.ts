/**
 * Keys of the table, and what is where.
 *
 *     S#{submission}            meta                the submission
 *                               count#{00-15}       its counters, in shards
 *     D#{submission}            c#{n}               its chunks, in order
 *                               f#{n}               chunks that a failure was written in
 *     J#{submission}#{n}        {index}             rows of a chunk's jobs, in order
 *     B#{batch}                 batch               a batch that was not split from another
 *                               members             its members, where they are many
 *                               child#{index}       the batches that it was split into
 *                               held#{batch}        batches that are held for what its children find
 *     T#{transform job}         job
 *     P#{hash of pin}           slots               transform jobs that hold a place
 *     L                         {time}#{submission} submissions, by time
 *
 * A million jobs are 2,000 partitions `J#` of 500 rows, written in the order in which their batches end: no partition is
 * written by more than one filing at a time (about 64 writes at once of the 1,000 a second that one takes). The
 * collection `S#` takes one write of 2 units for each chunk accepted and for each batch claimed or ended: 2,000 chunks
 * and 200 batches of 5,000 are 4,800 units in all. Its 16 shards are there for conflicts between transactions, not
 * for capacity.
 *
 * Open work is in the sparse index `open` (eventually consistent: what it misses, the next bell or reconcile finds).
 * `chunk` has 8 shards there, as single jobs come at up to 1,000 a second to each; the others change per batch.
 */
import { createHash } from 'node:crypto';
import type { Key } from '../core/items.ts';
import { type Pin, pinKey } from '../core/settings.ts';

const pad = (n: number, width: number) => String(n).padStart(width, '0');

export const COUNTER_SHARDS = 16;
export const CHUNK_SHARDS = 8;

export const metaKey = (submission: string): Key => ({ pk: `S#${submission}`, sk: 'meta' });
export const counterKey = (submission: string, shard: number): Key => ({
  pk: `S#${submission}`,
  sk: `count#${pad(shard, 2)}`,
});
export const chunkKey = (submission: string, n: number): Key => ({
  pk: `D#${submission}`,
  sk: `c#${pad(n, 9)}`,
});
export const failureKey = (submission: string, n: number): Key => ({
  pk: `D#${submission}`,
  sk: `f#${pad(n, 9)}`,
});
export const jobKey = (submission: string, chunk: number, index: number): Key => ({
  pk: `J#${submission}#${chunk}`,
  sk: pad(index, 4),
});
export const membersKey = (batch: string): Key => ({ pk: `B#${batch}`, sk: 'members' });
export const heldKey = (scout: string, batch: string): Key => ({ pk: `B#${scout}`, sk: `held#${batch}` });
export const transformKey = (name: string): Key => ({ pk: `T#${name}`, sk: 'job' });
export const slotsKey = (pinHash: string): Key => ({ pk: `P#${pinHash}`, sk: 'slots' });
export const listKey = (createdAt: number, submission: string): Key => ({
  pk: 'L',
  sk: `${pad(createdAt, 15)}#${submission}`,
});

/** A batch's ID tells its line: `{root}.{index}.{index}...`. */
export function batchKey(id: string): Key {
  const dot = id.lastIndexOf('.');
  if (dot < 0) return { pk: `B#${id}`, sk: 'batch' };
  return { pk: `B#${id.slice(0, dot)}`, sk: `child#${pad(Number(id.slice(dot + 1)), 6)}` };
}

export function batchIdOf({ pk, sk }: Key): string {
  const id = pk.slice(2);
  return sk === 'batch' ? id : `${id}.${Number(sk.slice('child#'.length))}`;
}

export function parentOf(id: string): string | undefined {
  const dot = id.lastIndexOf('.');
  return dot < 0 ? undefined : id.slice(0, dot);
}

export const rootOf = (id: string): string => id.split('.', 1)[0] as string;
export const roundOf = (id: string): number => id.split('.').length - 1;

/** Kinds of the open index's partitions. */
export type OpenKind =
  | 'chunk'
  | 'forming'
  | 'begun'
  | 'waiting'
  | 'held'
  | 'filing'
  | 'transform'
  | 'submission';

/** Attributes that put an item in the open index, in order of time. */
export function openIn(
  kind: OpenKind,
  at: number,
  id: string,
  shard = 0,
): { openKey: string; openAt: string } {
  return { openKey: openKeyOf(kind, shard), openAt: `${pad(at, 15)}#${id}` };
}

export const openKeyOf = (kind: OpenKind, shard = 0): string => `${kind}#${shard}`;

/** A batch's ID so that a line's parts sort by their index. */
export const sortableBatchId = (id: string): string =>
  id
    .split('.')
    .map((part, i) => (i === 0 ? part : pad(Number(part), 6)))
    .join('.');

export function shardOf(text: string, shards: number): number {
  return createHash('sha256').update(text).digest().readUInt16BE(0) % shards;
}

export function hashOfPin(pin: Pin): string {
  return createHash('sha256').update(pinKey(pin)).digest('hex').slice(0, 32);
}
