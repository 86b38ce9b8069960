/** The client for the API in use. */
import { ApiClient } from '../client/client.ts';
import { requireTarget } from '../config/connection.ts';
import type { Context } from '../context.ts';

export interface ProfileFlags {
  readonly profile?: string;
}

export async function connect(context: Context, { profile }: ProfileFlags): Promise<ApiClient> {
  const { deps, env, interrupts } = context;
  const target = await requireTarget(env, profile);
  return new ApiClient({
    endpoint: target.endpoint,
    key: await target.key(),
    fetch: deps.fetch,
    now: deps.now,
    sleep: deps.sleep,
    signal: interrupts.signal,
  });
}
