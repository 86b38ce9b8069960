/** What commands that look into a deployed stack have in common: which stack, whose credentials, and AWS's errors in our words. */
import type { Command } from 'commander';
import { type AwsChoice, chooseAws } from '../config/aws.ts';
import type { Target } from '../config/connection.ts';
import type { Profile } from '../config/profiles.ts';
import type { Context } from '../context.ts';
import { explainAws } from '../deploy/aws-errors.ts';
import { type CliError, usageError } from '../errors.ts';

export interface AwsProfileFlags {
  readonly awsProfile?: string;
}

export function addAwsProfileOption(command: Command): void {
  command.option(
    '--aws-profile <name>',
    "profile of AWS's own tools (default: AWS_PROFILE, else the one saved with the profile)",
  );
}

export interface DeployedTarget {
  readonly target: Target;
  /** Name of our profile. */
  readonly name: string;
  readonly profile: Profile;
  readonly stack: string;
  readonly aws: AwsChoice;
}

/** The target as a deployed stack; undefined where it is something else. */
export function asDeployed(
  { env }: Context,
  target: Target | undefined,
  flags: AwsProfileFlags,
): DeployedTarget | undefined {
  const { profile, profileName: name } = target ?? {};
  if (target === undefined || profile?.stack === undefined || name === undefined) return undefined;
  return { target, name, profile, stack: profile.stack, aws: chooseAws(env, flags, { name, profile }) };
}

/** An error that says why a command that needs a stack has none. */
export function noStack(what: string, target: Target | undefined): CliError {
  return usageError(`${what} needs a deployed stack`, {
    code: 'no_stack',
    why:
      target === undefined
        ? 'no profile is set up'
        : target.profile === undefined
          ? `${target.origin} names an endpoint, not the stack behind it`
          : `${target.origin} is ${target.local ? 'a pipeline of this machine' : 'an endpoint without a stack'}`,
    next: ['choose the profile of one: batchml profile list, then --profile NAME'],
  });
}

/** Does something with AWS; what it refuses is said in our words. Ctrl-C stays Ctrl-C. */
export async function askAws<T>(
  { interrupts }: Context,
  { profile, profileFrom, keysInEnvironment }: AwsChoice,
  doing: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (interrupts.signal.aborted) throw interrupts.signal.reason;
    throw explainAws(error, { doing, profile, profileFrom, keysInEnvironment });
  }
}
