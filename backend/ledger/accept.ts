import { absent, either, equal, type Item, present } from '../core/items.ts';
import type { Submission } from '../core/submission.ts';
import { NO_COUNTS } from '../core/submission.ts';
import type {
  AcceptLedger,
  AcceptOutcome,
  ChunkDraft,
  CloseOutcome,
  SubmissionDraft,
} from '../ports/ledger.ts';
import { allOf, type Write } from '../ports/store.ts';
import { absentOrOver, type Context, ttlAfter } from './context.ts';
import { countWrite } from './counters.ts';
import {
  CHUNK_SHARDS,
  COUNTER_SHARDS,
  chunkKey,
  counterKey,
  hashOfPin,
  listKey,
  metaKey,
  openIn,
  shardOf,
} from './keys.ts';
import {
  type Meta,
  metaOf,
  readSubmission,
  type SingleStatus,
  toSubmission,
  totalsOf,
} from './submissions.ts';

/** A submission that takes chunks while it is being closed is looked at again so often. */
const CLOSE_TRIES = 50;

export function acceptLedger(context: Context, single: SingleStatus): AcceptLedger {
  const { store } = context;
  return {
    async openSubmission(draft) {
      const { created } = await ensureMeta(context, draft);
      const submission = created
        ? toSubmission(metaItem(context, draft) as unknown as Meta, NO_COUNTS)
        : await readSubmission(context, draft.id, single);
      return { created, submission: submission as Submission };
    },

    async acceptChunk(chunk, draft): Promise<AcceptOutcome> {
      const { meta } = await ensureMeta(context, draft);
      if (meta.kind === 'single' && chunk.n !== 0) return 'closed';
      const { key, item } = await chunkItem(context, chunk, meta);
      const writes: Write[] = [{ key, item, condition: absentOrOver(context) }];
      if (meta.kind === 'batch') {
        const write = countWrite(context, meta.id, chunk.n % COUNTER_SHARDS, { total: chunk.jobs });
        writes.push({ ...write, condition: absent('closed') });
      }
      const outcome = await store.transact(writes);
      if (outcome.done) return 'accepted';
      if (!outcome.failed.has(0)) {
        // A closed submission still knows the chunks that it has.
        const known = await store.get(key);
        return known ? sameOrOther(known, chunk) : 'closed';
      }
      return sameOrOther(outcome.failed.get(0) ?? (await store.get(key)), chunk);
    },

    async closeSubmission(id, jobs): Promise<CloseOutcome> {
      for (let tries = 0; tries < CLOSE_TRIES; tries++) {
        const submission = await readSubmission(context, id, single);
        if (!submission) return { kind: 'unknown' };
        const items = await allOf(store, { pk: metaKey(id).pk });
        const { total, byShard } =
          submission.kind === 'batch'
            ? totalsOf(items)
            : { total: submission.counters.total, byShard: undefined };
        if (total !== jobs) return { kind: 'mismatch', total };
        if (submission.closed) return { kind: 'closed', total };
        const outcome = await store.transact(closeWrites(context, id, byShard));
        if (outcome.done) return { kind: 'closed', total };
      }
      throw new Error(`submission ${id} takes chunks all the time: it could not be closed`);
    },
  };
}

/**
 * Writes that close a submission: its meta item, and each counter item, so that no chunk is counted any more.
 * @param totals what each counter item must still say, by sort key; undefined: whatever they say
 */
export function closeWrites(
  context: Context,
  id: string,
  totals: ReadonlyMap<string, number> | undefined,
): Write[] {
  const ttl = ttlAfter(context, context.clock.now());
  const shards = Array.from({ length: COUNTER_SHARDS }, (_, shard): Write => {
    const key = counterKey(id, shard);
    const total = totals?.get(key.sk);
    const still = total ? equal('total', total) : either(absent('total'), equal('total', 0));
    return { key, changes: { set: { closed: true, ttl } }, ...(totals ? { condition: still } : {}) };
  });
  return [{ key: metaKey(id), changes: { set: { closed: true } }, condition: present('pk') }, ...shards];
}

function sameOrOther(known: Item | undefined, { sha256 }: ChunkDraft): AcceptOutcome {
  return known?.['sha256'] === sha256 ? 'repeated' : 'conflict';
}

/** The submission's meta item; makes it unless it is there. */
async function ensureMeta(
  context: Context,
  draft: SubmissionDraft,
): Promise<{ created: boolean; meta: Meta }> {
  const { store } = context;
  for (;;) {
    const known = await metaOf(context, draft.id);
    if (known) return { created: false, meta: known };
    const item = metaItem(context, draft);
    const writes: Write[] = [{ key: metaKey(draft.id), item, condition: absentOrOver(context) }];
    if (draft.kind === 'batch') {
      const key = listKey(draft.createdAt, draft.id);
      writes.push({ key, item: { ...key, id: draft.id, ttl: ttlAfter(context, draft.createdAt) } });
    }
    if ((await store.transact(writes)).done) return { created: true, meta: item as unknown as Meta };
  }
}

function metaItem(context: Context, { id, kind, pin, content, name, createdAt }: SubmissionDraft): Item {
  const item: Item = {
    ...metaKey(id),
    id,
    kind,
    pin: JSON.stringify(pin),
    acceptedAt: createdAt,
    // A single job's submission takes one chunk, and no other.
    closed: kind === 'single',
    generation: 0,
    isolated: 0,
    ttl: ttlAfter(context, createdAt),
    // Open until its end was announced.
    ...(kind === 'batch' ? openIn('submission', createdAt, id) : {}),
  };
  if (content !== undefined) item['content'] = content;
  if (name !== undefined) item['name'] = name;
  return item;
}

/** A chunk's row; what doesn't fit in it is written before, under keys that no other content has. */
async function chunkItem(context: Context, chunk: ChunkDraft, meta: Meta): Promise<Write & { item: Item }> {
  const { submission, n, sha256, jobs, acceptedAt, lines } = chunk;
  const key = chunkKey(submission, n);
  const object = `chunks/${submission}/${n}/${sha256}`;
  const directory = JSON.stringify(chunk.directory);
  const bytes = Buffer.byteLength(lines);
  const apart = async (name: string, text: string) => {
    await context.blobs.put(name, text);
    return undefined;
  };
  const [inlineLines, inlineDirectory] = await Promise.all([
    bytes <= context.inline ? lines : apart(object, lines),
    Buffer.byteLength(directory) <= context.inline ? directory : apart(`${object}.directory`, directory),
  ]);
  const item: Item = {
    ...key,
    ...openIn('chunk', acceptedAt, `${submission}#${key.sk}`, shardOf(`${submission}.${n}`, CHUNK_SHARDS)),
    sha256,
    jobs,
    bytes,
    acceptedAt,
    kind: meta.kind,
    // Single jobs share batches by their pin, submissions of many have batches of their own.
    group: meta.kind === 'single' ? `pin ${hashOfPin(JSON.parse(meta.pin))}` : `submission ${submission}`,
    owner: submission,
    gone: 0,
    ttl: ttlAfter(context, acceptedAt),
    ...(inlineLines === undefined ? {} : { lines: inlineLines }),
    ...(inlineDirectory === undefined ? {} : { directory: inlineDirectory }),
  };
  return { key, item };
}
