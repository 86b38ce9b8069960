/**
 * A list of job and submission IDs, folded: jobs that stand side by side become one range of their chunk, so a million
 * IDs take as much memory as their two thousand chunks.
 */
import { isSubmissionId, type JobRef, parseJobId } from '@batchml/backend/words';
import { usageError } from '../errors.ts';

export const jobIdOf = (ref: JobRef): string => `${ref.submission}.${ref.chunk}.${ref.index}`;

/** Job indexes of a chunk: `from` is in, `to` is not. */
export interface IndexRange {
  from: number;
  to: number;
}

/** What is selected of one submission. */
export class SubmissionSelection {
  readonly id: string;
  /** The submission itself was named: all its jobs. */
  whole = false;
  private readonly chunks = new Map<number, IndexRange[]>();
  private lastChunk = -1;
  private sorted = true;

  constructor(id: string) {
    this.id = id;
  }

  add(chunk: number, index: number): void {
    let ranges = this.chunks.get(chunk);
    if (ranges === undefined) {
      ranges = [];
      this.chunks.set(chunk, ranges);
      if (chunk < this.lastChunk) this.sorted = false;
      this.lastChunk = Math.max(this.lastChunk, chunk);
    }
    addIndex(ranges, index);
  }

  /** Jobs named one by one. */
  get jobs(): number {
    let count = 0;
    for (const ranges of this.chunks.values()) for (const { from, to } of ranges) count += to - from;
    return count;
  }

  /** Ranges in the submission's order. */
  *ranges(): Generator<{ chunk: number; from: number; to: number }> {
    if (!this.sorted) {
      const entries = [...this.chunks].sort(([a], [b]) => a - b);
      this.chunks.clear();
      for (const [chunk, ranges] of entries) this.chunks.set(chunk, ranges);
      this.sorted = true;
    }
    for (const [chunk, ranges] of this.chunks) for (const { from, to } of ranges) yield { chunk, from, to };
  }

  /** Jobs in the submission's order. */
  *refs(): Generator<JobRef> {
    for (const { chunk, from, to } of this.ranges())
      for (let index = from; index < to; index++) yield { submission: this.id, chunk, index };
  }

  /** IDs of the first jobs. */
  firstIds(count: number): string[] {
    const ids: string[] = [];
    for (const ref of this.refs()) {
      if (ids.length === count) break;
      ids.push(jobIdOf(ref));
    }
    return ids;
  }
}

/** Adds to sorted ranges that neither overlap nor touch. The usual case, one more than the last, is quick. */
function addIndex(ranges: IndexRange[], index: number): void {
  const last = ranges.at(-1);
  if (last === undefined || index > last.to) {
    ranges.push({ from: index, to: index + 1 });
    return;
  }
  if (index === last.to) {
    last.to++;
    return;
  }
  // The first range that ends at or after the index: it holds it, touches it, or stands behind it.
  let low = 0;
  let high = ranges.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle] as IndexRange).to < index) low = middle + 1;
    else high = middle;
  }
  const range = ranges[low] as IndexRange;
  if (index >= range.from && index < range.to) return;
  if (index === range.to) {
    range.to++;
    const next = ranges[low + 1];
    if (next !== undefined && next.from === range.to) {
      range.to = next.to;
      ranges.splice(low + 1, 1);
    }
  } else if (index + 1 === range.from) range.from--;
  else ranges.splice(low, 0, { from: index, to: index + 1 });
}

/** IDs by submission, in the order in which the submissions were first named. */
export class Selection {
  private readonly submissions = new Map<string, SubmissionSelection>();

  get size(): number {
    return this.submissions.size;
  }

  [Symbol.iterator](): Iterator<SubmissionSelection> {
    return this.submissions.values();
  }

  add(id: string): void {
    const ref = parseJobId(id);
    if (ref !== undefined) this.addRef(ref);
    else if (isSubmissionId(id)) this.of(id).whole = true;
    else
      throw usageError(`not a job or submission ID: ${id.length > 100 ? `${id.slice(0, 100)}…` : id}`, {
        code: 'bad_id',
        next: ['see what there is: batchml list'],
      });
  }

  addRef({ submission, chunk, index }: JobRef): void {
    this.of(submission).add(chunk, index);
  }

  private of(id: string): SubmissionSelection {
    let selection = this.submissions.get(id);
    if (selection === undefined) {
      selection = new SubmissionSelection(id);
      this.submissions.set(id, selection);
    }
    return selection;
  }
}
