/** Rows of batches, and the way between them and the pipeline's words. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Batch, BatchState, Member } from '../core/batch.ts';
import { absent, both, type Condition, equal, type Item, oneOf } from '../core/items.ts';
import type { JobError } from '../core/job.ts';
import type { Pin } from '../core/settings.ts';
import type { Write } from '../ports/store.ts';
import { type Context, ttlAfter } from './context.ts';
import {
  batchKey,
  membersKey,
  type OpenKind,
  openIn,
  parentOf,
  rootOf,
  roundOf,
  sortableBatchId,
} from './keys.ts';

/** Members of more bytes than this are kept apart, so that a change of the batch's state doesn't pay for them (1 unit a KB). */
const MEMBERS_INLINE = 3000;

/** A batch as its row has it. */
export interface BatchRow {
  readonly id: string;
  readonly state: BatchState;
  readonly jobs: number;
  readonly pin: string;
  readonly generation: number;
  readonly attempts: number;
  readonly requeues: number;
  readonly suspect: boolean;
  readonly transform?: string;
  readonly scout?: string;
  readonly notBefore: number;
  readonly createdAt: number;
  readonly waitDeadline: number;
  readonly reason?: string;
  /** JSON; absent when they are kept apart. */
  readonly members?: string;
  /** The submission that all its jobs are of. */
  readonly owner?: string;
  /** Its jobs are single ones, whose submissions have no counters. */
  readonly single: boolean;
  /** Jobs that ended in the queue before it was started. */
  readonly gone: number;
  /** Its candidates are still being claimed: `members` are those it asked for. */
  readonly unsettled?: 'gather' | 'retry';
  /** JSON: ranges of chunks that were cut, by `{submission}.{n}`. */
  readonly cuts?: string;
  /** Transform job whose output of it is being filed. */
  readonly filing?: string;
  /** JSON: it is being failed with this error. */
  readonly ending?: string;
}

export interface Ending {
  readonly error: JobError;
  readonly at: number;
}

type Packed = [submission: string, chunk: number, from: number, to: number][];

/** A batch to be recorded: one write, or two where its members are kept apart. */
export function newBatch(
  context: Context,
  batch: Batch,
  more: Pick<BatchRow, 'state' | 'single'> & Partial<BatchRow>,
): Write[] {
  const { id, jobs, generation, suspect, scout, createdAt, waitDeadline, reason, pin } = batch;
  const members = packMembers(batch.members);
  const owners = new Set(batch.members.map(({ submission }) => submission));
  const [owner] = owners;
  const apart = members.length > MEMBERS_INLINE;
  const key = batchKey(id);
  const ttl = ttlAfter(context, waitDeadline);
  const item: Item = {
    ...key,
    ...openAs(more.state, batch),
    id,
    jobs,
    generation,
    suspect,
    scout,
    createdAt,
    waitDeadline,
    pin: JSON.stringify(pin),
    reason: reason && JSON.stringify(reason),
    members: apart ? undefined : members,
    owner: owners.size === 1 ? owner : undefined,
    parent: parentOf(id),
    attempts: 0,
    requeues: 0,
    unusable: 0,
    gone: 0,
    notBefore: 0,
    ttl,
    ...more,
  };
  const writes: Write[] = [{ key, item, condition: absent('pk') }];
  if (apart) writes.push(membersWrite(id, members, ttl));
  return writes;
}

/** The write that keeps a batch's members apart, or keeps others now. */
export function membersWrite(batch: string, packed: string, ttl: number): Write {
  const key = membersKey(batch);
  return { key, item: { ...key, members: deflateRawSync(packed), ttl } };
}

export function packMembers(members: readonly Member[]): string {
  return JSON.stringify(members.map(({ submission, chunk, from, to }) => [submission, chunk, from, to]));
}

export function unpackMembers(packed: string | Uint8Array): Member[] {
  const text = typeof packed === 'string' ? packed : inflateRawSync(packed).toString('utf8');
  return (JSON.parse(text) as Packed).map(([submission, chunk, from, to]) => ({
    submission,
    chunk,
    from,
    to,
  }));
}

export function toBatch(row: BatchRow, members: readonly Member[]): Batch {
  return {
    id: row.id,
    root: rootOf(row.id),
    parent: parentOf(row.id),
    round: roundOf(row.id),
    members,
    jobs: row.jobs,
    pin: JSON.parse(row.pin) as Pin,
    generation: row.generation,
    state: row.state,
    attempts: row.attempts,
    requeues: row.requeues,
    suspect: row.suspect,
    transformJob: row.transform,
    scout: row.scout,
    notBefore: row.notBefore,
    createdAt: row.createdAt,
    waitDeadline: row.waitDeadline,
    reason: row.reason === undefined ? undefined : (JSON.parse(row.reason) as JobError),
  };
}

const KINDS: Partial<Record<BatchState, OpenKind>> = { Forming: 'forming', Waiting: 'waiting', Held: 'held' };

/** Attributes that put a batch in the open index while its state is one to be looked at; none otherwise. */
export function openAs(
  state: BatchState,
  row: Pick<BatchRow, 'id' | 'createdAt' | 'attempts' | 'generation'>,
): { openKey?: string; openAt?: string } {
  const kind = state === 'Waiting' && isBegun(row) ? 'begun' : KINDS[state];
  return kind === undefined ? {} : openIn(kind, row.createdAt, sortableBatchId(row.id));
}

/** It goes on with work that was started before: it waits for no schedule, and comes before new work. */
function isBegun({ id, attempts, generation }: Pick<BatchRow, 'id' | 'attempts' | 'generation'>): boolean {
  return attempts > 0 || generation > 0 || parentOf(id) !== undefined;
}

/** Its first attempt is still to come, and it wasn't split from another: its jobs count as started when it ends or runs. */
export const isFresh = ({ id, attempts }: Pick<BatchRow, 'id' | 'attempts'>): boolean =>
  attempts === 0 && parentOf(id) === undefined;

/** The row is in one of these states, and nobody is filing its results, failing it, or claiming its members. */
export function stillIn(...states: readonly BatchState[]): Condition {
  return both(oneOf('state', states), absent('filing'), absent('ending'), absent('unsettled'));
}

export function stillRunningIn(transform: string): Condition {
  return both(equal('state', 'Running'), equal('transform', transform), absent('filing'), absent('ending'));
}
