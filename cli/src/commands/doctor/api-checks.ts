/** Whether the API answers with the key, and whether its clock and ours agree. */
import { UnreachableError } from '../../client/api-errors.ts';
import type { Target } from '../../config/connection.ts';
import type { Context } from '../../context.ts';
import { orAborted } from '../../interrupts.ts';
import { formatDuration } from '../../ui/format.ts';
import { type Check, TooLongError, within } from './check.ts';
import { failed } from './machine-checks.ts';

/** AWS refuses signatures that are older or newer than five minutes. In ms. */
const MOST_SKEW_MS = 5 * 60_000;
/** The Date header has whole seconds, and travels. */
const USUAL_SKEW_MS = 30_000;

export interface ApiSaid {
  readonly check: Check;
  /** The other clock's time less ours, in ms; undefined where it wasn't said. */
  readonly skew: number | undefined;
}

/** One request, which changes nothing. */
export async function checkApi(context: Context, target: Target): Promise<ApiSaid> {
  const { deps, interrupts } = context;
  const name = 'api';
  const { endpoint } = target;
  const startedAt = deps.now();
  try {
    const key = await target.key();
    const answer = await within(context, (signal) =>
      orAborted(
        deps.fetch(new Request(`${endpoint}/settings`, { headers: { 'x-api-key': key }, signal })),
        signal,
      ),
    );
    const endedAt = deps.now();
    const skew = skewOf(answer.headers.get('date'), startedAt, endedAt);
    return { check: judge(name, endpoint, answer, endedAt - startedAt), skew };
  } catch (error) {
    interrupts.signal.throwIfAborted();
    const unreachable =
      error instanceof TooLongError
        ? { name, status: 'fail' as const, detail: `${endpoint}: ${error.message}` }
        : failed(name, UnreachableError.from(endpoint, error) ?? error);
    const next = target.local
      ? 'start it: batchml local --model URL'
      : 'see whether it is deployed: batchml deploy --dry-run';
    return {
      check: {
        ...unreachable,
        next: unreachable.next === undefined || !target.local ? next : unreachable.next,
      },
      skew: undefined,
    };
  }
}

function judge(name: string, endpoint: string, { status, headers }: Response, ms: number): Check {
  if (status === 200 && (headers.get('content-type') ?? '').includes('json'))
    return { name, status: 'ok', detail: `${endpoint} answers (${formatDuration(ms)})` };
  if (status === 403)
    return {
      name,
      status: 'fail',
      detail: `${endpoint} refuses the API key`,
      next: 'have the key of a deployed stack fetched again: batchml deploy --attach',
    };
  return {
    name,
    status: 'fail',
    detail: `${endpoint} answered ${status}: this is not a batchml API, or it is in trouble`,
    next: 'see what it says: batchml logs',
  };
}

/** The other clock stood at its time somewhere between question and answer. */
export function skewOf(
  date: string | null | undefined,
  askedAt: number,
  answeredAt: number,
): number | undefined {
  const time = Date.parse(date ?? '');
  // It says whole seconds, cut off.
  return Number.isNaN(time) ? undefined : time + 500 - (askedAt + answeredAt) / 2;
}

/** @param from whose clock it is */
export function checkClock(skew: number | undefined, from: string): Check {
  const name = 'clock';
  if (skew === undefined) return { name, status: 'skip', detail: 'nobody said what time it is' };
  const off = Math.abs(skew);
  if (off <= USUAL_SKEW_MS) return { name, status: 'ok', detail: `as that of ${from}` };
  const detail = `${formatDuration(off)} ${skew > 0 ? 'behind' : 'ahead of'} that of ${from}`;
  const next = 'set the clock of this machine';
  if (off <= MOST_SKEW_MS) return { name, status: 'warn', detail, next };
  return { name, status: 'fail', detail: `${detail}; AWS refuses requests beyond five minutes`, next };
}
