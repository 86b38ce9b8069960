/** Every minute: rings for what is open, tells which submissions are finished, and measures how long the oldest job waits. */
import { finishedNotice } from '../aws/notices.ts';
import { isFinished, type Submission } from '../core/submission.ts';
import { reconcile } from '../pipeline/reconcile.ts';
import { fromEnvironment, type Handler, invoked } from './lambda.ts';
import { endLeftovers } from './leftovers.ts';
import type { Runtime } from './runtime.ts';

export function create(runtime: Runtime): Handler<unknown, void> {
  return invoked(runtime, async () => {
    // One that fails keeps the others from nothing; the next minute tries again.
    const ends = await Promise.allSettled([
      runtime.work((ports) => reconcile(ports)),
      announceFinished(runtime),
      measureAge(runtime),
      endLeftovers(runtime),
    ]);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  });
}

/** A submission whose notice was taken is marked; one that died between the two is told again. */
async function announceFinished({ ledger, clock, config, log, announce }: Runtime): Promise<void> {
  const finished: Submission[] = [];
  for (const id of await ledger.unannounced()) {
    const submission = await ledger.submission(id);
    if (submission && isFinished(submission)) finished.push(submission);
  }
  const notices = finished.map((submission) => finishedNotice(submission, config.stack, clock.now()));
  for (const { submissionId, generation } of await announce(notices)) {
    await ledger.markAnnounced(submissionId, generation);
    log.info('a submission is finished', { submission: submissionId, generation });
  }
}

async function measureAge({ ledger, clock, meter }: Runtime): Promise<void> {
  const oldest = await ledger.oldestWaiting();
  meter.age(oldest === undefined ? 0 : Math.max(clock.now() - oldest, 0) / 1000);
}

export const handler = fromEnvironment(create);
