/** Options of the commands that work on a stack. */
import type { Command } from 'commander';
import { numberOption } from '../options/shared.ts';

export const DEFAULT_STACK = 'batchml';

export interface AwsFlags {
  readonly stack?: string;
  readonly awsProfile?: string;
  readonly region?: string;
  readonly profile?: string;
  readonly yes?: true;
  /** `--no-input` makes it false. */
  readonly input: boolean;
}

export function addAwsOptions(command: Command): void {
  command
    .option('--stack <name>', `name of the stack (default: the profile's, else ${DEFAULT_STACK})`)
    .option('--aws-profile <name>', "profile of AWS's own tools (default: AWS_PROFILE, else the profile's)")
    .option(
      '--region <region>',
      "AWS region (default: AWS_REGION, else the profile's, else the AWS profile's)",
    )
    .option('--profile <name>', "batchml's own profile (default: the stack's name)")
    .option('-y, --yes', 'answer questions with yes')
    .option('--no-input', 'ask nothing');
}

export interface FollowFlags {
  readonly timeout: number;
}

export function addFollowOptions(command: Command): void {
  command.addOption(
    numberOption('--timeout <s>', 'watch no longer than this; AWS goes on (exit code 8)', {
      min: 1,
      max: 86_400,
    }).default(3600),
  );
}
