/** What every command on a stack begins with: whose account, which region, which stack; said before anything is done. */
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { type AwsChoice, awsConfig, chooseAws } from '../../config/aws.ts';
import { configDir } from '../../config/paths.ts';
import { type Profile, type Profiles, readProfiles } from '../../config/profiles.ts';
import type { Context } from '../../context.ts';
import { type Caller, explainAws } from '../../deploy/aws-errors.ts';
import { type Clients, makeClients } from '../../deploy/clients.ts';
import type { Tell } from '../../deploy/news.ts';
import { exists } from '../../deploy/stack-state.ts';
import { Stacks, type StackView } from '../../deploy/stacks.ts';
import { usageError } from '../../errors.ts';
import { orAborted } from '../../interrupts.ts';
import { Asker } from '../../ui/deploy-ask.ts';
import { DeployView } from '../../ui/deploy-view.ts';
import { shellQuote } from '../../ui/format.ts';
import { type AwsFlags, DEFAULT_STACK } from './options.ts';

/** Tries of a request: throttling is normal where a stack is watched. */
const ATTEMPTS = 6;

export interface Session {
  readonly context: Context;
  readonly clients: Clients;
  readonly stacks: Stacks;
  readonly tell: Tell;
  readonly asker: Asker;
  readonly yes: boolean;
  readonly account: string;
  readonly region: string;
  readonly awsProfile: string | undefined;
  /** Name of the stack. */
  readonly stack: string;
  /** As it was at the beginning. */
  readonly found: StackView | undefined;
  readonly profiles: Profiles;
  /** `--profile`, or `BATCHML_PROFILE` where that is free or of this stack. */
  readonly namedProfile: string | undefined;
  /** Asks AWS something; Ctrl-C ends the wait. @param doing for errors: "reading stack batchml" */
  readonly call: <T>(doing: string, work: () => Promise<T>) => Promise<T>;
  /** Says for errors what is being done, where it is not waited for by `call`. */
  readonly doing: (what: string) => void;
  /** An error of AWS as one for people. */
  readonly explain: (error: unknown) => unknown;
  /** Options that name this target, for commands that are suggested. */
  readonly targetFlags: string;
  /** The same for when no profile remembers them any more. */
  readonly fullFlags: string;
}

interface Aim {
  readonly stack: string;
  readonly choice: AwsChoice;
  /** Under which the result is saved; undefined: nobody has said. */
  readonly profile: string | undefined;
}

/** What a profile was deployed with is taken again, where neither a flag nor (for credentials) a variable says otherwise. */
function aimOf({ env }: Context, flags: AwsFlags, { profiles }: Profiles): Aim {
  const known = (name: string | undefined): Profile | undefined =>
    name !== undefined && Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  const named = known(flags.profile);
  if (named !== undefined && named.stack === undefined)
    throw usageError(`profile ${flags.profile} is not one of a stack`, {
      next: ['take another name for it: --profile NAME'],
    });
  const stack = flags.stack ?? named?.stack ?? known(env.profile)?.stack ?? DEFAULT_STACK;
  checkStackName(stack);
  // A variable is meant for all commands: it doesn't have another stack's profile, or the local one, written over.
  const ofVariable = known(env.profile);
  const profile =
    flags.profile ?? (ofVariable === undefined || ofVariable.stack === stack ? env.profile : undefined);
  const saved = [profile, stack].flatMap((name) => {
    const found = known(name);
    return name !== undefined && found?.stack === stack ? [{ name, profile: found }] : [];
  })[0];
  return { stack, choice: chooseAws(env, flags, saved), profile };
}

/** A stack of somebody else's by that name is left alone, whatever is asked. */
function checkOurs(found: StackView | undefined): void {
  if (found === undefined || !exists(found.status)) return;
  if ('ModelName' in found.parameters && 'AssetsBucket' in found.parameters) return;
  throw usageError(`stack ${found.name} is not one of batchml`, {
    code: 'not_ours',
    why: 'it has no parameters ModelName and AssetsBucket',
    next: ['take another name: --stack NAME'],
  });
}

/** CreateStack, StackName; shorter, as names of log groups and alarms hold it. */
function checkStackName(stack: string): void {
  if (/^[a-zA-Z][-a-zA-Z0-9]{0,63}$/.test(stack)) return;
  throw usageError(`${JSON.stringify(stack)} can't be the name of a stack`, {
    why: 'it begins with a letter, and has letters, digits and hyphens, at most 64',
  });
}

export async function withSession(
  context: Context,
  flags: AwsFlags,
  work: (session: Session) => Promise<number>,
): Promise<number> {
  const { deps, env, terminal, progress, json, interrupts } = context;
  const profiles = await readProfiles(configDir(env));
  const { stack, choice, profile: namedProfile } = aimOf(context, flags, profiles);
  const awsProfile = choice.profile;
  const caller: { -readonly [key in keyof Caller]: Caller[key] } = {
    doing: 'asking who we are',
    profile: awsProfile,
    profileFrom: choice.profileFrom,
    keysInEnvironment: choice.keysInEnvironment,
  };
  const clients = makeClients(awsConfig(choice, deps.aws, ATTEMPTS));
  const call: Session['call'] = async (doing, ask) => {
    interrupts.signal.throwIfAborted();
    caller.doing = doing;
    return orAborted(ask(), interrupts.signal);
  };
  interrupts.onInterrupt(() => terminal.say('stopping; nothing was changed'));
  const view = new DeployView({ terminal, progress, json, now: deps.now });
  try {
    await view.tell({ type: 'phase', text: 'asking AWS who we are' });
    const region = await call('finding the region', () => clients.region());
    const { Account: account = '', Arn = '' } = await call('sts:GetCallerIdentity', () =>
      clients.sts.send(new GetCallerIdentityCommand({})),
    );
    const stacks = new Stacks(clients.cloudFormation);
    const found = await call(`reading stack ${stack}`, () => stacks.find(stack));
    progress.stop();
    await view.tell({
      type: 'target',
      stack,
      account,
      region,
      caller: Arn,
      awsProfile: awsProfile ?? null,
      status: found?.status ?? null,
    });
    checkOurs(found);
    return await work({
      context,
      clients,
      stacks,
      tell: view.tell,
      asker: new Asker(context, flags.input),
      yes: flags.yes === true,
      account,
      region,
      awsProfile,
      stack,
      found,
      profiles,
      namedProfile,
      call,
      doing: (what) => {
        caller.doing = what;
      },
      explain: (error) => explainAws(error, caller),
      targetFlags: words([
        ['--stack', stack === DEFAULT_STACK ? undefined : stack],
        ['--region', flags.region],
        ['--aws-profile', flags.awsProfile],
        ['--profile', flags.profile],
      ]),
      fullFlags: words([
        ['--stack', stack === DEFAULT_STACK ? undefined : stack],
        ['--region', choice.regionFrom === 'AWS_REGION' ? undefined : region],
        ['--aws-profile', choice.profileFrom === 'AWS_PROFILE' ? undefined : awsProfile],
      ]),
    });
  } catch (error) {
    if (interrupts.signal.aborted) throw interrupts.signal.reason;
    throw explainAws(error, caller);
  } finally {
    progress.stop();
    clients.close();
  }
}

/** Options with their values, as they stand behind a command. */
function words(options: readonly (readonly [flag: string, value: string | undefined])[]): string {
  return options
    .map(([flag, value]) => (value === undefined ? '' : ` ${flag} ${shellQuote(value)}`))
    .join('');
}
