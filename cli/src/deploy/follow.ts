/** Follows a stack until it moves no more: every 2 seconds its status, then its new events. */
import type { CliError } from '../errors.ts';
import { isUnreachable } from './aws-errors.ts';
import { type Cause, firstCause } from './cause.ts';
import { EventReader, type ReadPage, type ResourceEvent, type Tally, tally } from './stack-events.ts';
import { isMoving } from './stack-state.ts';
import type { StackView } from './stacks.ts';

const INTERVAL_MS = 2_000;
/** Without an answer for so long, following ends. */
const SILENCE_MS = 180_000;
/** Looks without a sign that the operation began, after which a resting stack counts as finished. */
const PATIENCE = 15;
/** Looks for the stack's own last event once its status says that it is over. */
const LAST_LOOKS = 3;

export interface FollowOptions {
  /** The stack's status now. */
  readonly find: () => Promise<StackView | undefined>;
  readonly readPage: ReadPage;
  /** ISO 8601, by CloudFormation's clock: when the operation began. */
  readonly since: string;
  /** The status before it. Undefined: it is under way already. */
  readonly before: string | undefined;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Longest time in ms; what to throw then. */
  readonly limit: { readonly ms: number; readonly error: () => CliError };
  readonly onEvent: (event: ResourceEvent) => Promise<void>;
  readonly onLook: (tally: Tally, ms: number) => void;
  /** No answer since `ms`; following goes on. */
  readonly onSilence: (ms: number) => Promise<void>;
}

export interface Followed {
  /** Undefined: the stack is gone. */
  readonly stack: StackView | undefined;
  readonly events: readonly ResourceEvent[];
  readonly cause: Cause | undefined;
}

export async function follow(options: FollowOptions): Promise<Followed> {
  const { find, readPage, since, before, now, sleep, limit, onEvent, onLook, onSilence } = options;
  const reader = new EventReader(readPage, since);
  const startedAt = now();
  let silentSince: number | undefined;
  let looks = 0;
  let lastLooks = 0;

  const started = (stack: StackView | undefined): boolean =>
    before === undefined ||
    stack?.status !== before ||
    reader.all.some(({ ofStack, status }) => ofStack && isMoving(status)) ||
    looks > PATIENCE;

  for (;;) {
    try {
      const stack = await find();
      for (const event of await reader.look().catch(gone(stack))) await onEvent(event);
      silentSince = undefined;
      looks++;
      onLook(tally(reader.all), now() - startedAt);
      const over = stack === undefined || (!isMoving(stack.status) && started(stack));
      const last = reader.all.at(-1);
      const told = last === undefined || (last.ofStack && last.status === stack?.status);
      if (over && (told || ++lastLooks >= LAST_LOOKS))
        return { stack, events: reader.all, cause: firstCause(reader.all) };
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      silentSince ??= now();
      if (now() - silentSince > SILENCE_MS) throw error;
      await onSilence(now() - silentSince);
    }
    if (now() - startedAt > limit.ms) throw limit.error();
    await sleep(INTERVAL_MS);
  }
}

/** A deleted stack that is asked for by its name has no events any more. */
function gone(stack: StackView | undefined): (error: unknown) => ResourceEvent[] {
  return (error) => {
    if (stack === undefined) return [];
    throw error;
  };
}
