/** `batchml doctor`: everything that is asked first when something doesn't work. Changes nothing; never shows a key. */
import { chooseAws } from '../config/aws.ts';
import { findTarget, type Target } from '../config/connection.ts';
import { dataDir } from '../config/paths.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { printable } from '../ui/printable.ts';
import { formatTable, formatTsv } from '../ui/table.ts';
import type { Style } from '../ui/terminal.ts';
import { type AwsProfileFlags, addAwsProfileOption, asDeployed } from './aws-stack.ts';
import { defineCommand } from './command.ts';
import { describeTarget, type ProfileFlags } from './connect.ts';
import { checkApi, checkClock } from './doctor/api-checks.ts';
import type { Check } from './doctor/check.ts';
import { checkConfig, checkDataDir, checkNode, checkVersion, failed } from './doctor/machine-checks.ts';
import { addDataDirOption, addProfileOption } from './options/shared.ts';

interface DoctorFlags extends ProfileFlags, AwsProfileFlags {
  readonly dataDir?: string;
}

export const doctorCommand = defineCommand<DoctorFlags>({
  name: 'doctor',
  summary: 'check what batchml needs: Node, files, credentials, stack, API, clock',
  details:
    'Exits with 1 if something is wrong. Every check ends within 10 seconds; nothing is changed, no key is shown.',
  options: (command) => {
    addProfileOption(command);
    addAwsProfileOption(command);
    addDataDirOption(command);
  },
  examples: [
    ['batchml doctor', 'something does not work'],
    ['batchml doctor --profile prod --json', 'for a report of a fault'],
  ],
  run: doctor,
});

const STYLES: Readonly<Record<Check['status'], Style>> = {
  ok: 'green',
  warn: 'yellow',
  fail: 'red',
  skip: 'dim',
};

async function doctor(context: Context, _args: readonly string[], flags: DoctorFlags): Promise<number> {
  const { terminal, progress, interrupts, json } = context;
  interrupts.onInterrupt(() => progress.stop());
  progress.phase('checking');
  const checks = await examine(context, flags);
  progress.stop();
  interrupts.signal.throwIfAborted();
  const ok = checks.every(({ status }) => status !== 'fail');
  if (json) await terminal.json({ ok, checks });
  else {
    const rows = checks.map(({ name, status, detail }) => [
      terminal.outIsTty ? terminal.paintOut(STYLES[status], status) : status,
      name,
      printable(detail),
    ]);
    if (!terminal.outIsTty) await terminal.data(formatTsv(rows));
    else
      await terminal.data(
        `${await formatTable([{ title: '' }, { title: 'Check' }, { title: 'What was found' }], rows, terminal.paintOut)}\n`,
      );
    for (const { name, next } of checks) if (next !== undefined) terminal.note(`${name}: ${next}`);
  }
  return ok ? EXIT.ok : EXIT.failed;
}

async function examine(context: Context, flags: DoctorFlags): Promise<Check[]> {
  const { env } = context;
  const { profile, target } = await checkProfile(context, flags);
  const [config, aws, api, data] = await Promise.all([
    checkConfig(env),
    checkCloud(context, target, flags),
    target === undefined ? undefined : checkApi(context, target),
    folderOf(context, target, flags),
  ]);
  const skewFrom = api?.skew === undefined ? 'AWS' : 'the API';
  return [
    checkNode(),
    checkVersion(),
    config,
    profile,
    ...aws.checks,
    api?.check ?? { name: 'api', status: 'skip' as const, detail: 'there is none' },
    checkClock(api?.skew ?? aws.skew, skewFrom),
    data,
  ];
}

async function checkProfile(
  { env }: Context,
  flags: DoctorFlags,
): Promise<{ profile: Check; target: Target | undefined }> {
  const name = 'profile';
  try {
    const target = await findTarget(env, flags.profile);
    if (target === undefined)
      return {
        target,
        profile: {
          name,
          status: 'warn',
          detail: 'none is set up',
          next: 'start a pipeline here: batchml local --model URL, or in your AWS account: batchml deploy',
        },
      };
    // A key that can't be read or sent is said here, not as a network's fault.
    await target.key();
    if (target.passedOver !== undefined)
      return {
        target,
        profile: {
          name,
          status: 'warn',
          detail: `${describeTarget(target)}; it wins over ${target.passedOver}`,
        },
      };
    return { target, profile: { name, status: 'ok', detail: describeTarget(target) } };
  } catch (error) {
    return { target: undefined, profile: failed(name, error) };
  }
}

async function checkCloud(
  context: Context,
  target: Target | undefined,
  flags: DoctorFlags,
): Promise<{ readonly checks: readonly Check[]; readonly skew: number | undefined }> {
  const deployed = asDeployed(context, target, flags);
  const choice = deployed?.aws ?? chooseAws(context.env, flags, undefined);
  const { checkAws } = await import('./doctor/aws-checks.ts');
  return checkAws(context, { choice, deployed: deployed?.profile });
}

async function folderOf(
  { deps, env }: Context,
  target: Target | undefined,
  flags: DoctorFlags,
): Promise<Check> {
  try {
    const saved = flags.dataDir === undefined ? target?.profile?.dataDir : undefined;
    return await checkDataDir(saved ?? dataDir(env, deps.cwd, flags.dataDir));
  } catch (error) {
    return failed('data', error);
  }
}
