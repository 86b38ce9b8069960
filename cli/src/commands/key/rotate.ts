/**
 * A new API key in the place of the one in use. The old one works until the new one was seen to work and is saved, so that
 * wherever this stops, the saved key opens the API:
 *
 *     make -> attach -> check -> save | end the old one
 *     stopped here: the new one is deleted | stopped here: the old one still works, and it is said how to end it
 *
 * The stack's own key is CloudFormation's: were it deleted, the next change to it would fail. It is disabled, which
 * CloudFormation leaves alone until the template says something new about that very key.
 */
import { APIGatewayClient } from '@aws-sdk/client-api-gateway';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { ApiClient } from '../../client/client.ts';
import { awsConfig } from '../../config/aws.ts';
import { configDir } from '../../config/paths.ts';
import { readProfiles, updateProfiles } from '../../config/profiles.ts';
import type { Context } from '../../context.ts';
import { Stacks } from '../../deploy/stacks.ts';
import { CliError, toCliError } from '../../errors.ts';
import { EXIT } from '../../exit-codes.ts';
import { askAws, type DeployedTarget } from '../aws-stack.ts';
import { ApiKeys, MADE_BY_ROTATE, type PlanKey } from './api-keys.ts';

/** A new key is known everywhere within seconds, at worst a minute. */
const CHECKS = 30;
const CHECK_MS = 2_000;

interface StackKeys {
  readonly keys: ApiKeys;
  /** ID of the stack's own key. */
  readonly own: string;
}

export async function rotateKey(context: Context, deployed: DeployedTarget): Promise<number> {
  const { deps, terminal, progress, interrupts, json } = context;
  const { aws, stack, target, name } = deployed;
  const config = awsConfig(aws, deps.aws);
  const cloudFormation = new CloudFormationClient(config);
  const apiGateway = new APIGatewayClient(config);
  const ask = <T>(doing: string, work: () => Promise<T>): Promise<T> => askAws(context, aws, doing, work);
  interrupts.onInterrupt(() => terminal.say('stopping; the key stays as it was'));
  try {
    progress.phase(`looking at the keys of stack ${stack}`);
    const { keys, own } = await ask(`reading stack ${stack}`, () =>
      findKeys(deployed, new Stacks(cloudFormation), apiGateway),
    );
    const old = await oldKey(await ask(`reading the API keys of stack ${stack}`, () => keys.all()), deployed);
    interrupts.signal.throwIfAborted();

    const value = deps.randomHex(32);
    progress.phase('making a new key');
    const id = await ask('making an API key', () =>
      keys.create(
        `${stack}-${deps.randomHex(4)}`,
        value,
        `batchml: key of stack ${stack}, ${MADE_BY_ROTATE}`,
      ),
    );
    try {
      interrupts.signal.throwIfAborted();
      await ask('attaching the new API key to the usage plan', () => keys.attach(id));
      progress.phase(`waiting until ${target.endpoint} takes it (up to a minute)`);
      await check(context, target.endpoint, value);
    } catch (error) {
      progress.stop();
      await keys.remove(id).catch(() => terminal.say(`the new key could not be deleted: ${id}`));
      throw error;
    }
    interrupts.onInterrupt(() =>
      terminal.say('stopping; the new key is saved, and the old one may still work'),
    );
    await saveKey(context, deployed, value);
    progress.stop();
    terminal.note(`profile ${name} has the new key; where else the old one is used, it has to be replaced`);
    const ended = await endOld(context, deployed, keys, own, old);
    if (json)
      await terminal.json({
        endpoint: target.endpoint,
        profile: name,
        key: value,
        keyId: id,
        old: { id: old?.id ?? null, state: ended },
      });
    else await terminal.data(`${value}\n`);
    return EXIT.ok;
  } finally {
    progress.stop();
    cloudFormation.destroy();
    apiGateway.destroy();
  }
}

/** The stack's usage plan and key; an error where these credentials are another account's. */
async function findKeys(
  { stack, profile, name }: DeployedTarget,
  stacks: Stacks,
  apiGateway: APIGatewayClient,
): Promise<StackKeys> {
  const found = await stacks.find(stack);
  const account = found?.id.split(':')[4];
  if (found === undefined || (profile.account !== undefined && account !== profile.account))
    throw new CliError(
      found === undefined
        ? `there is no stack ${stack} here`
        : `these credentials are of account ${account}, and profile ${name} is of ${profile.account}`,
      {
        code: 'wrong_account',
        exitCode: EXIT.refused,
        why: `it was deployed to account ${profile.account ?? '?'}, region ${profile.region ?? '?'}`,
        next: ['take credentials of that account: --aws-profile NAME', 'see what is wrong: batchml doctor'],
      },
    );
  const resources = await stacks.resources(found.id);
  const named = (id: string): string | undefined => resources.find((resource) => resource.id === id)?.name;
  const plan = named('UsagePlan');
  const own = named('ApiKey');
  if (plan === undefined || own === undefined)
    throw new CliError(`stack ${stack} has no usage plan`, {
      code: 'no_plan',
      next: ['bring it up to date: batchml deploy'],
    });
  return { keys: new ApiKeys(apiGateway, plan), own };
}

/** The one in use here; undefined where the saved key isn't one of the plan's. */
async function oldKey(all: readonly PlanKey[], { target }: DeployedTarget): Promise<PlanKey | undefined> {
  const saved = await target.key().catch(() => undefined);
  return all.find(({ value }) => value === saved);
}

async function check({ deps, interrupts }: Context, endpoint: string, key: string): Promise<void> {
  const { now, sleep, fetch } = deps;
  const { signal } = interrupts;
  const client = new ApiClient({ endpoint, key, fetch, now, sleep, signal, attempts: 1 });
  for (let left = CHECKS; ; left--) {
    try {
      await client.settings();
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (left > 1) {
        await sleep(CHECK_MS, signal);
        signal.throwIfAborted();
        continue;
      }
      const { message, why } = toCliError(error);
      throw new CliError('the new key does not work; the old one stays', {
        code: 'key_check',
        why: why === undefined ? message : `${message}: ${why}`,
        next: ['see what is wrong: batchml doctor'],
        cause: error,
      });
    }
  }
}

/** Saves it for this profile, and for every other that had the old one. */
async function saveKey(
  { deps, env }: Context,
  { name, profile }: DeployedTarget,
  key: string,
): Promise<void> {
  const folder = configDir(env);
  const { profiles } = await readProfiles(folder);
  const changed = Object.entries({ ...profiles, [name]: profile })
    .filter(([other, saved]) => other === name || (saved.key !== undefined && saved.key === profile.key))
    .map(([other, { keyFile: _, ...saved }]) => [other, { ...saved, key }] as const);
  await updateProfiles(folder, Object.fromEntries(changed), deps.randomHex(4));
}

type Ended = 'disabled' | 'deleted' | 'unknown';

async function endOld(
  context: Context,
  { aws, stack }: DeployedTarget,
  keys: ApiKeys,
  own: string,
  old: PlanKey | undefined,
): Promise<Ended> {
  const { terminal } = context;
  if (old === undefined) {
    terminal.note(terminal.paint('yellow', 'the saved key was none of the usage plan: none was ended'));
    return 'unknown';
  }
  try {
    if (old.id !== own) {
      await askAws(context, aws, 'deleting the old API key', () => keys.remove(old.id));
      terminal.note(`the old key is deleted: ${old.id}`);
      return 'deleted';
    }
    await askAws(context, aws, 'disabling the old API key', () => keys.disable(old.id));
    terminal.note(`the old key is disabled: ${old.id}. Stack ${stack} owns it, so it isn't deleted`);
    return 'disabled';
  } catch (error) {
    const { message, why } = toCliError(error);
    throw new CliError('the new key is saved, but the old one still works', {
      code: 'old_key',
      why: why === undefined ? message : `${message}: ${why}`,
      next: [
        `aws apigateway update-api-key --api-key ${old.id} --patch-operations op=replace,path=/enabled,value=false`,
      ],
      data: { keyId: old.id },
      cause: error,
    });
  }
}
