/**
 * Keys of the store, and what is where.
 *
 *     S#{submission}            meta                 the submission (of a single job: only once it is retried)
 *                               count#{00-15}        its counters, in shards
 *     C#{submission}#{n / 100}  h#{n}                a chunk's head: what is known of its jobs
 *                               d#{n}#{hash}         its jobs' line numbers and custom IDs, where they are many
 *                               l#{n}#{hash}         its jobs' lines, where they are few; else a blob
 *                               z#{n}#{hash}         how long each line of that blob is
 *     R#{submission}#{n}        {hash}               segments: results and errors of a chunk's jobs
 *     Y#{submission}            jobs                 the jobs that a retry names
 *     B#{batch}                 batch                a batch that was not split from another
 *                               members              its members, where they are many
 *                               child#{index}        the batches that it was split into
 *                               held#{batch}         batches that are held for what its children find
 *     T#{transform job}         job
 *     P#{hash of pin}           pin                  a pin
 *                               slots                transform jobs that hold a place of it
 *     L                         {time}#{submission}  submissions, by time
 *
 * Writes at a million jobs in ten minutes, 2,000 chunks of 500 in 200 batches of 5,000 (a partition key takes 1,000 units a
 * second, and half of that is to be left):
 *
 * - `C#`: 100 chunks, each accepted (2 units in a transaction, 1 for its directory), gathered (1) and filed (2 in a transaction,
 *   once or twice): 800 units in all, spread over the time in which they come. 20 such keys.
 * - `S#`: a counter is changed in a transaction (2 units) by each chunk accepted, by each batch started and by each group of up to
 *   25 chunks filed: 4,000 + 400 + 400 units on one key, 8 a second. The 16 shards are there for conflicts between
 *   transactions, not for capacity.
 * - `R#`: a chunk's segments, about 3 units for small results; 2,000 keys.
 * - `L`: one unit a submission.
 * - Single jobs have a key of their own each: 3 units in their whole life.
 *
 * Open work is in the sparse index `open` (eventually consistent: what it misses, the next bell or reconcile finds).
 * Index keys begin with the version of all this: another version's open work is not taken for one's own. `chunk` has 8 shards
 * there, as single jobs come at up to 1,000 a second to each; the others change per batch.
 */
import { createHash } from 'node:crypto';
import type { Key } from '../core/items.ts';
import { SCHEMA_VERSION } from '../core/schema-version.ts';
import { type Pin, pinKey } from '../core/settings.ts';

const pad = (n: number, width: number) => String(n).padStart(width, '0');

export const COUNTER_SHARDS = 16;
export const CHUNK_SHARDS = 8;
/** Heads in one partition. */
const HEADS = 100;

export const metaKey = (submission: string): Key => ({ pk: `S#${submission}`, sk: 'meta' });
export const counterKey = (submission: string, shard: number): Key => ({
  pk: `S#${submission}`,
  sk: `count#${pad(shard, 2)}`,
});
export const headKey = (submission: string, n: number): Key => ({
  pk: `C#${submission}#${partOf(n)}`,
  sk: `h#${pad(n, 9)}`,
});
/** The partition that holds a head, and the first head that it may hold. */
export const partOf = (n: number): number => Math.floor(n / HEADS);
export const firstOf = (part: number): number => part * HEADS;
/** What goes with a head. `sha256` keeps apart what different contents of one number bring. */
export const besideKey = (kind: 'd' | 'l' | 'z', submission: string, n: number, sha256: string): Key => ({
  pk: headKey(submission, n).pk,
  sk: `${kind}#${pad(n, 9)}#${sha256.slice(0, 16)}`,
});
export const segmentKey = (submission: string, n: number, id: string): Key => ({
  pk: `R#${submission}#${n}`,
  sk: id,
});
export const namedJobsKey = (submission: string): Key => ({ pk: `Y#${submission}`, sk: 'jobs' });
export const membersKey = (batch: string): Key => ({ pk: `B#${batch}`, sk: 'members' });
export const heldKey = (scout: string, batch: string): Key => ({ pk: `B#${scout}`, sk: `held#${batch}` });
export const transformKey = (name: string): Key => ({ pk: `T#${name}`, sk: 'job' });
export const pinItemKey = (pinHash: string): Key => ({ pk: `P#${pinHash}`, sk: 'pin' });
export const slotsKey = (pinHash: string): Key => ({ pk: `P#${pinHash}`, sk: 'slots' });
export const listKey = (createdAt: number, submission: string): Key => ({
  pk: 'L',
  sk: `${pad(createdAt, 15)}#${submission}`,
});

/** Submission and number of a chunk's head. */
export function chunkOfKey({ pk, sk }: Key): { submission: string; n: number } {
  return { submission: pk.slice(2, pk.lastIndexOf('#')), n: Number(sk.slice(2)) };
}

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
  | 'ending'
  | 'transform'
  /** A submission that is being cancelled or retried. */
  | 'changing'
  /** One whose end is still to be announced. */
  | 'submission';

/** Attributes that put an item in the open index, in order of time. */
export function openIn(
  kind: OpenKind,
  at: number,
  id: string,
  shard = 0,
): { openKey: string; openAt: string } {
  return { openKey: openKeyOf(kind, shard), openAt: `${openTime(at)}#${id}` };
}

export const OPEN_ATTRIBUTES = ['openKey', 'openAt'];
export const openKeyOf = (kind: OpenKind, shard = 0): string => `${SCHEMA_VERSION}.${kind}#${shard}`;
/** A time (epoch ms) as it stands in `openAt`. */
export const openTime = (at: number): string => pad(Math.max(Math.ceil(at), 0), 15);

/** A batch's ID so that a line's parts sort by their index. */
export const sortableBatchId = (id: string): string =>
  id
    .split('.')
    .map((part, i) => (i === 0 ? part : pad(Number(part), 6)))
    .join('.');

export function shardOf(text: string, shards: number): number {
  return createHash('sha256').update(text).digest().readUInt16BE(0) % shards;
}

/**
 * The shard that all counts of a batch's line go to, so that a reader sees no job processed that it doesn't see started;
 * batches of one cut chunk share it, as their jobs are filed together.
 */
export function counterShardOf(batch: string): number {
  return shardOf(batch.split(/[._]/, 1)[0] as string, COUNTER_SHARDS);
}

export function hashOfPinKey(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 24);
}

export const hashOfPin = (pin: Pin): string => hashOfPinKey(pinKey(pin));
