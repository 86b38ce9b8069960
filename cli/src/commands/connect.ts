/** The client for the API in use. */
import { ApiClient } from '../client/client.ts';
import { requireTarget, type Target } from '../config/connection.ts';
import type { Context } from '../context.ts';

export interface ProfileFlags {
  readonly profile?: string;
}

export async function connect(context: Context, flags: ProfileFlags): Promise<ApiClient> {
  return clientOf(context, await chooseTarget(context, flags));
}

/** For commands that change something: says first what they change. */
export async function connectToChange(context: Context, flags: ProfileFlags): Promise<ApiClient> {
  const target = await chooseTarget(context, flags);
  nameTarget(context, target);
  return clientOf(context, target);
}

/** The API in use. */
export async function chooseTarget(context: Context, { profile }: ProfileFlags): Promise<Target> {
  const target = await requireTarget(context.env, profile);
  notePassedOver(context, target);
  return target;
}

/** Says so where it isn't the one that was asked for. */
export function notePassedOver({ terminal }: Context, { origin, passedOver }: Target): void {
  if (passedOver !== undefined)
    terminal.note(terminal.paint('yellow', `${origin} is set, and wins over ${passedOver}`));
}

/** A line that says where something is going to be changed, unless that is this machine. */
export function nameTarget({ terminal }: Context, target: Target): void {
  if (!target.local) terminal.note(`target: ${describeTarget(target)}`);
}

/** `profile prod: stack batchml in eu-west-1, account 123456789012`. */
export function describeTarget({ origin, endpoint, profile }: Target): string {
  if (profile?.stack === undefined) return `${origin}: ${endpoint}`;
  const account = profile.account === undefined ? '' : `, account ${profile.account}`;
  return `${origin}: stack ${profile.stack}${profile.region === undefined ? '' : ` in ${profile.region}`}${account}`;
}

export async function clientOf({ deps, interrupts }: Context, target: Target): Promise<ApiClient> {
  return new ApiClient({
    endpoint: target.endpoint,
    key: await target.key(),
    fetch: deps.fetch,
    now: deps.now,
    sleep: deps.sleep,
    signal: interrupts.signal,
  });
}
