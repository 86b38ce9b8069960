/** Follows a stack and shows it; Ctrl-C ends the watching, not the work. */

import { hintFor } from '../../deploy/cause.ts';
import type { Change } from '../../deploy/changes.ts';
import { type Followed, follow } from '../../deploy/follow.ts';
import { type Operation, reached } from '../../deploy/stack-state.ts';
import { CliError } from '../../errors.ts';
import { EXIT } from '../../exit-codes.ts';
import { formatDuration } from '../../ui/format.ts';
import type { Session } from './session.ts';

export interface WatchOptions {
  /** Name, and ARN where it is known: only by that a deleted stack is found. */
  readonly stack: string;
  readonly id: string;
  /** "creating stack batchml". */
  readonly doing: string;
  /** ISO 8601, by CloudFormation's clock. */
  readonly since: string;
  readonly before: string | undefined;
  readonly timeout: number;
  readonly changes?: readonly Change[];
  /** The command that watches on. */
  readonly attach: string;
}

export function watchStack(session: Session, options: WatchOptions): Promise<Followed> {
  const { context, stacks, tell, call } = session;
  const { deps, interrupts } = context;
  const { stack, id, doing, since, before, timeout, changes, attach } = options;
  const readPage = stacks.eventPages(id);
  let silent = false;
  return call(doing, () =>
    follow({
      find: () => stacks.find(id),
      readPage,
      since,
      before,
      now: deps.now,
      sleep: async (ms) => {
        await deps.sleep(ms, interrupts.signal);
        interrupts.signal.throwIfAborted();
      },
      limit: {
        ms: timeout * 1000,
        error: () =>
          new CliError(`still ${doing} after ${formatDuration(timeout * 1000)}`, {
            code: 'timeout',
            exitCode: EXIT.running,
            why: 'CloudFormation goes on',
            next: [attach],
          }),
      },
      onEvent: (event) => {
        silent = false;
        return tell({ type: 'resource', stack, ...event });
      },
      onLook: (tally, ms) => void tell({ type: 'progress', doing, tally, total: changes?.length, ms }),
      onSilence: async () => {
        if (!silent)
          await tell({ type: 'note', text: 'no answer from CloudFormation; it goes on, and so do we' });
        silent = true;
      },
    }),
  )
    .catch((error: unknown) => {
      throw goesOn(session, error, attach);
    })
    .finally(() => context.progress.stop());
}

/** Whatever keeps us from watching doesn't keep CloudFormation from working. */
export function goesOn({ context, explain }: Session, error: unknown, attach: string): unknown {
  const shown = explain(error);
  if (context.interrupts.signal.aborted || !CliError.is(shown) || shown.next.includes(attach)) return shown;
  const { message, code, exitCode, why, next, data } = shown;
  return new CliError(message, {
    code,
    exitCode,
    why: `${why === undefined ? '' : `${why}\n`}CloudFormation goes on without us`,
    next: [...next, attach],
    data,
    cause: error,
  });
}

/** What Ctrl-C says while CloudFormation works. */
export function detachText(attach: string, cancel: string | undefined): string {
  const stop = cancel === undefined ? '' : `\nto stop it:\n  ${cancel}`;
  return `no longer watching; CloudFormation goes on. To watch again:\n  ${attach}${stop}`;
}

const FAILED: Readonly<Record<Operation, string>> = {
  create: 'making',
  update: 'updating',
  delete: 'deleting',
  rollback: 'rolling back',
};

/** Throws where the operation did not reach its goal: the first cause, and what to do. */
export function checkReached(
  { stack, events, cause }: Followed,
  operation: Operation,
  name: string,
  next: readonly string[],
): void {
  const status = stack?.status ?? 'DELETE_COMPLETE';
  if (reached(operation, status)) return;
  const hint = cause === undefined ? undefined : hintFor(cause.reason);
  throw new CliError(`${FAILED[operation]} stack ${name} failed: it is ${status}`, {
    code: 'stack_failed',
    why:
      cause === undefined
        ? (stack?.reason ?? 'its events say no more')
        : `${cause.id} (${cause.type}): ${cause.reason}`,
    next: [...(hint === undefined ? [] : [hint]), ...next],
    data: { status, cause: cause ?? null, events: events.length },
  });
}
