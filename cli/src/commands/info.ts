/** `batchml info`: what is in use, and where it comes from. Never the key itself. */
import { DEFAULT_SETTINGS, localSettings } from '@batchml/backend/words';
import { ApiClient } from '../client/client.ts';
import { findTarget, type Target } from '../config/connection.ts';
import { configDir, dataDir } from '../config/paths.ts';
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
  ],
  run: info,
});

/** `ok`, or why not. */
async function reach({ deps, interrupts }: Context, target: Target): Promise<string> {
  try {
    const { now, sleep, fetch } = deps;
    const { signal } = interrupts;
    const { endpoint } = target;
    await new ApiClient({
      endpoint,
      key: await target.key(),
      fetch,
      now,
      sleep,
      signal,
      attempts: 1,
    }).submissions(1);
    return 'ok';
  } catch (error) {
    if (interrupts.signal.aborted) throw interrupts.signal.reason;
    const { message, why } = toCliError(error);
    return why === undefined ? message : `${message}: ${why}`;
  }
}

async function info(context: Context, _args: readonly string[], flags: InfoFlags): Promise<number> {
  const { deps, env, terminal, json } = context;
  const target = await findTarget(env, flags.profile);
  const profile = target?.profile;
  const facts = {
    version: VERSION,
    node: process.version,
    endpoint: target?.endpoint ?? null,
    origin: target?.origin ?? null,
    profile: target?.profileName ?? null,
    api:
      target === undefined ? 'none: start one with batchml local --model URL' : await reach(context, target),
    keyFile: profile?.keyFile ?? null,
    dataDir: profile?.dataDir ?? dataDir(env, deps.cwd, flags.dataDir),
    configDir: configDir(env),
    model: profile?.model ?? null,
  };
  // Only profiles of pipelines on this machine say what they were started with.
  const settings = localSettings(profile?.settings ?? DEFAULT_SETTINGS);
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
