/** Brings a stack into a state in which it can be created or updated; the table of states is in `stack-state.ts`. */
import { nextStep } from '../../deploy/stack-state.ts';
import type { StackView } from '../../deploy/stacks.ts';
import { CliError } from '../../errors.ts';
import { busy } from './change-set.ts';
import { confirm } from './confirm.ts';
import type { Session } from './session.ts';
import { checkReached, detachText, watchStack } from './watch.ts';

/** What will be done, where it can be done. Throws where something is at work, or nothing helps. */
export function planFor({
  found,
  stack,
  targetFlags,
  region,
}: Session): 'create' | 'update' | 'recreate' | 'continue-rollback' {
  const step = nextStep(found?.status);
  if (step.do === 'wait') throw busy(stack, targetFlags, `it is ${step.what} (${found?.status})`);
  if (step.do === 'give-up')
    throw new CliError(`stack ${stack} is ${found?.status}`, {
      code: 'stack_state',
      why: 'only its owner can tell what to do with it',
      next: [`aws cloudformation describe-stack-events --stack-name ${stack} --region ${region}`],
    });
  return step.do;
}

/** Deletes what never came to be; asks first. */
export async function removeBroken(session: Session, found: StackView, timeout: number): Promise<void> {
  const { stack, stacks, context, targetFlags, tell } = session;
  await confirm(
    session,
    `stack ${stack} is ${found.status}: it must be deleted and made anew. Tables and buckets that it kept stay. Delete it?`,
  );
  const attach = `batchml deploy --attach${targetFlags}`;
  await tell({ type: 'phase', text: `deleting what is left of ${stack}` });
  await session.call(`deleting stack ${stack}`, () => stacks.delete(found.id));
  context.interrupts.onInterrupt(() => context.terminal.say(detachText(attach, undefined)));
  const done = await watchStack(session, {
    stack,
    id: found.id,
    doing: `deleting ${stack}`,
    since: await lastTime(session, found.id),
    before: found.status,
    timeout,
    attach,
  });
  checkReached(done, 'delete', stack, ['remove what is in the way, then the same command again']);
  context.interrupts.onInterrupt(() =>
    context.terminal.say('stopping; the broken stack is deleted, nothing else was changed'),
  );
}

/** Brings a stuck rollback to its end. */
export async function continueRollback(
  session: Session,
  found: StackView,
  timeout: number,
): Promise<StackView> {
  const { stack, stacks, context, targetFlags, region, tell } = session;
  const attach = `batchml deploy --attach${targetFlags}`;
  await tell({ type: 'note', text: `stack ${stack} is ${found.status}: its rollback is continued first` });
  const since = await lastTime(session, found.id);
  await session.call(`continuing the rollback of stack ${stack}`, () => stacks.continueRollback(found.id));
  context.interrupts.onInterrupt(() => context.terminal.say(detachText(attach, undefined)));
  const done = await watchStack(session, {
    stack,
    id: found.id,
    doing: `rolling back ${stack}`,
    since,
    before: found.status,
    timeout,
    attach,
  });
  checkReached(done, 'rollback', stack, [
    `mend that, or leave it behind: aws cloudformation continue-update-rollback --stack-name ${stack} --resources-to-skip ${done.cause?.id ?? 'ID'} --region ${region}`,
    'then the same command again',
  ]);
  context.interrupts.onInterrupt(() =>
    context.terminal.say('stopping; the rollback is done, nothing else was changed'),
  );
  return done.stack ?? found;
}

/**
 * Just after the last event that there is, by CloudFormation's clock: what comes now is later. (A millisecond: times
 * have no finer grain.)
 */
export async function lastTime({ stacks }: Session, id: string): Promise<string> {
  const { events } = await stacks.eventPages(id)(undefined);
  const last = events[0]?.time;
  return last === undefined ? new Date(0).toISOString() : new Date(Date.parse(last) + 1).toISOString();
}
