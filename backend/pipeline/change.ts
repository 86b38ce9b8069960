/**
 * Cancel and retry: what a user changes after acceptance. Large submissions are gone through in pages, and for a bounded
 * time; then a bell is rung for the rest.
 */
import { membersOf } from '../core/batch.ts';
import type { JobRef } from '../core/ids.ts';
import { MAX_BATCH_BYTES } from '../core/settings.ts';
import type { Submission } from '../core/submission.ts';
import type { Ports } from '../ports/index.ts';
import { rootBatch, writeBatches } from './gather.ts';

/** Chunks that one step cancels. */
const CANCEL_PAGE = 20;
/** How long one call goes on, in ms: API Gateway ends a request after 29 s, and the last page takes its time too. */
const STEP_MS = 10_000;

type ChangePorts = Pick<Ports, 'ledger' | 'objects' | 'bells' | 'clock' | 'random'>;

/** Where an earlier call stopped: chunks before `from` are through with the cancelling or retrying of that generation. */
interface Place {
  readonly from?: number;
  readonly generation?: number;
}

/**
 * Cancels what isn't in a started transform job: in this call as much as its time allows, the rest soon after.
 * @returns the submission as it is then (`cancelling` while there is more to do); undefined when there is none
 */
export async function cancelSubmission(ports: ChangePorts, id: string): Promise<Submission | undefined> {
  const { ledger, clock } = ports;
  const known = await ledger.submission(id);
  if (!known) return undefined;
  if (known.kind === 'single') await ledger.cancelJobs([{ submission: id, chunk: 0, index: 0 }], clock.now());
  else {
    await ledger.beginCancel(id);
    await continueCancel(ports, id);
  }
  return ledger.submission(id);
}

/** Goes on with a submission's cancelling, if it is under way. A place of another generation counts for nothing. */
export async function continueCancel(
  { ledger, bells, clock }: ChangePorts,
  id: string,
  place: Place = {},
): Promise<void> {
  const began = clock.now();
  const submission = await ledger.submission(id);
  if (!submission?.cancelling) return;
  const { generation } = submission;
  let next: number | undefined = (place.generation === generation && place.from) || 0;
  while (next !== undefined) {
    if (clock.now() - began >= STEP_MS) {
      bells.ring({ kind: 'submission', id, from: next, generation });
      return;
    }
    next = await ledger.cancelChunks(id, next, CANCEL_PAGE, clock.now());
  }
  await ledger.endCancel(id);
  // Batches that have no open job any more are done with.
  bells.ring({ kind: 'start' });
}

/**
 * Starts a new generation for failed jobs: in this call with as many as its time allows, with the rest soon after.
 * Repeating it with the same generation changes nothing.
 * @param generation the submission's generation that the caller saw; undefined: the current one
 * @returns whether a retry began, and the submission; undefined when there is none
 */
export async function retrySubmission(
  ports: ChangePorts,
  id: string,
  generation: number | undefined,
  jobs: 'all' | readonly JobRef[],
): Promise<{ began: boolean; submission: Submission } | undefined> {
  const known = await ports.ledger.submission(id);
  if (!known) return undefined;
  const began = await ports.ledger.beginRetry(id, generation ?? known.generation, jobs);
  await continueRetry(ports, id);
  const submission = (await ports.ledger.submission(id)) ?? known;
  return { began, submission };
}

/** Goes on with a submission's retry, if one is under way: its failed jobs go into new batches. */
export async function continueRetry(ports: ChangePorts, id: string, place: Place = {}): Promise<void> {
  const { ledger, bells, clock } = ports;
  const began = clock.now();
  const submission = await ledger.submission(id);
  if (!submission?.retrying) return;
  const { pin, generation, kind } = submission;
  const owner = kind === 'single' ? undefined : id;
  let from: number | undefined = (place.generation === generation && place.from) || 0;
  while (from !== undefined) {
    if (clock.now() - began >= STEP_MS) {
      bells.ring({ kind: 'submission', id, from, generation });
      return;
    }
    const page = await ledger.jobsToRetry(id, from, pin.settings.batchSize, MAX_BATCH_BYTES);
    from = page.next;
    if (page.jobs.length === 0) continue;
    const draft = rootBatch(ports, { pin, owner, generation }, membersOf(page.jobs), clock.now());
    const formed = await ledger.formBatches([draft]);
    await writeBatches(
      ports,
      formed.filter(({ jobs }) => jobs > 0),
    );
  }
  await ledger.endRetry(id, generation);
}
