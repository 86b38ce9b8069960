/** `status --watch`: looks until every job is final. It only watches: stopping it stops nothing else. */
import type { StatusPoll } from '../../client/status-poll.ts';
import { type Context, sameCommand } from '../../context.ts';
import { CliError } from '../../errors.ts';
import { EXIT } from '../../exit-codes.ts';
import {
  addCounts,
  type Counts,
  exitCodeFor,
  finalOf,
  isOver,
  NO_COUNTS,
  type SubmissionStatus,
} from '../../outcome.ts';
import { formatCount, formatDuration, shellQuote } from '../../ui/format.ts';
import { outcomeTable, progressLine } from '../../ui/outcome-text.ts';
import { showSubmissions } from '../../ui/status-view.ts';

/** All of them together. */
export function addUp(all: readonly SubmissionStatus[]): { counts: Counts; total: number } {
  return {
    counts: all.reduce((sum, { counts }) => addCounts(sum, counts), NO_COUNTS),
    total: all.reduce((sum, { total }) => sum + total, 0),
  };
}

/** The document (or line) that programs get. Fields are added, never renamed. */
export function describe(
  type: 'status' | 'progress' | 'result',
  submissions: readonly SubmissionStatus[],
  now: number,
): Record<string, unknown> {
  return { type, version: 1, time: new Date(now).toISOString(), ...addUp(submissions), submissions };
}

export interface WatchOptions {
  /** Seconds between two looks. */
  readonly interval: number;
  /** Seconds; undefined: for ever. */
  readonly timeout?: number;
}

/** How to go on watching: IDs that came from standard input are gone, so submissions are named. */
function watchAgain(context: Context, all: readonly SubmissionStatus[], fromStdin: boolean): string {
  if (!fromStdin) return sameCommand(context);
  return `batchml status ${all.map((one) => shellQuote(one.submissionId)).join(' ')} --watch`;
}

export async function watch(
  context: Context,
  poll: StatusPoll,
  { interval, timeout }: WatchOptions,
  fromStdin: boolean,
): Promise<number> {
  const { deps, terminal, progress, interrupts, json } = context;
  const startedAt = deps.now();
  const left = (): number =>
    timeout === undefined ? Number.POSITIVE_INFINITY : startedAt + timeout * 1000 - deps.now();
  let all = await poll.look();
  interrupts.onInterrupt(() => {
    progress.stop();
    terminal.say('no longer watching; the jobs go on. To watch again:');
    terminal.say(`  ${watchAgain(context, all, fromStdin)}`);
    terminal.say(
      `to stop them:\n  batchml cancel ${all.map((one) => shellQuote(one.submissionId)).join(' ')}`,
    );
  });
  const doneBefore = finalOf(addUp(all).counts);
  let told = '';
  for (;;) {
    const { counts, total } = addUp(all);
    const rate = { jobs: finalOf(counts) - doneBefore, ms: deps.now() - startedAt };
    const line = progressLine(counts, total, rate);
    const over = all.every(isOver);
    const state = JSON.stringify([counts, total]);
    if (state !== told && !over) {
      if (json) await terminal.json(describe('progress', all, deps.now()));
      else if (!terminal.animated) terminal.note(`${line}${stillOpen(all)}`);
    }
    told = state;
    if (over) break;
    progress.update(`${line}${stillOpen(all)}`);
    const wait = left();
    if (wait <= 0) throw timedOut(context, all, timeout ?? 0, fromStdin);
    await deps.sleep(Math.min(interval * 1000, wait), interrupts.signal);
    interrupts.signal.throwIfAborted();
    all = await poll.look();
  }
  progress.stop();
  return conclude(context, all, deps.now() - startedAt);
}

/** A submission that was never closed may get more jobs: the watch can't end. */
function stillOpen(all: readonly SubmissionStatus[]): string {
  const open = all.filter((one) => !one.partial && one.state === 'Open').map((one) => one.submissionId);
  return open.length === 0 ? '' : ` · still being sent: ${open.join(', ')}`;
}

function timedOut(
  context: Context,
  all: readonly SubmissionStatus[],
  seconds: number,
  fromStdin: boolean,
): CliError {
  const { counts, total } = addUp(all);
  return new CliError(`still running after ${formatDuration(seconds * 1000)}`, {
    code: 'timeout',
    exitCode: EXIT.running,
    why: `${formatCount(finalOf(counts))} of ${formatCount(total)} jobs are final; they go on`,
    next: [watchAgain(context, all, fromStdin)],
    data: { counts, total },
  });
}

async function conclude(context: Context, all: readonly SubmissionStatus[], ms: number): Promise<number> {
  const { terminal, json, deps } = context;
  const { counts } = addUp(all);
  if (json) await terminal.json(describe('result', all, deps.now()));
  else await showSubmissions(terminal, all);
  if (!json && !terminal.outIsTty && !terminal.quiet)
    terminal.note(await outcomeTable(counts, terminal.paint));
  terminal.note(`watched for ${formatDuration(ms)}`);
  const failed = all.filter((one) => one.counts.Failed > 0).map((one) => shellQuote(one.submissionId));
  if (failed.length > 0)
    terminal.note(
      `see why:  batchml results ${failed.join(' ')} --failed\nagain:    batchml retry ${failed.join(' ')}`,
    );
  return exitCodeFor(counts);
}
