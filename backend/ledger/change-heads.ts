/**
 * Changing what is known of jobs: the one way to do it. One transaction has the heads of some chunks, each if it is as it was
 * read, and the counters that go with them. On a conflict the heads are read again, and the change is made of what they
 * are then: what has ended meanwhile stays as it is.
 */
import { type Head, moveSegments, segmentsOf } from '../core/chunk-head.ts';
import { inParallel } from '../core/in-parallel.ts';
import type { KeptJob, Segment } from '../core/segment.ts';
import type { Write } from '../ports/store.ts';
import type { Context } from './context.ts';
import { addTally, countWrite, isEmpty, type Tally } from './counters.ts';
import { type FoundHead, headWrite, IN_HEAD, loadHeads } from './heads.ts';
import { mergeSegments, segmentItem, segmentsFor } from './segments.ts';

/** Heads of one transaction; beside them it has up to 16 counters, and what a change brings with it. */
const TOGETHER = 25;
/** Groups of heads, or heads of single jobs, changed at once. */
const AT_ONCE = 8;
const SINGLES_AT_ONCE = 48;
/** So often a head that others change all the time is read again. */
const TRIES = 200;
/** A single job's segment stands in its head while both together have no more bytes: a write costs 1 unit a KB. */
const HEAD_BYTES = 1024;
/** About what a single job's head has besides its line and texts. */
const HEAD_ROOM = 400;

export interface Change {
  readonly head: Head;
  /** By the shard that it counts on. */
  readonly tallies: ReadonlyMap<number, Tally>;
  /** What is kept of jobs that end with it: their ends name the segment `NEW`. */
  readonly kept?: readonly KeptJob[];
  /** What must hold, and change, along with it: of other items, at most 40. */
  readonly along?: readonly Write[];
}

/** Stands for the segment that a change brings. */
export const NEW = '+';

export interface HeadChange {
  readonly submission: string;
  readonly n: number;
  /** What it makes of a head; undefined: nothing is to be done. It is asked again after a conflict. */
  readonly of: (found: FoundHead) => Change | undefined | Promise<Change | undefined>;
}

/**
 * Makes changes of heads, each of another chunk.
 * @returns the heads as they are then, in the order of the changes; undefined where there is none
 */
export async function changeHeads(
  context: Context,
  changes: readonly HeadChange[],
): Promise<(FoundHead | undefined)[]> {
  const after: (FoundHead | undefined)[] = new Array(changes.length).fill(undefined);
  const groups: number[][] = [];
  const bySubmission = new Map<string, number[]>();
  for (const [i, { submission }] of changes.entries()) {
    let group = bySubmission.get(submission);
    if (!group || group.length === TOGETHER) {
      group = [];
      bySubmission.set(submission, group);
      groups.push(group);
    }
    group.push(i);
  }
  // Single jobs have a submission each: their heads are read together.
  const [ones, more] = [
    groups.filter(({ length }) => length === 1),
    groups.filter(({ length }) => length > 1),
  ];
  const first = await loadHeads(
    context,
    ones.map(([i]) => changes[i as number] as HeadChange),
  );
  await inParallel(ones, SINGLES_AT_ONCE, (group, at) =>
    changeTogether(context, changes, group, after, [first[at]]),
  );
  await inParallel(more, AT_ONCE, (group) => changeTogether(context, changes, group, after));
  return after;
}

async function changeTogether(
  context: Context,
  changes: readonly HeadChange[],
  group: readonly number[],
  after: (FoundHead | undefined)[],
  known?: (FoundHead | undefined)[],
): Promise<void> {
  let left = group;
  let heads = known;
  // A segment of jobs that still end with a change serves again: texts are packed once.
  const packed = new Map<number, readonly Segment[]>();
  for (let tries = 0; left.length > 0; tries++) {
    if (tries === TRIES) throw new Error('a chunk is changed all the time: it could not be changed');
    heads ??= await loadHeads(
      context,
      left.map((i) => changes[i] as HeadChange),
    );
    const plans: Plan[] = [];
    for (const [at, i] of left.entries()) {
      const found = heads[at];
      after[i] = found;
      const change = found && (await (changes[i] as HeadChange).of(found));
      if (found && change) plans.push(await planOf(context, i, found, change, packed));
    }
    heads = undefined;
    if (plans.length === 0) return;
    const writes = [...plans.map(({ write }) => write), ...countWrites(context, plans), ...alongOf(plans)];
    const outcome = await context.store.transact(
      writes,
      plans.flatMap(({ found, segments }) => segments.map((segment) => segmentItem(found, segment))),
    );
    if (outcome.done) {
      measure(context, plans);
      for (const { i, found, head, seg } of plans)
        after[i] = {
          ...found,
          head,
          row: { ...found.row, rev: found.row.rev + 1, ...(seg ? { seg } : {}) },
        };
      return;
    }
    left = plans.map(({ i }) => i);
  }
}

interface Plan {
  readonly i: number;
  readonly found: FoundHead;
  readonly head: Head;
  readonly change: Change;
  readonly segments: readonly Segment[];
  readonly seg: Uint8Array | undefined;
  readonly write: Write;
}

async function planOf(
  context: Context,
  i: number,
  found: FoundHead,
  change: Change,
  packed: Map<number, readonly Segment[]>,
): Promise<Plan> {
  const { kept = [] } = change;
  const segments = packed.get(i) ?? (kept.length > 0 ? await segmentsFor(context, found, kept) : []);
  packed.set(i, segments);
  const [only] = segments;
  if (only && segments.length === 1 && fitsHead(found, only)) {
    const head = moveSegments(change.head, new Map([[0, IN_HEAD]]));
    const seg = only.body;
    return { i, found, head, change, segments: [], seg, write: headWrite(found, head, { seg }) };
  }
  const to = new Map<number, string>();
  for (const { id, indexes } of segments)
    for (const index of indexes) if (change.head.ends[index]?.segment === NEW) to.set(index, id);
  const head = moveSegments(change.head, to);
  const merged = await mergeSegments(context, found, head, segments);
  const last = merged?.head ?? head;
  const named = new Set(segmentsOf(last));
  const all = [...segments, ...(merged?.segments ?? [])].filter(({ id }) => named.has(id));
  return { i, found, head: last, change, segments: all, seg: undefined, write: headWrite(found, last) };
}

function fitsHead({ row }: FoundHead, { body }: Segment): boolean {
  return row.pin !== undefined && HEAD_ROOM + (row.line?.length ?? 0) + body.length <= HEAD_BYTES;
}

/** Counters of all changes, those of one shard together. Single jobs have none. */
function countWrites(context: Context, plans: readonly Plan[]): Write[] {
  const sums = new Map<number, Tally>();
  for (const { found, change } of plans)
    if (found.row.pin === undefined)
      for (const [shard, tally] of change.tallies) sums.set(shard, addTally(sums.get(shard) ?? {}, tally));
  const [first] = plans;
  return [...sums].flatMap(([shard, tally]) =>
    first && !isEmpty(tally)
      ? [countWrite(context, first.found.submission, first.found.row.birth, shard, tally)]
      : [],
  );
}

function measure({ count }: Context, plans: readonly Plan[]): void {
  for (const { change } of plans)
    for (const { processed = 0, failed = 0 } of change.tallies.values()) {
      count?.('JobsProcessed', processed);
      count?.('JobsFailed', failed);
    }
}

const alongOf = (plans: readonly Plan[]): Write[] => plans.flatMap(({ change }) => change.along ?? []);
