/** `deploy --attach`: watches what is under way, or says how the last deployment ended; its profile is saved. */
import { type ResourceEvent, startOfLast } from '../../deploy/stack-events.ts';
import { exists, isMoving, operationOf } from '../../deploy/stack-state.ts';
import { usageError } from '../../errors.ts';
import { EXIT } from '../../exit-codes.ts';
import type { DeployFlags } from '../deploy.ts';
import { finish } from './finish.ts';
import type { Session } from './session.ts';
import { checkReached, detachText, watchStack } from './watch.ts';

/** So many pages of events are read back for the beginning of the operation. */
const MOST_PAGES = 50;

export async function attach(session: Session, flags: DeployFlags): Promise<number> {
  const { found, stack, region, account, context, targetFlags, tell } = session;
  if (found === undefined || !exists(found.status))
    throw usageError(`there is no stack ${stack} in account ${account}, region ${region}`, {
      code: 'no_stack',
      next: [
        'look elsewhere: --stack NAME, --region REGION, --aws-profile NAME',
        'batchml deploy --model NAME',
      ],
    });
  const start = await startOf(session, found.id);
  const operation = start === undefined ? operationOf(found.status) : operationOf(start.status);
  const again = `batchml deploy --attach${targetFlags}`;
  const cancel = `batchml deploy --cancel${targetFlags}`;
  context.interrupts.onInterrupt(() =>
    context.terminal.say(detachText(again, isMoving(found.status) ? cancel : undefined)),
  );
  const done = await watchStack(session, {
    stack,
    id: found.id,
    doing: `waiting for ${stack} (${found.status})`,
    since: start?.time ?? new Date(0).toISOString(),
    before: undefined,
    timeout: flags.timeout,
    attach: again,
  });
  // Only a delete or a rollback was asked for: its end is what was waited for.
  checkReached(done, operation, stack, ['mend that, then: batchml deploy']);
  if (done.stack === undefined || operation === 'delete') {
    await tell({ type: 'note', text: `stack ${stack} is deleted` });
    return EXIT.ok;
  }
  return finish(session, done.stack, { check: flags.check, changed: false });
}

export async function startOf({ stacks, call }: Session, id: string): Promise<ResourceEvent | undefined> {
  const read = stacks.eventPages(id);
  const seen: ResourceEvent[] = [];
  let next: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const from = next;
    const { events, next: more } = await call('reading events', () => read(from));
    seen.push(...events);
    const start = startOfLast(seen);
    if (start !== undefined || more === undefined) return start;
    next = more;
  }
  return undefined;
}
