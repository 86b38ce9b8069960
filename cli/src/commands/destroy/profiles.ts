/** Profiles that point to a stack that is gone. */
import { configDir } from '../../config/paths.ts';
import { readProfiles, removeProfile } from '../../config/profiles.ts';
import type { Session } from '../deploy/session.ts';

export async function forgetProfiles({ context, stack, account, region, tell }: Session): Promise<void> {
  const { deps, env } = context;
  const folder = configDir(env);
  const { active, profiles } = await readProfiles(folder);
  for (const [name, profile] of Object.entries(profiles)) {
    if (profile.stack !== stack || profile.account !== account || profile.region !== region) continue;
    await removeProfile(folder, name, deps.randomHex(4));
    const next = name === active ? '; no profile is active now' : '';
    await tell({ type: 'note', text: `removed profile ${name}${next}` });
  }
}
