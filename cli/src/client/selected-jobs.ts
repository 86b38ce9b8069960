/** Result lines of the selected jobs of one submission, in its order, by pages. */
import type { JobRef } from '@batchml/backend/words';
import { unknownIdError } from './api-errors.ts';
import type { ApiClient } from './client.ts';
import { type LineHead, readLineHead, splitLines } from './result-line.ts';
import { jobIdOf, type SubmissionSelection } from './selection.ts';

export interface SelectedLine extends LineHead {
  readonly text: string;
}

export interface SelectedOptions {
  /** Only jobs of this status. */
  readonly status?: string;
  /** Instead of a job that isn't final: wait, then look again. */
  readonly whenPending?: () => Promise<void>;
}

const PAGE = 500;

const before = (a: JobRef, b: JobRef): boolean =>
  a.chunk < b.chunk || (a.chunk === b.chunk && a.index < b.index);

/** How many jobs stand side by side from the first range on; a chunk's end isn't known, so this may be too many. */
function runLength(ranges: readonly { chunk: number; from: number; to: number }[], at: number): number {
  let length = 0;
  for (let i = at; i < ranges.length && length < PAGE; i++) {
    const range = ranges[i] as { chunk: number; from: number; to: number };
    if (i > at && (range.from !== 0 || range.chunk !== (ranges[i - 1] as { chunk: number }).chunk + 1)) break;
    length += range.to - range.from;
  }
  return Math.min(PAGE, length);
}

/** A walk over the selected jobs, in order, that knows which range it is in. */
class Walk {
  readonly id: string;
  private readonly ranges: readonly { chunk: number; from: number; to: number }[];
  private at = 0;
  private index: number;

  constructor(selection: SubmissionSelection) {
    this.id = selection.id;
    this.ranges = [...selection.ranges()];
    this.index = this.ranges[0]?.from ?? 0;
  }

  get current(): JobRef | undefined {
    const range = this.ranges[this.at];
    return range && { submission: this.id, chunk: range.chunk, index: this.index };
  }

  /** Jobs to ask for from here. */
  get pageSize(): number {
    const range = this.ranges[this.at];
    return range === undefined ? 0 : Math.max(1, runLength(this.ranges, this.at) - (this.index - range.from));
  }

  next(): void {
    const range = this.ranges[this.at];
    if (range === undefined) return;
    this.index++;
    if (this.index < range.to) return;
    this.at++;
    this.index = this.ranges[this.at]?.from ?? 0;
  }

  /** Goes to the first job at or after `ref`. Gives the first job that was passed over, if any. */
  skipTo(ref: JobRef): JobRef | undefined {
    let skipped: JobRef | undefined;
    for (let current = this.current; current !== undefined && before(current, ref); current = this.current) {
      skipped ??= current;
      this.next();
    }
    return skipped;
  }
}

/** Pages of the selected jobs' lines. Throws when one of them doesn't exist. */
export async function* selectedLines(
  client: ApiClient,
  selection: SubmissionSelection,
  { status, whenPending }: SelectedOptions = {},
): AsyncGenerator<SelectedLine[]> {
  const walk = new Walk(selection);
  for (let first = walk.current; first !== undefined; first = walk.current) {
    const page = await client.results(selection.id, {
      cursor: `${first.chunk}.${first.index}`,
      limit: walk.pageSize,
      ...(status === undefined ? {} : { status }),
      final: whenPending !== undefined,
    });
    const taken: SelectedLine[] = [];
    const missing = (ref: JobRef | undefined): void => {
      if (ref !== undefined && status === undefined) throw unknownIdError(jobIdOf(ref));
    };
    for (const text of splitLines(page.text)) {
      const head = readLineHead(text);
      missing(walk.skipTo(head.ref));
      const current = walk.current;
      if (current === undefined || before(head.ref, current)) continue;
      taken.push({ ...head, text });
      walk.next();
    }
    if (taken.length > 0) yield taken;
    if (page.pending) {
      await whenPending?.();
      continue;
    }
    if (page.cursor === undefined) {
      missing(walk.current);
      return;
    }
    const [chunk, index] = page.cursor.split('.').map(Number);
    const next = { submission: selection.id, chunk: chunk ?? 0, index: index ?? 0 };
    if (!before(first, next)) throw new Error(`the API's listing of ${selection.id} doesn't go on`);
    missing(walk.skipTo(next));
  }
}
