/** `batchml info`: what is in use, and where it comes from. Never the key itself. */
import { DEFAULT_SETTINGS, localSettings, type Settings } from '@batchml/backend/words';
import { ApiClient } from '../client/client.ts';
import { findTarget, type Target } from '../config/connection.ts';
import { configDir, dataDir } from '../config/paths.ts';
import type { Profile } from '../config/profiles.ts';
import type { Context } from '../context.ts';
import { toCliError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { printable } from '../ui/printable.ts';
import { formatTable, formatTsv } from '../ui/table.ts';
import { VERSION } from '../version.ts';
import { defineCommand } from './command.ts';
import type { ProfileFlags } from './connect.ts';
import { addDataDirOption, addProfileOption } from './options/shared.ts';

interface InfoFlags extends ProfileFlags {
  readonly dataDir?: string;
}

export const infoCommand = defineCommand<InfoFlags>({
  name: 'info',
  summary: 'endpoint, profile, settings and folders in use',
  options: (command) => {
    addProfileOption(command);
    addDataDirOption(command);
  },
  examples: [
    ['batchml info', 'to read'],
    ['batchml info --json | jq -r .endpoint', 'for scripts'],
    ['batchml info --profile prod', 'a deployed pipeline: its stack, model and settings'],
  ],
  run: info,
});

/** What the API says of itself; `api` is `ok`, or why it says nothing. */
interface Said {
  readonly api: string;
  readonly model?: string | undefined;
  readonly settings?: Settings;
}

async function ask({ deps, interrupts }: Context, target: Target): Promise<Said> {
  try {
    const { now, sleep, fetch } = deps;
    const { signal } = interrupts;
    const { endpoint } = target;
    const client = new ApiClient({
      endpoint,
      key: await target.key(),
      fetch,
      now,
      sleep,
      signal,
      attempts: 1,
    });
    return { api: 'ok', ...(await client.pin()) };
  } catch (error) {
    if (interrupts.signal.aborted) throw interrupts.signal.reason;
    const { message, why } = toCliError(error);
    return { api: why === undefined ? message : `${message}: ${why}` };
  }
}

async function info(context: Context, _args: readonly string[], flags: InfoFlags): Promise<number> {
  const { deps, env, terminal, json } = context;
  const target = await findTarget(env, flags.profile);
  const profile = target?.profile;
  const said =
    target === undefined
      ? { api: 'none: start one with batchml local --model URL, or make one with batchml deploy' }
      : await ask(context, target);
  const facts = {
    version: VERSION,
    node: process.version,
    endpoint: target?.endpoint ?? null,
    origin: target?.origin ?? null,
    profile: target?.profileName ?? null,
    ...(profile?.stack === undefined ? {} : deployed(profile)),
    api: said.api,
    keyFile: profile?.keyFile ?? null,
    dataDir: profile?.dataDir ?? dataDir(env, deps.cwd, flags.dataDir),
    configDir: configDir(env),
    model: said.model ?? profile?.model ?? null,
  };
  const settings = settingsOf(target, said.settings);
  if (json) {
    await terminal.json({ ...facts, settings });
    return EXIT.ok;
  }
  const rows = Object.entries({ ...facts, ...settings }).map(([name, value]) => [
    name,
    printable(String(value ?? '-')),
  ]);
  if (!terminal.outIsTty) await terminal.data(formatTsv(rows));
  else
    await terminal.data(
      `${await formatTable([{ title: 'What' }, { title: 'Value' }], rows, terminal.paintOut)}\n`,
    );
  return EXIT.ok;
}

/** Where a deployed pipeline is. */
function deployed({ stack, region, account, awsProfile }: Profile): Record<string, string | null> {
  return {
    stack: stack ?? null,
    region: region ?? null,
    account: account ?? null,
    awsProfile: awsProfile ?? null,
  };
}

/** As the API says; else as a profile's pipeline was started. Nobody knows those of an API that says nothing. */
function settingsOf(target: Target | undefined, said: Settings | undefined): Partial<Settings> {
  if (target !== undefined && !target.local) return said ?? {};
  return localSettings(said ?? target?.profile?.settings ?? DEFAULT_SETTINGS);
}
