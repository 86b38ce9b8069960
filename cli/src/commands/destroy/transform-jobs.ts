/** Transform jobs that run while their stack is to go: they are stopped, or waited for. */
import { runningJobs, stopJobs, transformPrefix } from '../../deploy/transform-jobs.ts';
import { CliError, usageError } from '../../errors.ts';
import { EXIT } from '../../exit-codes.ts';
import { formatDuration, plural } from '../../ui/format.ts';
import { declined } from '../deploy/confirm.ts';
import type { Session } from '../deploy/session.ts';
import type { DestroyFlags } from '../destroy.ts';

const LOOK_MS = 10_000;

export async function endTransformJobs(
  session: Session,
  stackId: string,
  flags: DestroyFlags,
): Promise<void> {
  const { context, clients, call, tell, asker } = session;
  const prefix = transformPrefix(stackId);
  const look = () => call('sagemaker:ListTransformJobs', () => runningJobs(clients.sageMaker, prefix));
  let names = await look();
  if (names.length === 0) return;
  await tell({ type: 'note', text: `${plural(names.length, 'transform job')} running: ${names.join(', ')}` });
  let stop = flags.stopTransformJobs === true;
  if (!stop && !flags.wait) {
    if (!asker.possible)
      throw usageError('what about the transform jobs that run?', {
        code: 'transform_jobs',
        why: 'without their stack nobody would file their results',
        next: ['wait for them: --wait', 'stop them, their work is lost: --stop-transform-jobs'],
      });
    if (!(await asker.confirm('stop them? Their work is lost'))) throw declined();
    stop = true;
  }
  if (stop) await call('sagemaker:StopTransformJob', () => stopJobs(clients.sageMaker, names));
  if (stop) return tell({ type: 'note', text: `stopping ${plural(names.length, 'transform job')}` });
  const { deps, interrupts, progress } = context;
  const startedAt = deps.now();
  while (names.length > 0) {
    const waited = deps.now() - startedAt;
    if (waited > flags.timeout * 1000)
      throw new CliError(
        `${plural(names.length, 'transform job')} still running after ${formatDuration(waited)}`,
        {
          code: 'timeout',
          exitCode: EXIT.running,
          why: `${names.join(', ')}; nothing was deleted`,
          next: ['wait longer: --timeout SECONDS', 'or stop them: --stop-transform-jobs'],
        },
      );
    progress.update(`waiting for ${plural(names.length, 'transform job')} · ${formatDuration(waited)}`);
    await deps.sleep(LOOK_MS, interrupts.signal);
    names = await look();
  }
  progress.stop();
}

/** The pipeline may have started others until it was gone: nobody would take their results, and they cost. */
export async function stopLeftOver({ clients, call, tell }: Session, stackId: string): Promise<void> {
  const left = await call('sagemaker:ListTransformJobs', () =>
    runningJobs(clients.sageMaker, transformPrefix(stackId), ['InProgress']),
  );
  if (left.length === 0) return;
  await call('sagemaker:StopTransformJob', () => stopJobs(clients.sageMaker, left));
  await tell({
    type: 'note',
    text: `stopping ${plural(left.length, 'transform job')} left: ${left.join(', ')}`,
  });
}
