/**
 * A chunk's head: what is known of each of its jobs. Who holds it (the first batch of a line, and the generation), and how it
 * ended. Pure: every change gives a new head and says which jobs it concerned.
 *
 * A job is open for a batch when the batch's root and generation hold it and it has not ended. Filing, failing and cancelling
 * concern open jobs only; only a retry takes an end away again.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { JobStatus } from './job.ts';

/** The batch that a line of batches began with, and the generation of the jobs that it took. */
export interface Holder {
  readonly root: string;
  readonly generation: number;
}

export type FinalStatus = Extract<JobStatus, 'Processed' | 'Failed' | 'Cancelled'>;

export interface End {
  readonly status: FinalStatus;
  readonly generation: number;
  /** Epoch ms. */
  readonly at: number;
  /** Where its text is; undefined where there is none. */
  readonly segment: string | undefined;
}

/** By job index. Neighbours that are alike share one object. */
export interface Head {
  readonly holders: readonly (Holder | undefined)[];
  readonly ends: readonly (End | undefined)[];
}

export const newHead = (jobs: number): Head => ({
  holders: new Array(jobs).fill(undefined),
  ends: new Array(jobs).fill(undefined),
});

/** Generation of a job: of how it ended, else of who holds it. */
export function generationOf({ holders, ends }: Head, index: number): number {
  return ends[index]?.generation ?? holders[index]?.generation ?? 0;
}

export function isOpenFor({ holders, ends }: Head, index: number, { root, generation }: Holder): boolean {
  const holder = holders[index];
  return (
    holder !== undefined &&
    holder.root === root &&
    holder.generation === generation &&
    ends[index] === undefined
  );
}

/** Nobody holds the job, and it has not ended. */
export function isFree({ holders, ends }: Head, index: number): boolean {
  return holders[index] === undefined && ends[index] === undefined;
}

/** Whether a batch may still take a job of the head. */
export function hasFree(head: Head): boolean {
  return head.holders.some((_, index) => isFree(head, index));
}

export function allEnded({ ends }: Head): boolean {
  return ends.every((end) => end !== undefined);
}

/** Segments that ends name, in order of their first job. */
export function segmentsOf({ ends }: Head): string[] {
  const segments = new Set<string>();
  let last: End | undefined;
  for (const end of ends) {
    if (end === last) continue;
    last = end;
    if (end?.segment !== undefined) segments.add(end.segment);
  }
  return [...segments];
}

/** Gives free jobs to holders: `holderOf` says whose a job becomes. */
export function hold(head: Head, holderOf: (index: number) => Holder | undefined): Head {
  const holders = head.holders.map((known, index) => (isFree(head, index) ? holderOf(index) : known));
  return { holders, ends: head.ends };
}

/**
 * Ends jobs. Who held a job that was processed or has failed need not be known any more; of a cancelled one it must, so that
 * everyone who finds out what a batch took finds the same.
 */
export function endJobs(head: Head, indexes: Iterable<number>, end: End): Head {
  const holders = [...head.holders];
  const ends = [...head.ends];
  for (const index of indexes) {
    ends[index] = end;
    if (end.status !== 'Cancelled') holders[index] = undefined;
  }
  return { holders, ends };
}

/** Whether a retry of that generation may take the job. */
export function mayRetry({ ends }: Head, index: number, generation: number): boolean {
  const end = ends[index];
  return end?.status === 'Failed' && end.generation < generation;
}

/** Puts failed jobs back into the queue, for a retry's batch. */
export function retake(head: Head, indexes: Iterable<number>, holder: Holder): Head {
  const holders = [...head.holders];
  const ends = [...head.ends];
  for (const index of indexes) {
    holders[index] = holder;
    ends[index] = undefined;
  }
  return { holders, ends };
}

/** The same head with its texts elsewhere: `to` gives a job's segment, undefined where it stays as it is. */
export function moveSegments(head: Head, to: ReadonlyMap<number, string>): Head {
  if (to.size === 0) return head;
  const moved = new Map<End, Map<string, End>>();
  const ends = head.ends.map((end, index) => {
    const segment = to.get(index);
    if (!end || segment === undefined) return end;
    // Alike ends stay one object.
    let known = moved.get(end);
    if (!known) {
      known = new Map();
      moved.set(end, known);
    }
    let now = known.get(segment);
    if (!now) {
      now = { ...end, segment };
      known.set(segment, now);
    }
    return now;
  });
  return { holders: head.holders, ends };
}

/** Runs of equal neighbours: `[how many, value]`. */
function runsOf<T>(list: readonly T[], same: (a: T, b: T) => boolean): [number, T][] {
  const runs: [number, T][] = [];
  for (const value of list) {
    const last = runs.at(-1);
    if (last && same(last[1], value)) last[0]++;
    else runs.push([1, value]);
  }
  return runs;
}

const sameHolder = (a: Holder | undefined, b: Holder | undefined) =>
  a === b || (a !== undefined && b !== undefined && a.root === b.root && a.generation === b.generation);
const sameEnd = (a: End | undefined, b: End | undefined) =>
  a === b ||
  (a !== undefined &&
    b !== undefined &&
    a.status === b.status &&
    a.generation === b.generation &&
    a.at === b.at &&
    a.segment === b.segment);

const STATUSES: readonly FinalStatus[] = ['Processed', 'Failed', 'Cancelled'];
/** Heads of fewer bytes are kept as text. */
const DEFLATE_FROM = 256;

/** Runs, with roots and segments by their numbers in two lists: texts that repeat cost little. Times count from `since`. */
interface Encoded {
  /** `[how many]` of nobody, `[how many, root, generation]`. */
  readonly h: readonly (readonly [number] | readonly [number, number, number])[];
  /** `[how many]` that have not ended, `[how many, status, generation, ms, segment or -1]`. */
  readonly e: readonly (readonly [number] | readonly [number, number, number, number, number])[];
  readonly r: readonly string[];
  readonly s: readonly string[];
}

/**
 * A head as it is stored: JSON, deflated where it is long.
 * @param since a time (epoch ms) that the times of ends are counted from
 */
export function encodeHead(head: Head, since: number): string | Uint8Array {
  const roots = new Map<string, number>();
  const segments = new Map<string, number>();
  const number = (list: Map<string, number>, text: string) => {
    const known = list.get(text);
    if (known !== undefined) return known;
    list.set(text, list.size);
    return list.size - 1;
  };
  const encoded: Encoded = {
    h: runsOf(head.holders, sameHolder).map(([count, holder]) =>
      holder ? ([count, number(roots, holder.root), holder.generation] as const) : ([count] as const),
    ),
    e: runsOf(head.ends, sameEnd).map(([count, end]) => {
      if (!end) return [count] as const;
      const segment = end.segment === undefined ? -1 : number(segments, end.segment);
      return [count, STATUSES.indexOf(end.status), end.generation, end.at - since, segment] as const;
    }),
    r: [...roots.keys()],
    s: [...segments.keys()],
  };
  const text = JSON.stringify(encoded);
  return text.length < DEFLATE_FROM ? text : deflateRawSync(text);
}

/** @param stored as `encodeHead` gave it */
export function decodeHead(stored: string | Uint8Array, since: number): Head {
  const text = typeof stored === 'string' ? stored : inflateRawSync(stored).toString();
  const { h, e, r, s } = JSON.parse(text) as Encoded;
  const holders: (Holder | undefined)[] = [];
  for (const [count, root, generation = 0] of h) {
    const holder = root === undefined ? undefined : { root: r[root] as string, generation };
    for (let i = 0; i < count; i++) holders.push(holder);
  }
  const ends: (End | undefined)[] = [];
  for (const [count, status, generation = 0, ms = 0, segment = -1] of e) {
    const end =
      status === undefined
        ? undefined
        : {
            status: STATUSES[status] as FinalStatus,
            generation,
            at: since + ms,
            segment: segment < 0 ? undefined : s[segment],
          };
    for (let i = 0; i < count; i++) ends.push(end);
  }
  return { holders, ends };
}
