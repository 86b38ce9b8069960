/** `batchml deploy`: the pipeline in an AWS account. */
import type { Command } from 'commander';
import { addStackSettings } from '../deploy/settings.ts';
import { usageError } from '../errors.ts';
import { defineCommand } from './command.ts';
import { type AwsFlags, addAwsOptions, addFollowOptions, type FollowFlags } from './deploy/options.ts';

export interface DeployFlags extends AwsFlags, FollowFlags, Readonly<Record<string, unknown>> {
  readonly model?: string;
  readonly dryRun?: true;
  readonly exitCode?: true;
  readonly attach?: true;
  readonly cancel?: true;
  readonly drained?: true;
  /** `--no-check` makes it false. */
  readonly check: boolean;
  readonly export?: string;
}

export const deployCommand = defineCommand<DeployFlags>({
  name: 'deploy',
  summary: 'the pipeline in your AWS account, made or brought up to date',
  details:
    'Settings that are not given keep their values. Work already accepted keeps the model and settings it was accepted with. ' +
    'The endpoint and its key become the active profile.',
  options: (command) => {
    addAwsOptions(command);
    command.option('--model <name>', 'SageMaker model that the jobs run through; needed for a new stack');
    addModes(command);
    addFollowOptions(command);
    command.option(
      '--drained',
      'the deployed pipeline has no open work: where an update must know that and can not ask it',
    );
    command.option('--no-check', 'do not wait until the endpoint answers');
    addStackSettings(command);
  },
  examples: [
    ['batchml deploy --model my-model', 'from nothing to an endpoint'],
    ['batchml deploy --instance-type ml.g5.xlarge', 'another machine, all else as it was'],
    ['batchml deploy --dry-run --exit-code', 'what would change; exit code 10 if anything'],
    ['batchml deploy --attach', 'watch on, after Ctrl-C or from elsewhere'],
    ['batchml deploy --export stack/', 'template and code, to deploy by other means'],
  ],
  run: async (context, _args, flags) => {
    checkModes(flags);
    if (flags.export !== undefined)
      return (await import('./deploy/export.ts')).exportStack(context, flags.export);
    const { withSession } = await import('./deploy/session.ts');
    return withSession(context, flags, async (session) => {
      if (flags.attach) return (await import('./deploy/attach.ts')).attach(session, flags);
      if (flags.cancel) return (await import('./deploy/cancel.ts')).cancel(session, flags);
      return (await import('./deploy/run.ts')).deploy(session, flags);
    });
  },
});

function addModes(command: Command): void {
  command
    .option('--dry-run', 'say what would change, and change nothing')
    .option('--exit-code', 'with --dry-run: exit code 10 if there are differences')
    .option('--attach', 'watch a deployment that is under way, or save the profile of one that is done')
    .option('--cancel', 'stop a deployment that is under way and go back')
    .option('--export <dir>', 'write the template and the code into a folder; needs no AWS account');
}

function checkModes({ dryRun, exitCode, attach, cancel, export: folder }: DeployFlags): void {
  const given = [
    ['--dry-run', dryRun],
    ['--attach', attach],
    ['--cancel', cancel],
    ['--export', folder],
  ].flatMap(([name, value]) => (value === undefined ? [] : [String(name)]));
  if (given.length > 1)
    throw usageError(`${given.join(' and ')} exclude each other`, { next: ['take one of them'] });
  if (exitCode && !dryRun)
    throw usageError('--exit-code is for --dry-run alone', {
      next: ['batchml deploy --dry-run --exit-code'],
    });
}
