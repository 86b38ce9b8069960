/** `batchml profile`: which pipelines are known here, and which of them is used. Keys are never shown. */
import { unknownProfile } from '../config/connection.ts';
import { configDir } from '../config/paths.ts';
import {
  activateProfile,
  isLocalProfile,
  LOCAL_PROFILE,
  type Profile,
  type Profiles,
  profilesPath,
  readProfiles,
  removeProfile,
} from '../config/profiles.ts';
import type { Context } from '../context.ts';
import { usageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { shellQuote } from '../ui/format.ts';
import { printable } from '../ui/printable.ts';
import { formatTable, formatTsv } from '../ui/table.ts';
import { defineCommand } from './command.ts';

const USAGE = ['batchml profile list', 'batchml profile use NAME', 'batchml profile remove NAME'];

export const profileCommand = defineCommand<object>({
  name: 'profile',
  summary: 'the pipelines that are known here: list, use, remove',
  details:
    'A profile is an endpoint with its key. The one in use is the first of: BATCHML_ENDPOINT with BATCHML_API_KEY, ' +
    '--profile, BATCHML_PROFILE, the active profile, the profile local.',
  argument: ['[action...]', '`list` (also without an action), `use NAME`, `remove NAME`'],
  examples: [
    ['batchml profile list', 'all of them; * is the active one'],
    ['batchml profile use prod', 'from now on'],
    ['batchml profile remove old', 'forget an endpoint and its key; what is deployed stays'],
  ],
  run: async (context, [action = 'list', name, ...more]) => {
    if (action === 'list' && name === undefined) return list(context);
    if ((action !== 'use' && action !== 'remove') || more.length > 0)
      throw usageError(
        ['list', 'use', 'remove'].includes(action)
          ? `profile ${action} takes ${action === 'list' ? 'no name' : 'one name'}`
          : `profile does not know ${action}`,
        { next: USAGE },
      );
    if (name === undefined)
      throw usageError(`profile ${action}: which one?`, { next: ['batchml profile list'] });
    return action === 'use' ? use(context, name) : remove(context, name);
  },
});

/** What a profile's pipeline is. */
type Kind = 'local' | 'deployed' | 'endpoint';

function kindOf(profile: Profile): Kind {
  if (isLocalProfile(profile)) return 'local';
  return profile.stack === undefined ? 'endpoint' : 'deployed';
}

/** The profile that is taken where nothing says which. */
function activeOf({ active, profiles }: Profiles): string | undefined {
  return [active, LOCAL_PROFILE].find((name) => name !== undefined && Object.hasOwn(profiles, name));
}

/** What wins over the active profile now. */
function strongerThanActive({ env }: Context, active: string | undefined): string | undefined {
  if (env.endpoint !== undefined || env.apiKey !== undefined) return 'BATCHML_ENDPOINT';
  return env.profile === undefined || env.profile === active ? undefined : `BATCHML_PROFILE (${env.profile})`;
}

async function list(context: Context): Promise<number> {
  const { env, terminal, json } = context;
  const all = await readProfiles(configDir(env));
  const active = activeOf(all);
  const rows = Object.entries(all.profiles).map(([name, profile]) => ({
    name,
    active: name === active,
    kind: kindOf(profile),
    endpoint: profile.endpoint,
    stack: profile.stack ?? null,
    region: profile.region ?? null,
    account: profile.account ?? null,
    awsProfile: profile.awsProfile ?? null,
  }));
  if (json) {
    await terminal.json({ active: active ?? null, profiles: rows });
    return EXIT.ok;
  }
  const cells = rows.map((row) =>
    [row.active ? '*' : '', row.name, row.kind, row.endpoint, row.stack, row.region, row.account].map(
      (cell) => printable(cell ?? (terminal.outIsTty ? '-' : '')),
    ),
  );
  const columns = ['', 'Profile', 'Kind', 'Endpoint', 'Stack', 'Region', 'Account'];
  if (rows.length === 0) terminal.note('there is none yet: batchml local --model URL, or batchml deploy');
  else if (!terminal.outIsTty) await terminal.data(formatTsv(cells));
  else
    await terminal.data(
      `${await formatTable(
        columns.map((title) => ({ title })),
        cells,
        terminal.paintOut,
      )}\n`,
    );
  const stronger = strongerThanActive(context, active);
  if (stronger !== undefined) terminal.note(`${stronger} is set, and wins over the active profile`);
  return EXIT.ok;
}

async function known({ env }: Context, name: string): Promise<Profile> {
  const folder = configDir(env);
  const { profiles } = await readProfiles(folder);
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (profile === undefined) throw unknownProfile(name, Object.keys(profiles), folder);
  return profile;
}

async function use(context: Context, name: string): Promise<number> {
  const { deps, env, terminal, json } = context;
  const { endpoint } = await known(context, name);
  await activateProfile(configDir(env), name, deps.randomHex(4));
  terminal.note(`profile ${name} is active: ${endpoint}`);
  const stronger = strongerThanActive(context, name);
  if (stronger !== undefined)
    terminal.note(terminal.paint('yellow', `but ${stronger} is set, and wins over it`));
  if (json) await terminal.json({ active: name, endpoint });
  return EXIT.ok;
}

async function remove(context: Context, name: string): Promise<number> {
  const { deps, env, terminal, json } = context;
  const profile = await known(context, name);
  const left = await removeProfile(configDir(env), name, deps.randomHex(4));
  const active = activeOf(left);
  terminal.note(`profile ${name} is removed from ${profilesPath(configDir(env))}`);
  if (profile.stack !== undefined) {
    const options = [
      `--stack ${shellQuote(profile.stack)}`,
      ...(profile.region === undefined ? [] : [`--region ${shellQuote(profile.region)}`]),
    ].join(' ');
    terminal.note(
      `stack ${profile.stack} stays as it is; to have its profile back:\n  batchml deploy --attach ${options}`,
    );
  } else if (isLocalProfile(profile)) terminal.note(`its data stay in ${profile.dataDir}`);
  terminal.note(active === undefined ? 'no profile is active now' : `the active profile is ${active}`);
  if (json) await terminal.json({ removed: name, active: active ?? null });
  return EXIT.ok;
}
