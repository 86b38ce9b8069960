/** Cancel and retry: what a user changes after acceptance. Large submissions are gone through in pages. */
import { membersOf } from '../core/batch.ts';
import type { JobRef } from '../core/ids.ts';
import { MAX_BATCH_BYTES } from '../core/settings.ts';
import type { Submission } from '../core/submission.ts';
import type { Ports } from '../ports/index.ts';
import { rootBatch, writeBatches } from './gather.ts';

/** Chunks that one step cancels. */
const CANCEL_PAGE = 20;

type ChangePorts = Pick<Ports, 'ledger' | 'objects' | 'bells' | 'clock' | 'random'>;

/** Cancels what isn't in a started transform job. Undefined when there is no such submission. */
export async function cancelSubmission(ports: ChangePorts, id: string): Promise<Submission | undefined> {
  if (!(await ports.ledger.beginCancel(id))) return undefined;
  await continueCancel(ports, id);
  return ports.ledger.submission(id);
}

/** Goes on with a submission's cancelling, if it is under way. */
export async function continueCancel({ ledger, clock }: ChangePorts, id: string): Promise<void> {
  const submission = await ledger.submission(id);
  if (!submission?.cancelling) return;
  let next: number | undefined = 0;
  while (next !== undefined) next = await ledger.cancelChunks(id, next, CANCEL_PAGE, clock.now());
  await ledger.endCancel(id);
}

/**
 * Starts a new generation for failed jobs. Repeating it with the same generation changes nothing.
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
export async function continueRetry(ports: ChangePorts, id: string): Promise<void> {
  const { ledger, clock } = ports;
  const submission = await ledger.submission(id);
  if (submission?.retrying === undefined) return;
  const { pin, generation } = submission;
  for (;;) {
    const jobs = await ledger.jobsToRetry(id, pin.settings.batchSize, MAX_BATCH_BYTES);
    if (jobs.length === 0) break;
    const draft = rootBatch(ports, pin, membersOf(jobs), clock.now(), generation);
    const batch = await ledger.formRetryBatch(draft);
    if (batch.jobs > 0) await writeBatches(ports, [batch]);
  }
  await ledger.endRetry(id, generation);
}
