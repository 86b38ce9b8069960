/** A batch: one input object, Batch Transform's unit of failure; and the states it goes through. */
import { childBatchId, type JobRef } from './ids.ts';
import type { JobError } from './job.ts';
import type { Pin } from './settings.ts';

const HOUR_MS = 3_600_000;

/**
 * Forming: members are being claimed. Waiting: its object is written. Running: in a transform job. Held: waits for
 * what another batch of the same failure (its scout) finds out. Split: its children carry on. Ending: it was decided that it
 * fails, and its jobs are being failed. Done, Failed: ended.
 */
export const BATCH_STATES = [
  'Forming',
  'Waiting',
  'Running',
  'Held',
  'Split',
  'Ending',
  'Done',
  'Failed',
] as const;
export type BatchState = (typeof BATCH_STATES)[number];

const NEXT: Record<BatchState, readonly BatchState[]> = {
  Forming: ['Waiting', 'Done', 'Ending'],
  Waiting: ['Running', 'Ending', 'Done'],
  Running: ['Waiting', 'Held', 'Split', 'Done', 'Ending'],
  Held: ['Waiting', 'Split', 'Ending', 'Done'],
  Split: ['Done'],
  Ending: ['Failed'],
  Done: [],
  Failed: [],
};

export function batchMayBecome(from: BatchState, to: BatchState): boolean {
  return NEXT[from].includes(to);
}

/** Jobs `from` (inclusive) to `to` (exclusive) of one chunk. */
export interface Member {
  readonly submission: string;
  readonly chunk: number;
  readonly from: number;
  readonly to: number;
}

/** A chunk cut into batches `{base}_0`, `{base}_1`, ... of `size` jobs each. */
export interface Cut {
  readonly base: string;
  readonly size: number;
}

export interface Batch {
  readonly id: string;
  /** The first batch of the line that this one was split from; its own ID if it wasn't. */
  readonly root: string;
  readonly parent: string | undefined;
  /** How often its line was split before it: 0 for a root, at most `SPLIT_ROUNDS`. */
  readonly round: number;
  /** The submission that all its jobs are of; undefined: they are single jobs. */
  readonly owner: string | undefined;
  /** The jobs in it, in the order of the object's lines. */
  readonly members: readonly Member[];
  readonly jobs: number;
  readonly pin: Pin;
  /** Its chunk was cut: it is one of several, each of `size` jobs of it. Of a batch that was not split from another. */
  readonly cut?: Cut;
  /** Generation of its jobs: 0, or that of the retry that formed it. */
  readonly generation: number;
  readonly state: BatchState;
  /** Transform jobs it was in. */
  readonly attempts: number;
  /** How often it went back whole after its transform job said nothing against it. */
  readonly requeues: number;
  /** It may hold a bad record: it shares transform jobs with its like only. */
  readonly suspect: boolean;
  readonly transformJob: string | undefined;
  /** The batch whose split decides what happens to this one, should it be Held. */
  readonly scout: string | undefined;
  /** Not to be started before this time (epoch ms). */
  readonly notBefore: number;
  readonly createdAt: number;
  /** Time (epoch ms) by which it must have been started. */
  readonly waitDeadline: number;
  /** Last known reason why it is not done yet. */
  readonly reason: JobError | undefined;
}

/** The jobs of members, in order. */
export function* jobsOf(members: readonly Member[]): Generator<JobRef> {
  for (const { submission, chunk, from, to } of members)
    for (let index = from; index < to; index++) yield { submission, chunk, index };
}

export function countJobs(members: readonly Member[]): number {
  return members.reduce((sum, member) => sum + member.to - member.from, 0);
}

/** Members that lines `from` (inclusive) to `to` (exclusive) of a batch's object come from. */
export function sliceMembers(members: readonly Member[], from: number, to: number): Member[] {
  const slice: Member[] = [];
  let line = 0;
  for (const member of members) {
    const size = member.to - member.from;
    const start = Math.max(from - line, 0);
    const end = Math.min(to - line, size);
    if (start < end) slice.push({ ...member, from: member.from + start, to: member.from + end });
    line += size;
  }
  return slice;
}

/** Jobs grouped into members: neighbours of one chunk become one range. */
export function membersOf(jobs: readonly JobRef[]): Member[] {
  const members: { submission: string; chunk: number; from: number; to: number }[] = [];
  for (const { submission, chunk, index } of jobs) {
    const last = members.at(-1);
    if (last && last.submission === submission && last.chunk === chunk && last.to === index)
      last.to = index + 1;
    else members.push({ submission, chunk, from: index, to: index + 1 });
  }
  return members;
}

/**
 * A child of a split batch, over lines `from` to `to` of the parent's object. It may wait as long as its root might: its
 * parent's run, however long, is not held against it.
 */
export function childOf(parent: Batch, index: number, from: number, to: number, now: number): Batch {
  const members = sliceMembers(parent.members, from, to);
  const { cut, ...line } = parent;
  return {
    ...line,
    id: childBatchId(parent.id, index),
    parent: parent.id,
    round: parent.round + 1,
    members,
    jobs: to - from,
    state: 'Forming',
    attempts: 0,
    requeues: 0,
    suspect: true,
    transformJob: undefined,
    scout: undefined,
    notBefore: 0,
    createdAt: now,
    waitDeadline: now + parent.pin.settings.maxWaitHours * HOUR_MS,
  };
}
