/** Gather: chunks that wait become batches; a batch's object is written before the batch may be started. */
import { type Batch, countJobs, type Member } from '../core/batch.ts';
import { planGather } from '../core/gather-plan.ts';
import { timedId } from '../core/ids.ts';
import { linesOf } from '../core/object-lines.ts';
import { MAX_BATCH_BYTES, type Pin } from '../core/settings.ts';
import type { Ports } from '../ports/index.ts';
import type { OpenChunk, Scope } from '../ports/ledger.ts';
import type { BatchObject } from '../ports/objects.ts';

/** Chunks looked at in one step; a full page of which some went rings again. */
const PAGE = 5000;
const HOUR_MS = 3_600_000;

type GatherPorts = Pick<Ports, 'ledger' | 'objects' | 'bells' | 'clock' | 'random'>;

/** Forms batches of the chunks whose batch is full or whose window is over, and rings when the next window ends. */
export async function gather(ports: GatherPorts, scope: Scope): Promise<void> {
  const { ledger, bells, clock } = ports;
  const chunks = await ledger.openChunks(scope, PAGE);
  let formed = false;
  for (const group of groups(chunks)) {
    const submission = await ledger.submission((group[0] as OpenChunk).submission);
    if (!submission) continue;
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
    const drafts = plan.batches.map((members) => rootBatch(ports, pin, members, oldest, 0));
    formed ||= drafts.length > 0;
    for (const batch of await ledger.formBatches(drafts))
      if (batch.jobs > 0) await writeBatches(ports, [batch]);
    if (plan.due !== undefined) bells.ringAt(plan.due, { kind: 'gather' });
  }
  if (formed && chunks.length === PAGE) bells.ring({ kind: 'gather' });
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
  pin: Pin,
  members: readonly Member[],
  acceptedAt: number,
  generation: number,
): Batch {
  const now = clock.now();
  const id = timedId('b', now, random());
  return {
    id,
    root: id,
    parent: undefined,
    round: 0,
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

/**
 * Writes the objects of Forming batches and lets them be started, together. Anyone may: their members say what is in
 * them.
 */
export async function writeBatches(
  { ledger, objects, bells }: Pick<Ports, 'ledger' | 'objects' | 'bells'>,
  batches: readonly Batch[],
): Promise<void> {
  const lines = chunkReader(ledger);
  let page: BatchObject[] = [];
  let size = 0;
  for (const batch of batches) {
    const parts: string[] = [];
    for (const member of batch.members) parts.push(await lines(member));
    page.push({ batch: batch.id, parts });
    size += parts.reduce((sum, part) => sum + part.length, 0);
    if (size < MAX_BATCH_BYTES) continue;
    await objects.writeBatches(page);
    [page, size] = [[], 0];
  }
  if (page.length > 0) await objects.writeBatches(page);
  await ledger.markWaiting(batches.map((batch) => batch.id));
  bells.ring({ kind: 'start' });
}

/** Reads members' lines; remembers the last chunk, as neighbouring members often share one. */
function chunkReader(ledger: Ports['ledger']): (member: Member) => Promise<string> {
  let key = '';
  let text = '';
  let split: string[] | undefined;
  return async ({ submission, chunk, from, to }) => {
    if (key !== `${submission}.${chunk}`) {
      text = await ledger.chunkLines(submission, chunk);
      key = `${submission}.${chunk}`;
      split = undefined;
    }
    split ??= linesOf(text);
    if (from === 0 && to === split.length) return text;
    return `${split.slice(from, to).join('\n')}\n`;
  };
}
