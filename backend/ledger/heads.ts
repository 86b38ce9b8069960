/** Chunks' heads in the store. */
import { allEnded, decodeHead, encodeHead, type Head, hasFree, newHead } from '../core/chunk-head.ts';
import type { Condition, Item, Key } from '../core/items.ts';
import { absent, both, equal } from '../core/items.ts';
import { allOf, type Write } from '../ports/store.ts';
import { type Context, isOver } from './context.ts';
import { partsOf } from './counters.ts';
import { chunkOfKey, firstOf, headKey, metaKey, OPEN_ATTRIBUTES, partOf } from './keys.ts';

/** A head's item. */
export interface HeadRow {
  readonly pk: string;
  readonly sk: string;
  readonly jobs: number;
  /** Of its lines. */
  readonly bytes: number;
  /** When it was accepted (epoch ms). */
  readonly at: number;
  /** When its submission was made: tells it from one of an earlier submission of that name. */
  readonly birth: number;
  /** Of its body: the first 32 hex digits of the SHA-256. */
  readonly sha: string;
  /** Grows with each change. */
  readonly rev: number;
  /** What is known of its jobs; absent while that is nothing. */
  readonly h?: string | Uint8Array;
  /** JSON of its directory, where that is short. */
  readonly dir?: string;
  /** Hash of the pin: it is the one chunk of a single job. */
  readonly pin?: string;
  /** A single job's line, where it is short. */
  readonly line?: string;
  /** A single job's segment, where the item stays short with it. */
  readonly seg?: Uint8Array;
  readonly ttl: number;
}

export interface FoundHead {
  readonly submission: string;
  readonly n: number;
  readonly row: HeadRow;
  readonly head: Head;
}

/** Segment that stands in the head itself. */
export const IN_HEAD = '-';

export function foundHead(item: Item): FoundHead {
  const row = item as unknown as HeadRow;
  const head = row.h === undefined ? newHead(row.jobs) : decodeHead(row.h, row.at);
  return { ...chunkOfKey(row), row, head };
}

/** Heads in the order asked; undefined where there is none, or only one whose time is over. */
export async function loadHeads(
  context: Context,
  chunks: readonly { readonly submission: string; readonly n: number }[],
): Promise<(FoundHead | undefined)[]> {
  const items = await context.store.getAll(chunks.map(({ submission, n }) => headKey(submission, n)));
  return items.map((item) => {
    const found = item && foundHead(item);
    return found && !isOver(context, found.row.birth) ? found : undefined;
  });
}

/** The write that makes of a head another one, if it is still as it was found. */
export function headWrite({ row }: FoundHead, head: Head, more: { seg?: Uint8Array } = {}): Write {
  const key: Key = { pk: row.pk, sk: row.sk };
  const unheld = hasFree(head) && !allEnded(head);
  const stillSo: Condition = both(equal('rev', row.rev), equal('birth', row.birth));
  return {
    key,
    changes: {
      set: { rev: row.rev + 1, h: encodeHead(head, row.at), ...more },
      // It is open work as long as a batch may take some of it.
      ...(unheld ? {} : { remove: OPEN_ATTRIBUTES }),
    },
    condition: stillSo,
  };
}

/** Whether nothing of a head's number is there. */
export const noHead: Condition = absent('pk');

/**
 * Heads of a submission from a chunk on, in order, read page by page as they are asked for.
 * @param most how many of them: no more are read. @default all
 */
export async function* allHeads(
  context: Context,
  id: string,
  from: number,
  most = Number.POSITIVE_INFINITY,
): AsyncGenerator<FoundHead> {
  let left = most;
  let start: number | undefined = from;
  let parts: readonly number[] | undefined;
  while (start !== undefined) {
    const { pk, sk } = headKey(id, start);
    const limit = left < Number.POSITIVE_INFINITY ? { limit: left } : {};
    for await (const item of context.store.query({ pk, from: sk, to: 'h#~', ...limit })) {
      left--;
      const found = foundHead(item);
      if (!isOver(context, found.row.birth)) yield found;
    }
    if (left <= 0) return;
    parts ??= await partitionsOf(context, id);
    const done = partOf(start);
    const next = parts.find((part) => part > done);
    start = next === undefined ? undefined : firstOf(next);
  }
}

async function partitionsOf({ store }: Context, id: string): Promise<number[]> {
  const items = await allOf(store, { pk: metaKey(id).pk });
  const birth = items.find(({ sk }) => sk === 'meta')?.['at'] as number | undefined;
  return birth === undefined ? [] : partsOf(items, birth);
}
