/** `deploy --cancel`: stops what is under way, and goes back to what was. */
import { exists, nextStep } from '../../deploy/stack-state.ts';
import { EXIT } from '../../exit-codes.ts';
import type { DeployFlags } from '../deploy.ts';
import { busy } from './change-set.ts';
import { confirm } from './confirm.ts';
import { lastTime } from './recover.ts';
import type { Session } from './session.ts';
import { checkReached, detachText, watchStack } from './watch.ts';

export async function cancel(session: Session, flags: DeployFlags): Promise<number> {
  const { found, stack, stacks, context, targetFlags, tell, call } = session;
  const { terminal, json, deps } = context;
  const end = async (status: string | null, text: string): Promise<number> => {
    await tell({ type: 'note', text });
    if (json)
      await terminal.json({
        type: 'result',
        version: 1,
        time: new Date(deps.now()).toISOString(),
        stack,
        status,
      });
    return EXIT.ok;
  };
  if (found?.status === 'REVIEW_IN_PROGRESS') {
    await call(`deleting stack ${stack}`, () => stacks.delete(found.id));
    return end(null, `stack ${stack} was never made; what was prepared is removed`);
  }
  if (found === undefined || !exists(found.status))
    return end(null, `there is no stack ${stack}: nothing to cancel`);
  const step = nextStep(found.status);
  if (step.do !== 'wait') return end(found.status, `nothing is under way: stack ${stack} is ${found.status}`);
  const creating = found.status === 'CREATE_IN_PROGRESS';
  if (!creating && found.status !== 'UPDATE_IN_PROGRESS')
    throw busy(stack, targetFlags, `it is ${step.what} (${found.status}), which can't be stopped`);
  if (creating)
    await confirm(
      session,
      `stack ${stack} is being made for the first time: cancelling deletes it. Delete it?`,
    );
  const since = await lastTime(session, found.id);
  await call(`cancelling on stack ${stack}`, () =>
    creating ? stacks.delete(found.id) : stacks.cancelUpdate(found.id),
  );
  const attach = `batchml deploy --attach${targetFlags}`;
  context.interrupts.onInterrupt(() => terminal.say(detachText(attach, undefined)));
  const done = await watchStack(session, {
    stack,
    id: found.id,
    doing: creating ? `deleting ${stack}` : `rolling back ${stack}`,
    since,
    before: found.status,
    timeout: flags.timeout,
    attach,
  });
  checkReached(done, creating ? 'delete' : 'rollback', stack, [`look at it: ${attach}`]);
  return end(
    done.stack?.status ?? null,
    creating ? `stack ${stack} is deleted` : `cancelled: stack ${stack} is as it was before`,
  );
}
