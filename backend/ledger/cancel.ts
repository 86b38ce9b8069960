import type { JobRef } from '../core/ids.ts';
import { absent, both, equal, present } from '../core/items.ts';
import type { ChangeLedger } from '../ports/ledger.ts';
import { allOf, TRANSACT_MOST, type Write } from '../ports/store.ts';
import { closeWrites } from './accept.ts';
import { type BatchRow, isFresh, stillIn } from './batch-rows.ts';
import { batchRow, childRows, membersOfRow } from './batches.ts';
import { type Context, isOver, jobTtl, Tallies } from './context.ts';
import { countWrite, countWrites } from './counters.ts';
import { isOpenIn, jobRows } from './job-rows.ts';
import { batchKey, COUNTER_SHARDS, chunkKey, jobKey, metaKey, openIn, rootOf } from './keys.ts';
import { BY_NOBODY, type Ranges } from './members.ts';
import { type ChunkRow, chunkNumber } from './read.ts';
import { metaOf } from './submissions.ts';

/** Jobs cancelled by one transaction, beside their batch and counters. */
const PAGE = TRANSACT_MOST - 4;
/** A chunk whose batches are on the move is looked at again so often. */
const TRIES = 20;

type CancelLedger = Pick<ChangeLedger, 'cancelJobs' | 'beginCancel' | 'cancelChunks' | 'endCancel'>;

export function cancelLedger(context: Context): CancelLedger {
  const { store } = context;
  return {
    async cancelJobs(refs, at) {
      const byChunk = new Map<string, JobRef[]>();
      for (const ref of refs) {
        const key = `${ref.submission}.${ref.chunk}`;
        byChunk.set(key, [...(byChunk.get(key) ?? []), ref]);
      }
      let cancelled = 0;
      for (const [first, ...more] of byChunk.values()) {
        if (!first) continue;
        const chunk = (await store.get(chunkKey(first.submission, first.chunk))) as ChunkRow | undefined;
        if (!chunk || isOver(context, chunk.acceptedAt)) continue;
        const indexes = new Set([first, ...more].map(({ index }) => index).filter((i) => i < chunk.jobs));
        cancelled += await cancelInChunk(context, first.submission, first.chunk, indexes, at);
      }
      return cancelled;
    },

    async beginCancel(id) {
      const meta = await metaOf(context, id);
      if (!meta) return false;
      const begin: Write = {
        key: metaKey(id),
        changes: {
          set: { cancelling: true, closed: true, ...openIn('submission', meta.acceptedAt, id) },
          remove: ['retrying', 'announced'],
        },
        condition: present('pk'),
      };
      const [, ...shards] = closeWrites(context, id, undefined);
      return (await store.transact(meta.kind === 'single' ? [begin] : [begin, ...shards])).done;
    },

    async cancelChunks(id, from, limit, at) {
      const { pk, sk } = chunkKey(id, from);
      const chunks = (await allOf(store, { pk, from: sk, to: 'c#~', limit })) as ChunkRow[];
      for (const chunk of chunks) {
        const n = chunkNumber(chunk);
        await cancelInChunk(context, id, n, new Set(Array.from({ length: chunk.jobs }, (_, i) => i)), at);
        // So that no batch takes it any more.
        await store.write({
          key: chunkKey(id, n),
          changes: { set: { ranges: '[]' }, remove: ['openKey', 'openAt'] },
          condition: both(present('pk'), absent('ranges')),
        });
      }
      const last = chunks.at(-1);
      return chunks.length === limit && last ? chunkNumber(last) + 1 : undefined;
    },

    async endCancel(id) {
      const key = metaKey(id);
      await store.write({ key, changes: { remove: ['cancelling'] }, condition: present('pk') });
    },
  };
}

/** Jobs of a chunk that share what decides whether they may be cancelled. */
interface Idle {
  readonly indexes: readonly number[];
  /** The batch that they wait in; undefined: no batch has their chunk. */
  readonly leaf: BatchRow | undefined;
}

/** Cancels those jobs of a chunk that aren't final or in a transform job now; gives how many. */
export async function cancelInChunk(
  context: Context,
  submission: string,
  n: number,
  wanted: ReadonlySet<number>,
  at: number,
): Promise<number> {
  let cancelled = 0;
  for (let tries = 0; tries < TRIES; tries++) {
    const chunk = (await context.store.get(chunkKey(submission, n))) as ChunkRow | undefined;
    if (!chunk) return cancelled;
    let changed = false;
    for (const { indexes, leaf } of await idleJobs(context, submission, chunk, wanted))
      for (let i = 0; i < indexes.length; i += PAGE) {
        const page = indexes.slice(i, i + PAGE);
        if (await cancelPage(context, submission, chunk, page, leaf, at)) cancelled += page.length;
        else changed = true;
      }
    // Something moved on meanwhile: what is still to be cancelled is found anew.
    if (!changed) return cancelled;
  }
  return cancelled;
}

async function idleJobs(
  context: Context,
  submission: string,
  chunk: ChunkRow,
  wanted: ReadonlySet<number>,
): Promise<Idle[]> {
  const n = chunkNumber(chunk);
  const rows = await jobRows(context, submission, n, Math.min(...wanted), Math.max(...wanted) + 1);
  const ranges = chunk.ranges === undefined ? undefined : (JSON.parse(chunk.ranges) as Ranges);
  const byRoot = new Map<string | undefined, number[]>();
  for (const index of wanted) {
    const row = rows.get(index);
    if (row && row.st !== 'Queued') continue;
    const range = ranges?.find(([from, to]) => from <= index && index < to);
    if (!row && ranges && !range) continue;
    const root = row ? row.by : range?.[2];
    byRoot.set(root, [...(byRoot.get(root) ?? []), index]);
  }
  const idle: Idle[] = [];
  for (const [root, indexes] of byRoot) {
    if (root === undefined) idle.push({ indexes, leaf: undefined });
    else
      for (const { leaf, holds } of await idleLeaves(context, root, submission, n)) {
        const inside = indexes.filter(holds);
        if (inside.length > 0) idle.push({ indexes: inside, leaf });
      }
  }
  return idle;
}

/** Batches of a line that are in no transform job now, and which of a chunk's jobs each holds. */
async function idleLeaves(
  context: Context,
  id: string,
  submission: string,
  n: number,
): Promise<{ leaf: BatchRow; holds: (index: number) => boolean }[]> {
  const row = await batchRow(context, id);
  if (!row) return [];
  const members = (await membersOfRow(context, row)).filter(
    (member) => member.submission === submission && member.chunk === n,
  );
  if (members.length === 0) return [];
  if (row.state === 'Split') {
    const leaves = [];
    for (const child of await childRows(context, id))
      leaves.push(...(await idleLeaves(context, child.id, submission, n)));
    return leaves;
  }
  if (row.state !== 'Forming' && row.state !== 'Waiting' && row.state !== 'Held') return [];
  if (row.filing !== undefined || row.ending !== undefined) return [];
  return [{ leaf: row, holds: (index) => members.some(({ from, to }) => from <= index && index < to) }];
}

/** Cancels jobs together with what makes sure that they still may be; false when something has changed. */
async function cancelPage(
  context: Context,
  submission: string,
  chunk: ChunkRow,
  indexes: readonly number[],
  leaf: BatchRow | undefined,
  at: number,
): Promise<boolean> {
  const n = chunkNumber(chunk);
  const generation = leaf?.generation ?? 0;
  const by = leaf?.id ?? BY_NOBODY;
  const rows = indexes.map((index): Write => {
    const key = jobKey(submission, n, index);
    const item = { ...key, g: generation, st: 'Cancelled', at, by, ttl: jobTtl(context) };
    return { key, item, condition: isOpenIn(generation) };
  });
  const gone = indexes.length;
  const holder: Write = leaf
    ? {
        key: batchKey(leaf.id),
        changes: { add: { gone } },
        condition: both(stillIn(leaf.state), equal('attempts', leaf.attempts)),
      }
    : { key: chunkKey(submission, n), changes: { add: { gone } }, condition: absent('ranges') };
  const tally = { cancelled: gone, ...(leaf && !isFresh(leaf) ? {} : { started: gone }) };
  const tallies = new Tallies();
  tallies.add(submission, 'cancelled', tally.cancelled);
  tallies.add(submission, 'started', tally.started ?? 0);
  const counts =
    chunk.kind === 'single'
      ? []
      : leaf
        ? countWrites(context, tallies, rootOf(leaf.id))
        : [countWrite(context, submission, n % COUNTER_SHARDS, tally)];
  return (await context.store.transact([...rows, holder, ...counts])).done;
}
