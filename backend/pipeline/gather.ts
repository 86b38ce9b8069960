/** Gather: chunks that wait become batches; a batch's object is written before the batch may be started. */
import { type Batch, countJobs, type Member } from '../core/batch.ts';
import { planGather } from '../core/gather-plan.ts';
import { cutBatchId, timedId } from '../core/ids.ts';
import { MAX_BATCH_BYTES } from '../core/settings.ts';
import { lineStarts } from '../core/utf8.ts';
import type { Ports } from '../ports/index.ts';
import type { NamedChunk, OpenChunk } from '../ports/ledger.ts';
import type { BatchObject } from '../ports/objects.ts';

/** Chunks looked at in one step; a full page of which some went rings again. */
const PAGE = 5000;
/** Chunks read at a time; so many are in memory beside the objects being written. */
const READ_AHEAD = 16;
/** Groups whose batches are formed at a time. */
const GROUPS_AT_A_TIME = 8;
const HOUR_MS = 3_600_000;

type GatherPorts = Pick<Ports, 'ledger' | 'objects' | 'bells' | 'clock' | 'random'>;

/**
 * Forms batches of the chunks whose batch is full or whose window is over, and rings when the next window ends.
 * @param named chunks that rang: a list of all may not have them yet
 */
export async function gather(ports: GatherPorts, named: readonly NamedChunk[] = []): Promise<void> {
  const { ledger, bells } = ports;
  const chunks = await ledger.openChunks(PAGE, named);
  const all = groups(chunks);
  let formed = 0;
  let due = Number.POSITIVE_INFINITY;
  for (let i = 0; i < all.length; i += GROUPS_AT_A_TIME) {
    const some = await Promise.all(
      all.slice(i, i + GROUPS_AT_A_TIME).map((group) => formGroup(ports, group)),
    );
    formed += some.reduce((sum, { drafts }) => sum + drafts, 0);
    due = some.reduce((least, group) => Math.min(least, group.due), due);
    for (const together of smallOnesTogether(some.flatMap(({ batches }) => batches)))
      await writeBatches(ports, together);
  }
  if (due < Number.POSITIVE_INFINITY) bells.ringAt(due, { kind: 'gather' });
  if (formed > 0 && chunks.length === PAGE) bells.ring({ kind: 'gather' });
}

interface Formed {
  /** Batches with jobs, yet to be written. */
  readonly batches: readonly Batch[];
  /** How many batches there were to form; another gatherer may have been faster. */
  readonly drafts: number;
  /** When what is left over must be gathered. */
  readonly due: number;
}

/** Forms the batches of chunks of one group. */
async function formGroup(ports: GatherPorts, group: readonly OpenChunk[]): Promise<Formed> {
  const { ledger, clock } = ports;
  const submission = await ledger.submission((group[0] as OpenChunk).submission);
  if (!submission) return { batches: [], drafts: 0, due: Number.POSITIVE_INFINITY };
  const { pin } = submission;
  const now = clock.now();
  const plan = planGather(
    group,
    {
      jobs: pin.settings.batchSize,
      bytes: MAX_BATCH_BYTES,
      windowMs: pin.settings.batchWindowSeconds * 1000,
    },
    now,
  );
  const oldest = group.reduce((least, chunk) => Math.min(least, chunk.acceptedAt), now);
  const owner = submission.kind === 'single' ? undefined : submission.id;
  const line = { pin, owner, generation: 0 };
  const drafts = plan.batches.flatMap(({ members, cut }) =>
    cut === undefined
      ? [rootBatch(ports, line, members, oldest)]
      : cutBatches(rootBatch(ports, line, members, oldest), cut),
  );
  const batches = (await ledger.formBatches(drafts)).filter(({ jobs }) => jobs > 0);
  return { batches, drafts: drafts.length, due: plan.due ?? Number.POSITIVE_INFINITY };
}

/** Batches as they are written: large ones by themselves, of small ones as many as make one reading of chunks. */
function smallOnesTogether(batches: readonly Batch[]): Batch[][] {
  const all: Batch[][] = [];
  let together: Batch[] = [];
  let members = 0;
  for (const batch of batches) {
    if (members + batch.members.length > READ_AHEAD) {
      together = [];
      members = 0;
    }
    if (together.length === 0) all.push(together);
    together.push(batch);
    members += batch.members.length;
  }
  return all;
}

function groups(chunks: readonly OpenChunk[]): OpenChunk[][] {
  const found = new Map<string, OpenChunk[]>();
  for (const chunk of chunks) {
    const group = found.get(chunk.group);
    if (group) group.push(chunk);
    else found.set(chunk.group, [chunk]);
  }
  return [...found.values()];
}

/** A new batch that was not split from another. `acceptedAt`: when its oldest job was accepted. */
export function rootBatch(
  { clock, random }: Pick<Ports, 'clock' | 'random'>,
  { pin, owner, generation }: Pick<Batch, 'pin' | 'owner' | 'generation'>,
  members: readonly Member[],
  acceptedAt: number,
): Batch {
  const now = clock.now();
  const id = timedId('b', now, random());
  return {
    id,
    root: id,
    parent: undefined,
    round: 0,
    owner,
    members,
    jobs: countJobs(members),
    pin,
    generation,
    state: 'Forming',
    attempts: 0,
    requeues: 0,
    suspect: false,
    transformJob: undefined,
    scout: undefined,
    notBefore: 0,
    createdAt: now,
    waitDeadline: acceptedAt + pin.settings.maxWaitHours * HOUR_MS,
    reason: undefined,
  };
}

/** The batches that a chunk is cut into, of so many jobs each. */
function cutBatches(whole: Batch, size: number): Batch[] {
  const [{ submission, chunk, to: jobs }] = whole.members as [Member];
  return Array.from({ length: Math.ceil(jobs / size) }, (_, i) => {
    const id = cutBatchId(whole.id, i);
    const [from, to] = [i * size, Math.min((i + 1) * size, jobs)];
    const members = [{ submission, chunk, from, to }];
    return { ...whole, id, root: id, cut: { base: whole.id, size }, members, jobs: to - from };
  });
}

/** Forming batches with the members that they really have: what was begun with them may have been left half done. */
export async function reform(
  { ledger }: Pick<Ports, 'ledger'>,
  batches: readonly Batch[],
): Promise<readonly Batch[]> {
  const roots = batches.filter(({ parent }) => parent === undefined);
  const formed = await ledger.formBatches(roots);
  const children = batches.filter(({ parent }) => parent !== undefined);
  return [...children, ...formed.filter(({ state, jobs }) => state === 'Forming' && jobs > 0)];
}

/**
 * Writes the objects of Forming batches and lets them be started, together. Anyone may: their members say what is in
 * them.
 */
export async function writeBatches(
  ports: Pick<Ports, 'ledger' | 'objects' | 'bells'>,
  batches: readonly Batch[],
): Promise<void> {
  await writeObjects(ports, batches);
  await ports.ledger.markWaiting(batches.map((batch) => batch.id));
  ports.bells.ring({ kind: 'start' });
}

/** Writes batches' objects, or writes them again, from their members. */
export async function writeObjects(
  { ledger, objects }: Pick<Ports, 'ledger' | 'objects'>,
  batches: readonly Batch[],
): Promise<void> {
  const lines = memberLines(
    ledger,
    batches.flatMap(({ members }) => members),
  );
  let page: BatchObject[] = [];
  let size = 0;
  for (const batch of batches) {
    const parts: Uint8Array[] = [];
    for (const _ of batch.members) parts.push((await lines.next()).value ?? new Uint8Array());
    page.push({ batch: batch.id, parts });
    size += parts.reduce((sum, part) => sum + part.length, 0);
    if (size < MAX_BATCH_BYTES) continue;
    await objects.writeBatches(page);
    [page, size] = [[], 0];
  }
  if (page.length > 0) await objects.writeBatches(page);
}

/**
 * Lines of members, one after the other. Chunks are read some at a time; neighbours of one chunk share its reading.
 */
async function* memberLines(
  ledger: Pick<Ports['ledger'], 'chunkLines'>,
  members: readonly Member[],
): AsyncGenerator<Uint8Array, undefined> {
  const starts = members.flatMap((member, i) => (i > 0 && sameChunk(members[i - 1], member) ? [] : [i]));
  const runs = starts.map((start, i) => members.slice(start, starts[i + 1]));
  const reads: Promise<Buffer>[] = [];
  let asked = 0;
  for (const [i, run] of runs.entries()) {
    for (; asked < runs.length && asked < i + READ_AHEAD; asked++) {
      const { submission, chunk, from, to } = spanOf(runs[asked] as Member[]);
      const read = ledger.chunkLines(submission, chunk, from, to);
      // Where an earlier one fails nobody waits for this one.
      read.catch(() => undefined);
      reads.push(read);
    }
    const bytes = (await reads.shift()) as Buffer;
    const span = spanOf(run);
    if (run.length === 1) {
      yield bytes;
      continue;
    }
    const starts = lineStarts(bytes);
    for (const { from, to } of run) yield bytes.subarray(starts[from - span.from], starts[to - span.from]);
  }
}

/** What neighbours of one chunk cover, from the first to the last of them. */
function spanOf(members: readonly Member[]): Member {
  const from = Math.min(...members.map((member) => member.from));
  const to = Math.max(...members.map((member) => member.to));
  return { ...(members[0] as Member), from, to };
}

function sameChunk(a: Member | undefined, b: Member): boolean {
  return a?.submission === b.submission && a.chunk === b.chunk;
}
