/** `batchml deploy`: orient, check, preview, ask, execute, follow, finish. */

import { Assets } from '../../deploy/assets.ts';
import type { Change } from '../../deploy/changes.ts';
import { changesOfNew } from '../../deploy/changes.ts';
import { ASSETS_PREFIX } from '../../deploy/names.ts';
import { readPackage, type StackPackage } from '../../deploy/package.ts';
import {
  changeSetParameters,
  checkSettings,
  effectiveParameters,
  givenParameters,
} from '../../deploy/settings.ts';
import type { StackView } from '../../deploy/stacks.ts';
import { bucketOf, ensureToolkit, TOOLKIT } from '../../deploy/toolkit.ts';
import { CliError } from '../../errors.ts';
import { EXIT } from '../../exit-codes.ts';
import { plural } from '../../ui/format.ts';
import type { DeployFlags } from '../deploy.ts';
import { busy, type Draft, isOutdated, withChangeSet } from './change-set.ts';
import { confirm } from './confirm.ts';
import { checkDrained } from './drained.ts';
import { dryRunResult } from './dry-run.ts';
import { finish } from './finish.ts';
import { chooseModel } from './model.ts';
import { preflight } from './preflight.ts';
import { continueRollback, planFor, removeBroken } from './recover.ts';
import type { Session } from './session.ts';
import { checkReached, detachText, goesOn, watchStack } from './watch.ts';

/** CreateChangeSet, TemplateBody: in bytes. A larger template must be in a bucket. */
const MOST_BODY = 51_200;
/** A bucket is made within seconds. */
const TOOLKIT_S = 600;

interface Wanted {
  readonly pkg: StackPackage;
  /** Values to set, ours among them. */
  readonly given: Readonly<Record<string, string>>;
  /** Values that the stack has, where it is updated. */
  readonly previous: Readonly<Record<string, string>>;
  readonly type: 'CREATE' | 'UPDATE';
}

export async function deploy(session: Session, flags: DeployFlags): Promise<number> {
  const { context, found, tell } = session;
  const plan = planFor(session);
  const pkg = await readPackage(context.deps.stackDir);
  const wanted = await settle(session, flags, pkg, plan);
  if (plan !== 'create' && plan !== 'update' && flags.dryRun)
    return dryRunResult(session, flags, {
      what: plan === 'recreate' ? 'be deleted and made anew' : 'have its rollback continued, then be updated',
      changes: plan === 'recreate' ? changesOfNew(pkg.template.Resources) : [],
      always: true,
    });
  let now = found;
  if (plan === 'recreate' && found !== undefined) {
    await removeBroken(session, found, flags.timeout);
    now = undefined;
  }
  if (plan === 'continue-rollback' && found !== undefined)
    now = await continueRollback(session, found, flags.timeout);
  if (wanted.type === 'UPDATE' && now !== undefined) await checkDrained(session, now, pkg.template, flags);

  const template = await prepareTemplate(session, pkg, flags.dryRun === true);
  if (template === 'no bucket') {
    await tell({ type: 'note', text: `the assets bucket (stack ${TOOLKIT}) would be made first` });
    return dryRunResult(session, flags, { what: 'be made', changes: changesOfNew(pkg.template.Resources) });
  }
  const { assets, source } = template;
  const given = { ...wanted.given, AssetsBucket: assets.bucket, AssetsPrefix: ASSETS_PREFIX };
  const parameters = changeSetParameters(given, wanted.previous, Object.keys(pkg.template.Parameters));
  if (!flags.dryRun) await uploadZips(session, assets, pkg);
  const { type, previous } = wanted;
  const outcome = await withChangeSet(
    session,
    { type, template: source, parameters, previous },
    async (draft) => {
      if (draft === 'nothing changes') return 'nothing changes' as const;
      await tell({
        type: 'changes',
        operation: type === 'CREATE' ? 'create' : 'update',
        changes: draft.changes,
        settings: type === 'CREATE' ? [] : draft.settings,
      });
      if (flags.dryRun) return draft;
      await askWherePrecious(session, draft.changes);
      return execute(session, draft, type, now?.status, flags.timeout);
    },
  );
  if (outcome === 'nothing changes') {
    if (flags.dryRun) return dryRunResult(session, flags, { what: 'not change', changes: [] });
    await tell({ type: 'note', text: `nothing changes: stack ${session.stack} is as it should be` });
    return finish(session, await reread(session), { check: flags.check, changed: false });
  }
  if ('view' in outcome)
    return dryRunResult(session, flags, {
      what: type === 'CREATE' ? 'be made' : 'change',
      changes: outcome.changes,
      // Outputs and parameters are no resources.
      always: true,
    });
  return finish(session, outcome, { check: flags.check, changed: true });
}

/** Which model and settings, and whether they can work; nothing is changed yet. */
async function settle(
  session: Session,
  flags: DeployFlags,
  pkg: StackPackage,
  plan: ReturnType<typeof planFor>,
): Promise<Wanted> {
  const { found } = session;
  const known = plan === 'create' ? {} : (found?.parameters ?? {});
  const update = plan === 'update' || plan === 'continue-rollback';
  const declared = pkg.template.Parameters;
  // A stack that is made anew has nothing to keep its values, so they are given again.
  const again = Object.fromEntries(Object.entries(known).filter(([name]) => !update && name in declared));
  const options = givenParameters(flags);
  const effective = effectiveParameters(options, known, declared);
  const previous = update ? known : {};
  checkSettings(options, effective, previous);
  const model = await chooseModel(session, flags.model ?? known['ModelName']);
  await preflight(session, {
    model,
    parameters: effective,
    checkQuota: !update || options['InstanceType'] !== undefined || options['InstanceCount'] !== undefined,
  });
  const given = { ...again, ...options, ModelName: model.name, ModelRoleArn: model.roleArn };
  return { pkg, given, previous, type: update ? 'UPDATE' : 'CREATE' };
}

interface Prepared {
  readonly assets: Assets;
  readonly source: { readonly url: string } | { readonly body: string };
}

/** Makes or finds the assets bucket, and puts the template where CloudFormation can read it. A dry run makes no bucket. */
async function prepareTemplate(
  session: Session,
  pkg: StackPackage,
  dryRun: boolean,
): Promise<Prepared | 'no bucket'> {
  const { call, clients, stacks, account, region, context, targetFlags } = session;
  const toolkit = await call(`reading stack ${TOOLKIT}`, () => stacks.find(TOOLKIT));
  let bucket = bucketOf(toolkit);
  if (bucket === undefined && dryRun) return 'no bucket';
  bucket ??= await ensureToolkit({
    client: clients.cloudFormation,
    stacks,
    note: (text) => session.tell({ type: 'note', text }),
    settle: async (id, operation) => {
      const done = await watchStack(session, {
        stack: TOOLKIT,
        id,
        doing: `${operation === 'create' ? 'making' : 'deleting'} ${TOOLKIT}`,
        since: new Date(0).toISOString(),
        before: undefined,
        timeout: TOOLKIT_S,
        attach: `batchml deploy${targetFlags}`,
      });
      checkReached(done, operation, TOOLKIT, ['mend that, then the same command again']);
    },
  });
  const assets = new Assets({ client: clients.s3, bucket, account, owner: TOOLKIT });
  context.progress.stop();
  if (Buffer.byteLength(pkg.templateText) <= MOST_BODY) return { assets, source: { body: pkg.templateText } };
  await call(`uploading the template to ${bucket}`, () => assets.uploadTemplate(pkg));
  return { assets, source: { url: assets.templateUrl(pkg, region) } };
}

async function uploadZips(
  { call, tell, context }: Session,
  assets: Assets,
  pkg: StackPackage,
): Promise<void> {
  await tell({ type: 'phase', text: `looking what is in ${assets.bucket}` });
  const missing = await call(`looking into ${assets.bucket}`, () => assets.missing(pkg.zips));
  await call(`uploading code to ${assets.bucket}`, () =>
    assets.upload(missing, async (done, { file, bytes }) => {
      context.interrupts.signal.throwIfAborted();
      await tell({ type: 'upload', file, bytes, done, total: missing.length });
    }),
  );
  context.progress.stop();
  if (missing.length > 0)
    await tell({ type: 'note', text: `uploaded ${plural(missing.length, 'zip file')}` });
}

async function askWherePrecious(session: Session, changes: readonly Change[]): Promise<void> {
  const precious = changes.filter(({ danger }) => danger);
  if (precious.length === 0) return;
  const list = precious.map(
    ({ id, type, old }) => `${id} (${type.replace('AWS::', '')}, the old one is ${old ?? 'changed'})`,
  );
  await confirm(session, `data or the endpoint may be lost with these resources: ${list.join(', ')}. Go on?`);
}

/** From here on CloudFormation works by itself. */
async function execute(
  session: Session,
  { view, changes, release, reclaim }: Draft,
  type: 'CREATE' | 'UPDATE',
  before: string | undefined,
  timeout: number,
): Promise<StackView> {
  const { context, stacks, stack, targetFlags } = session;
  const { interrupts, terminal, deps } = context;
  const operation = type === 'CREATE' ? 'create' : 'update';
  const attach = `batchml deploy --attach${targetFlags}`;
  interrupts.signal.throwIfAborted();
  release();
  interrupts.onInterrupt(() => terminal.say(detachText(attach, `batchml deploy --cancel${targetFlags}`)));
  session.doing(`executing the change set of stack ${stack}`);
  try {
    await stacks.execute(view.stackId, view.id, `batchml-${deps.randomHex(8)}`);
  } catch (error) {
    if (isOutdated(error)) throw busy(stack, targetFlags, 'another deployment was faster');
    // An answer, and not silence: it was not taken.
    if (error instanceof Error && '$fault' in error) {
      reclaim();
      throw error;
    }
    throw goesOn(session, error, attach);
  }
  const done = await watchStack(session, {
    stack,
    id: view.stackId,
    doing: operation === 'create' ? `making ${stack}` : `updating ${stack}`,
    since: view.createdAt,
    before: before ?? 'REVIEW_IN_PROGRESS',
    timeout,
    changes,
    attach,
  });
  checkReached(done, operation, stack, [
    operation === 'create'
      ? `mend that, then the same command again: it deletes what is left and makes it anew${session.yes ? '' : ' (asks first, or --yes)'}`
      : 'the stack is as it was before; mend that, then the same command again',
  ]);
  return done.stack ?? (await reread(session));
}

async function reread({ call, stacks, stack }: Session): Promise<StackView> {
  const found = await call(`reading stack ${stack}`, () => stacks.find(stack));
  if (found !== undefined) return found;
  throw new CliError(`stack ${stack} is gone`, { code: 'stack_gone', exitCode: EXIT.failed });
}
