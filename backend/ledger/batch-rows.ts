/** Rows of batches, and the way between them and the pipeline's words. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Batch, BatchState, Cut, Member } from '../core/batch.ts';
import { absent, both, type Condition, equal, type Item, oneOf } from '../core/items.ts';
import type { JobError } from '../core/job.ts';
import { SCHEMA_VERSION } from '../core/schema-version.ts';
import type { Pin } from '../core/settings.ts';
import type { Write } from '../ports/store.ts';
import type { Context } from './context.ts';
import {
  batchKey,
  hashOfPin,
  membersKey,
  type OpenKind,
  openIn,
  parentOf,
  rootOf,
  roundOf,
  sortableBatchId,
} from './keys.ts';

/** Members of more bytes than this are kept apart, so that a change of the batch's state doesn't pay for them (1 unit a KB). */
const MEMBERS_INLINE = 600;
const DAY_MS = 86_400_000;

/** A batch as its row has it. */
export interface BatchRow {
  readonly id: string;
  readonly state: BatchState;
  readonly jobs: number;
  /** Hash of its pin. */
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
  /** JSON; absent when they are kept apart. While the batch is Forming and was not split from another: candidates. */
  readonly members?: string;
  /** The submission that all its jobs are of; absent where they are single jobs. */
  readonly owner?: string;
  /** JSON. */
  readonly cut?: string;
  /** Jobs that were cancelled before it was started. */
  readonly gone: number;
  /** JSON: it is Ending, with this error. */
  readonly ending?: string;
  readonly ttl: number;
}

export interface Ending {
  readonly error: JobError;
  readonly at: number;
}

type Packed = [submission: string, chunk: number, from: number, to: number][];

/** A batch to be recorded: one write, or two where its members are kept apart. */
export function newBatch(context: Context, batch: Batch): Write[] {
  const { id, jobs, generation, suspect, scout, createdAt, waitDeadline, reason, pin, cut, owner } = batch;
  const members = packMembers(batch.members);
  const apart = members.length > MEMBERS_INLINE;
  const key = batchKey(id);
  const ttl = batchTtl(context, waitDeadline);
  const item: Item = {
    ...key,
    ...openAs('Forming', batch),
    v: SCHEMA_VERSION,
    id,
    state: 'Forming',
    jobs,
    generation,
    suspect,
    createdAt,
    waitDeadline,
    pin: hashOfPin(pin),
    attempts: 0,
    requeues: 0,
    gone: 0,
    notBefore: 0,
    ttl,
    ...(scout === undefined ? {} : { scout }),
    ...(reason === undefined ? {} : { reason: JSON.stringify(reason) }),
    ...(apart ? {} : { members }),
    ...(owner === undefined ? {} : { owner }),
    ...(cut === undefined ? {} : { cut: JSON.stringify(cut) }),
  };
  const writes: Write[] = [{ key, item, condition: absent('pk') }];
  if (apart) writes.push(membersWrite(id, members, ttl));
  return writes;
}

/** `ttl` of a batch: it is read as long as its jobs may still be open. */
export function batchTtl({ retentionDays }: Context, waitDeadline: number): number {
  return Math.ceil((waitDeadline + (retentionDays + 8) * DAY_MS) / 1000);
}

/** The write that keeps a batch's members apart. */
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

export function toBatch(row: BatchRow, members: readonly Member[], pin: Pin): Batch {
  return {
    id: row.id,
    root: rootOf(row.id),
    parent: parentOf(row.id),
    round: roundOf(row.id),
    owner: row.owner,
    members,
    jobs: row.jobs,
    pin,
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
    ...(row.cut === undefined ? {} : { cut: JSON.parse(row.cut) as Cut }),
  };
}

const KINDS: Partial<Record<BatchState, OpenKind>> = {
  Forming: 'forming',
  Waiting: 'waiting',
  Held: 'held',
  Ending: 'ending',
};

/** Attributes that put a batch in the open index while its state is one to be looked at; none otherwise. */
export function openAs(
  state: BatchState,
  row: Pick<BatchRow, 'id' | 'createdAt' | 'attempts' | 'generation' | 'notBefore'>,
): { openKey?: string; openAt?: string } {
  const kind = state === 'Waiting' && isBegun(row) ? 'begun' : KINDS[state];
  // In the order in which they may be started.
  const at = Math.max(row.createdAt, row.notBefore);
  return kind === undefined ? {} : openIn(kind, at, sortableBatchId(row.id));
}

/** It goes on with work that was started before: it waits for no schedule, and comes before new work. */
function isBegun({ id, attempts, generation }: Pick<BatchRow, 'id' | 'attempts' | 'generation'>): boolean {
  return attempts > 0 || generation > 0 || parentOf(id) !== undefined;
}

/** Its first attempt is still to come, and it wasn't split from another: its jobs count as started when it ends or runs. */
export const isFresh = ({ id, attempts }: Pick<BatchRow, 'id' | 'attempts'>): boolean =>
  attempts === 0 && parentOf(id) === undefined;

export const stillIn = (...states: readonly BatchState[]): Condition => oneOf('state', states);

export function stillRunningIn(transform: string): Condition {
  return both(equal('state', 'Running'), equal('transform', transform));
}
