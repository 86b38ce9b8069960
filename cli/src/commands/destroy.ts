/** `batchml destroy`: takes a stack away; its data stays unless it is said to go too. */
import { usageError } from '../errors.ts';
import { defineCommand } from './command.ts';
import { type AwsFlags, addAwsOptions, addFollowOptions, type FollowFlags } from './deploy/options.ts';

export interface DestroyFlags extends AwsFlags, FollowFlags {
  readonly deleteData?: true;
  readonly stopTransformJobs?: true;
  readonly wait?: true;
}

export const destroyCommand = defineCommand<DestroyFlags>({
  name: 'destroy',
  summary: 'remove the pipeline from your AWS account',
  details:
    'The table of jobs and the bucket of records and results stay, and cost what storing costs; --delete-data removes them too, ' +
    'for good. Asks for the name of the stack first.',
  options: (command) => {
    addAwsOptions(command);
    command
      .option('--delete-data', 'delete the table and the bucket too, with every version of every object')
      .option('--stop-transform-jobs', 'stop transform jobs that run; their work is lost')
      .option('--wait', 'wait until the transform jobs that run are done');
    addFollowOptions(command);
  },
  examples: [
    ['batchml destroy', 'asks for the name of the stack, keeps the data'],
    ['batchml destroy --stack trial --delete-data --stop-transform-jobs --yes', 'all of it, at once'],
  ],
  run: async (context, _args, flags) => {
    if (flags.wait && flags.stopTransformJobs)
      throw usageError('--wait and --stop-transform-jobs exclude each other', { next: ['take one of them'] });
    const { withSession } = await import('./deploy/session.ts');
    const { destroy } = await import('./destroy/run.ts');
    return withSession(context, flags, (session) => destroy(session, flags));
  },
});
