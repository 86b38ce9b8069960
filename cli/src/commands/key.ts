/** `batchml key`: the API key, for curl and the like; `--rotate` puts a new one in its place. */
import { findTarget } from '../config/connection.ts';
import type { Context } from '../context.ts';
import { usageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { type AwsProfileFlags, addAwsProfileOption, asDeployed, noStack } from './aws-stack.ts';
import { defineCommand } from './command.ts';
import { chooseTarget, nameTarget, type ProfileFlags } from './connect.ts';
import { addProfileOption } from './options/shared.ts';

interface KeyFlags extends ProfileFlags, AwsProfileFlags {
  readonly rotate?: true;
}

export const keyCommand = defineCommand<KeyFlags>({
  name: 'key',
  summary: 'print the API key',
  details:
    'With --rotate (deployed pipelines): makes a new key, waits until it works, saves and prints it, then ends the old one. ' +
    "The stack's own key is disabled, as CloudFormation owns it; one that an earlier --rotate made is deleted.",
  options: (command) => {
    command.option('--rotate', 'put a new key in its place');
    addProfileOption(command);
    addAwsProfileOption(command);
  },
  examples: [
    [`curl -H "x-api-key: $(batchml key)" -d '{"text":"fine"}' http://127.0.0.1:8117/job`, 'one job by hand'],
    ['batchml key --rotate --profile prod', 'somebody has seen it'],
  ],
  run: (context, _args, flags) => (flags.rotate ? rotate(context, flags) : print(context, flags)),
});

async function print(context: Context, flags: KeyFlags): Promise<number> {
  const { terminal, json } = context;
  if (flags.awsProfile !== undefined)
    throw usageError('--aws-profile is for --rotate alone', { next: ['batchml key --rotate'] });
  const target = await chooseTarget(context, flags);
  const key = await target.key();
  if (json) await terminal.json({ endpoint: target.endpoint, profile: target.profileName ?? null, key });
  else await terminal.data(`${key}\n`);
  return EXIT.ok;
}

async function rotate(context: Context, flags: KeyFlags): Promise<number> {
  const target = await findTarget(context.env, flags.profile);
  const deployed = asDeployed(context, target, flags);
  if (deployed === undefined) throw noStack('key --rotate', target);
  nameTarget(context, deployed.target);
  return (await import('./key/rotate.ts')).rotateKey(context, deployed);
}
