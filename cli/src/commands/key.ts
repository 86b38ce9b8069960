/** `batchml key`: the API key, for curl and the like. */
import { requireTarget } from '../config/connection.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { defineCommand } from './command.ts';
import type { ProfileFlags } from './connect.ts';
import { addProfileOption } from './options/shared.ts';

export const keyCommand = defineCommand<ProfileFlags>({
  name: 'key',
  summary: 'print the API key',
  options: addProfileOption,
  examples: [
    [`curl -H "x-api-key: $(batchml key)" -d '{"text":"fine"}' http://127.0.0.1:8117/job`, 'one job by hand'],
  ],
  run: async ({ env, terminal, json }: Context, _args, { profile }) => {
    const target = await requireTarget(env, profile);
    const key = await target.key();
    if (json) await terminal.json({ endpoint: target.endpoint, profile: target.profileName ?? null, key });
    else await terminal.data(`${key}\n`);
    return EXIT.ok;
  },
});
