/** `batchml destroy`: shows what there is, asks for the stack's name, ends transform jobs, deletes, says what is kept. */
import { countRows, dataAmong, type StackData } from '../../deploy/data.ts';
import { exists, isMoving, nextStep } from '../../deploy/stack-state.ts';
import type { StackView } from '../../deploy/stacks.ts';
import { TOOLKIT } from '../../deploy/toolkit.ts';
import { toCliError, usageError } from '../../errors.ts';
import { EXIT } from '../../exit-codes.ts';
import { formatCount } from '../../ui/format.ts';
import { busy } from '../deploy/change-set.ts';
import { declined } from '../deploy/confirm.ts';
import { lastTime } from '../deploy/recover.ts';
import type { Session } from '../deploy/session.ts';
import { checkReached, detachText, watchStack } from '../deploy/watch.ts';
import type { DestroyFlags } from '../destroy.ts';
import { ApiKeys, USAGE_PLAN } from '../key/api-keys.ts';
import { deleteData, keepData } from './data.ts';
import { forgetProfiles } from './profiles.ts';
import { endTransformJobs, stopLeftOver } from './transform-jobs.ts';

export async function destroy(session: Session, flags: DestroyFlags): Promise<number> {
  const { found, stack, stacks, call, tell } = session;
  if (found !== undefined && isMoving(found.status) && found.status !== 'DELETE_IN_PROGRESS') {
    const step = nextStep(found.status);
    throw busy(stack, session.targetFlags, `it is ${step.do === 'wait' ? step.what : found.status}`);
  }
  if (found === undefined || !exists(found.status)) return withoutStack(session, flags);
  const resources = await call(`reading resources of ${stack}`, () => stacks.resources(found.id));
  const data = dataAmong(resources);
  await describe(session, data, flags);
  await confirmName(session, flags);
  const plan = resources.find(({ type }) => type === USAGE_PLAN)?.name;
  const keys = plan === undefined ? undefined : new ApiKeys(session.clients.apiGateway, plan);
  const rotated = keys === undefined ? [] : await rotatedKeys(session, keys);
  await endTransformJobs(session, found.id, flags);
  await deleteStack(session, found, flags);
  await stopLeftOver(session, found.id);
  for (const id of rotated) await call('apigateway:DELETE of a rotated key', async () => keys?.remove(id));
  const kept = await (flags.deleteData ? deleteData(session, data) : keepData(session, data));
  await forgetProfiles(session);
  await tell({
    type: 'note',
    text: `stack ${stack} is gone; the assets bucket (stack ${TOOLKIT}) stays for others`,
  });
  return end(session, kept);
}

/** Keys that CloudFormation doesn't know of, and so doesn't delete. They must still open the API until it is gone. */
async function rotatedKeys({ call, explain, tell, context }: Session, keys: ApiKeys): Promise<string[]> {
  try {
    const all = await call('apigateway:GET of the API keys', () => keys.all());
    return all.filter(({ rotated }) => rotated).map(({ id }) => id);
  } catch (error) {
    context.interrupts.signal.throwIfAborted();
    const { message } = toCliError(explain(error));
    await tell({
      type: 'note',
      text: `whether there are rotated keys to delete could not be looked up: ${message}`,
    });
    return [];
  }
}

/** What there is to lose. */
async function describe(
  { clients, tell, call }: Session,
  data: StackData,
  flags: DestroyFlags,
): Promise<void> {
  const { table, bucket } = data;
  const what = flags.deleteData ? 'will be DELETED, for good' : 'stays';
  if (table !== undefined) {
    const rows = await call(`dynamodb:DescribeTable of ${table}`, () => countRows(clients.dynamo, table));
    const count =
      rows === undefined ? '' : `, about ${formatCount(rows)} rows of jobs (counted within the last hours)`;
    await tell({ type: 'note', text: `table ${table}${count}: ${what}` });
  }
  if (bucket !== undefined)
    await tell({ type: 'note', text: `bucket ${bucket}, records and results: ${what}` });
}

/** Typing the name is the yes. */
async function confirmName({ asker, yes, stack }: Session, { deleteData: all }: DestroyFlags): Promise<void> {
  if (yes) return;
  if (!asker.possible)
    throw usageError(`destroying stack ${stack} needs a yes, and there is nobody to ask`, {
      code: 'confirmation',
      next: [`if that is what you want: the same command with --yes`],
    });
  const what = all ? 'the stack and all of its data' : 'the stack';
  if ((await asker.line(`this removes ${what}. Type the name of the stack (${stack}) to go on:`)) !== stack)
    throw declined();
}

async function deleteStack(session: Session, found: StackView, { timeout }: DestroyFlags): Promise<void> {
  const { stack, stacks, context, targetFlags, call } = session;
  const attach = `batchml deploy --attach${targetFlags}`;
  const since = await call('reading events', () => lastTime(session, found.id));
  context.interrupts.signal.throwIfAborted();
  context.interrupts.onInterrupt(() => context.terminal.say(detachText(attach, undefined)));
  // Ctrl-C must not leave open whether it was asked for.
  session.doing(`deleting stack ${stack}`);
  if (found.status !== 'DELETE_IN_PROGRESS') await stacks.delete(found.id);
  const done = await watchStack(session, {
    stack,
    id: found.id,
    doing: `deleting ${stack}`,
    since,
    before: found.status,
    timeout,
    attach,
  });
  checkReached(done, 'delete', stack, ['remove what is in the way, then the same command again']);
  context.interrupts.onInterrupt(() => context.terminal.say('stopping; the stack is deleted already'));
}

/** The stack is gone already; its data may have stayed, and its profile too. */
async function withoutStack(session: Session, flags: DestroyFlags): Promise<number> {
  const { stack, stacks, found, call, tell } = session;
  if (found?.status === 'REVIEW_IN_PROGRESS')
    await call(`deleting stack ${stack}`, () => stacks.delete(found.id));
  await tell({ type: 'note', text: `there is no stack ${stack}` });
  const data = await leftBehind(session);
  const nothing = data.table === undefined && data.bucket === undefined;
  if (!nothing && flags.deleteData) {
    await describe(session, data, flags);
    await confirmName(session, flags);
  }
  const kept = await (flags.deleteData ? deleteData(session, data) : keepData(session, data));
  await forgetProfiles(session);
  return end(session, kept);
}

/** What the last stack of that name left, as long as CloudFormation remembers it. */
async function leftBehind(session: Session): Promise<StackData> {
  const { stack, stacks, call, tell, context, explain } = session;
  try {
    const id = await call('cloudformation:ListStacks', () => stacks.lastDeleted(stack));
    if (id === undefined) return dataAmong([]);
    const left = await call(`reading resources of ${stack}`, () => stacks.resources(id));
    return dataAmong(left.filter(({ status }) => status === 'DELETE_SKIPPED'));
  } catch (error) {
    context.interrupts.signal.throwIfAborted();
    const { message } = toCliError(explain(error));
    await tell({ type: 'note', text: `whether it left data behind could not be looked up: ${message}` });
    return dataAmong([]);
  }
}

async function end({ context, stack }: Session, { table, bucket }: StackData): Promise<number> {
  if (context.json)
    await context.terminal.json({
      type: 'result',
      version: 1,
      time: new Date(context.deps.now()).toISOString(),
      stack,
      kept: [table, bucket].filter((name) => name !== undefined),
    });
  return EXIT.ok;
}
