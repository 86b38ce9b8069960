import { deflateRawSync } from 'node:zlib';
import type { Directory } from '../core/chunk.ts';
import { absent, either, equal, type Item, present } from '../core/items.ts';
import { SCHEMA_VERSION } from '../core/schema-version.ts';
import type {
  AcceptLedger,
  AcceptOutcome,
  ChunkDraft,
  CloseOutcome,
  SubmissionDraft,
} from '../ports/ledger.ts';
import { allOf, type Write } from '../ports/store.ts';
import { type Context, isOver, lastTtlOf, ttlOf } from './context.ts';
import { countWrite } from './counters.ts';
import { type HeadRow, noHead } from './heads.ts';
import {
  besideKey,
  CHUNK_SHARDS,
  COUNTER_SHARDS,
  counterKey,
  headKey,
  listKey,
  metaKey,
  openIn,
  partOf,
  shardOf,
} from './keys.ts';
import { anyMetaOf, type Meta, metaOf, newSubmission, readSubmission, totalsOf } from './submissions.ts';

/** A submission that takes chunks while it is being closed is looked at again so often. */
const CLOSE_TRIES = 50;
/** A single job's line of at most this many bytes stands in its head. */
const LINE_IN_HEAD = 512;
/** A directory of at most this many characters stands in the head. */
const DIRECTORY_IN_HEAD = 128;
/** Hex digits of a body's SHA-256 that are kept. */
const SHA_DIGITS = 32;

export function acceptLedger(context: Context): AcceptLedger {
  const { store } = context;
  return {
    async openSubmission(draft) {
      const ensured = await ensureMeta(context, draft);
      if (ensured === 'expired') return ensured;
      if (ensured.created) return { created: true, submission: newSubmission(ensured.meta, draft.pin) };
      const submission = await readSubmission(context, draft.id);
      return submission ? { created: false, submission } : 'expired';
    },

    async pinOf(id) {
      const meta = await metaOf(context, id);
      return meta?.kind === 'batch' ? context.pins.of(meta.pin) : undefined;
    },

    async acceptChunk(chunk, draft): Promise<AcceptOutcome> {
      if (draft.kind === 'single') return acceptSingle(context, chunk, draft);
      const ensured = await ensureMeta(context, draft);
      if (ensured === 'expired') return ensured;
      const { meta } = ensured;
      if (meta.kind === 'single') return 'closed';
      const { item, beside } = await chunkItems(context, chunk, meta.at);
      const key = headKey(chunk.submission, chunk.n);
      const tally = { chunks: 1, total: chunk.jobs };
      const count = countWrite(context, meta.id, meta.at, chunk.n % COUNTER_SHARDS, tally, {
        parts: new Set([String(partOf(chunk.n))]),
      });
      const outcome = await store.transact(
        [
          { key, item, condition: noHead },
          { ...count, condition: either(absent('birth'), notClosedOf(meta.at)) },
        ],
        beside,
      );
      if (outcome.done) {
        context.count?.('JobsAccepted', chunk.jobs);
        return 'accepted';
      }
      const counter = outcome.failed.get(1);
      // A closed submission still knows the chunks that it has.
      const known = outcome.failed.get(0) ?? (await store.get(key));
      if (known) return sameOrOther(context, known, chunk, meta.at);
      return counter && counter['birth'] !== meta.at ? 'expired' : 'closed';
    },

    async closeSubmission(id, jobs, chunks): Promise<CloseOutcome> {
      for (let tries = 0; tries < CLOSE_TRIES; tries++) {
        const items = await allOf(store, { pk: metaKey(id).pk });
        const meta = items.find(({ sk }) => sk === 'meta') as Meta | undefined;
        if (!meta || meta.kind === 'single') {
          const single = await readSubmission(context, id);
          if (!single) return { kind: 'unknown' };
          const { total, chunks: one } = single.counters;
          return { kind: total === jobs ? 'closed' : 'mismatch', total, chunks: one };
        }
        if (isOver(context, meta.at)) return { kind: 'unknown' };
        const found = totalsOf(items, meta.at);
        const counted = { total: found.total, chunks: found.chunks };
        if (found.total !== jobs || (chunks !== undefined && found.chunks !== chunks))
          return { kind: 'mismatch', ...counted };
        if (meta.closed) return { kind: 'closed', ...counted };
        const outcome = await store.transact(closeWrites(context, meta, found.byShard));
        if (outcome.done) return { kind: 'closed', ...counted };
      }
      throw new Error(`submission ${id} takes chunks all the time: it could not be closed`);
    },
  };
}

const notClosedOf = (birth: number) =>
  ({ is: 'both', of: [equal('birth', birth), absent('closed')] }) as const;

/**
 * Writes that close a submission: its meta item, and each counter item, so that no chunk is counted any more.
 * @param totals what each counter item must still say, by sort key; undefined: whatever they say
 */
export function closeWrites(
  context: Context,
  { id, at }: Pick<Meta, 'id' | 'at'>,
  totals: ReadonlyMap<string, number> | undefined,
): Write[] {
  const shards = Array.from({ length: COUNTER_SHARDS }, (_, shard): Write => {
    const key = counterKey(id, shard);
    const total = totals?.get(key.sk);
    const still = total ? equal('total', total) : either(absent('total'), equal('total', 0));
    const set = { closed: true, birth: at, ttl: ttlOf(context, at) };
    return { key, changes: { set }, ...(totals ? { condition: still } : {}) };
  });
  return [{ key: metaKey(id), changes: { set: { closed: true } }, condition: present('pk') }, ...shards];
}

/** What an item that is there says of a chunk that is sent. */
function sameOrOther(context: Context, known: Item, chunk: ChunkDraft, birth?: number): AcceptOutcome {
  const row = known as unknown as HeadRow;
  if (isOver(context, row.birth) || (birth !== undefined && row.birth !== birth)) return 'expired';
  return row.sha === chunk.sha256.slice(0, SHA_DIGITS) ? 'repeated' : 'conflict';
}

/** The submission's meta item; makes it unless it is there. */
async function ensureMeta(
  context: Context,
  draft: SubmissionDraft,
): Promise<{ created: boolean; meta: Meta } | 'expired'> {
  const { store } = context;
  const known = (await store.get(metaKey(draft.id))) as Meta | undefined;
  if (known) return isOver(context, known.at) ? 'expired' : { created: false, meta: known };
  // The ID of a single job, which has no such item until it is retried.
  const single = await anyMetaOf(context, draft.id);
  if (single) return { created: false, meta: single };
  const item = metaItem(context, draft, await context.pins.keep(draft.pin));
  const key = listKey(draft.createdAt, draft.id);
  const outcome = await store.transact([
    { key: metaKey(draft.id), item, condition: absent('pk') },
    { key, item: { ...key, id: draft.id, ttl: ttlOf(context, draft.createdAt) } },
  ]);
  if (outcome.done) return { created: true, meta: item as unknown as Meta };
  return ensureMeta(context, draft);
}

function metaItem(context: Context, { id, content, name, createdAt }: SubmissionDraft, pin: string): Item {
  return {
    ...metaKey(id),
    v: SCHEMA_VERSION,
    id,
    kind: 'batch',
    pin,
    at: createdAt,
    closed: false,
    generation: 0,
    isolated: 0,
    ttl: lastTtlOf(context, createdAt),
    ...(content === undefined ? {} : { content }),
    ...(name === undefined ? {} : { name }),
    // Open until its end was announced.
    ...openIn('submission', createdAt, id),
  };
}

/** A single job: one put. Its head has all there is. */
async function acceptSingle(
  context: Context,
  chunk: ChunkDraft,
  draft: SubmissionDraft,
): Promise<AcceptOutcome> {
  if (chunk.n !== 0) return 'closed';
  const pin = await context.pins.keep(draft.pin);
  const { item, beside } = await chunkItems(context, chunk, draft.createdAt, pin);
  const key = headKey(chunk.submission, 0);
  const outcome = await context.store.write({ key, item, condition: noHead }, beside);
  if (outcome.done) {
    context.count?.('JobsAccepted', 1);
    return 'accepted';
  }
  const known = outcome.failed.get(0) ?? (await context.store.get(key));
  // Of a submission of many jobs, which was given a name like a single one's.
  if (known && known['pin'] === undefined) return 'conflict';
  return known ? sameOrOther(context, known, chunk) : 'conflict';
}

/** A chunk's head, and what goes beside it, under keys that no other content has. */
async function chunkItems(
  context: Context,
  chunk: ChunkDraft,
  birth: number,
  pin?: string,
): Promise<{ item: Item; beside: Item[] }> {
  const { submission, n, sha256, jobs, acceptedAt } = chunk;
  const lines = Buffer.from(chunk.lines);
  const ttl = ttlOf(context, birth);
  const beside: Item[] = [];
  const put = (kind: 'd' | 'l' | 'z', body: Uint8Array) =>
    beside.push({ ...besideKey(kind, submission, n, sha256), body, birth, ttl });
  const inHead = pin !== undefined && lines.length <= LINE_IN_HEAD;
  if (!inHead && lines.length <= context.inline) put('l', lines);
  else if (!inHead) {
    await context.blobs.put(linesObject(submission, n, sha256), chunk.lines);
    put('z', deflateRawSync(lineSizes(lines)));
  }
  const directory = directoryText(chunk.directory, pin);
  if (directory.length > DIRECTORY_IN_HEAD) put('d', deflateRawSync(directory));
  const key = headKey(submission, n);
  const item: Item = {
    ...key,
    ...openIn('chunk', acceptedAt, `${submission}#${n}`, shardOf(`${submission}.${n}`, CHUNK_SHARDS)),
    jobs,
    bytes: lines.length,
    at: acceptedAt,
    birth,
    v: SCHEMA_VERSION,
    sha: sha256.slice(0, SHA_DIGITS),
    rev: 0,
    ttl,
    ...(directory !== '' && directory.length <= DIRECTORY_IN_HEAD ? { dir: directory } : {}),
    ...(pin === undefined ? {} : { pin }),
    ...(inHead ? { line: chunk.lines } : {}),
  };
  return { item, beside };
}

/** Where a chunk's lines are, when they are a blob. */
export const linesObject = (submission: string, n: number, sha256: string): string =>
  `chunks/${submission}/${n}/${sha256.slice(0, SHA_DIGITS)}`;

/** A single job is line 1 without a custom ID: that need not be said. */
function directoryText(directory: Directory, pin: string | undefined): string {
  return pin === undefined ? JSON.stringify(directory) : '';
}

/** Bytes of each line, its line break included: 4 bytes each. */
function lineSizes(lines: Buffer): Buffer {
  const sizes: number[] = [];
  for (let from = 0; from < lines.length; ) {
    const end = lines.indexOf(10, from);
    const to = end < 0 ? lines.length : end + 1;
    sizes.push(to - from);
    from = to;
  }
  const packed = Buffer.alloc(sizes.length * 4);
  for (const [i, size] of sizes.entries()) packed.writeUInt32LE(size, i * 4);
  return packed;
}
