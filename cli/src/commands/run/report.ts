/** What is said on standard error while a run goes on, and when it is over. */
import type { LocalEvent } from '@batchml/backend/local';
import type { SubmissionInfo } from '@batchml/backend/wire';
import type { ApiClient } from '../../client/client.ts';
import { readFailures } from '../../client/failures.ts';
import type { Context } from '../../context.ts';
import { formatDuration, shellQuote } from '../../ui/format.ts';
import { noteFailures, outcomeTable } from '../../ui/outcome-text.ts';
import { printable } from '../../ui/printable.ts';
import type { Terminal } from '../../ui/terminal.ts';

/** Failed steps that a run tells of. */
const MAX_STEPS_TOLD = 5;

/** Tells of what happens inside; everything for a server, only what explains a delay for a run. */
export function eventTeller(terminal: Terminal, everything: boolean): (event: LocalEvent) => void {
  let transformsFailed = 0;
  let stepsFailed = 0;
  const warn = (text: string): void => terminal.note(terminal.paint('yellow', text));
  const transformEnded = (name: string, status: string, reason: string | undefined): void => {
    const text = `transform job ${name}: ${status}${reason ? ` (${printable(reason)})` : ''}`;
    if (status === 'Completed') {
      if (everything) terminal.note(text);
      return;
    }
    // While bad records are isolated many fail: one line says what goes on.
    if (everything) warn(text);
    else if (transformsFailed++ === 0) warn(`${text}; what failed is tried again in smaller batches`);
  };
  return (event) => {
    switch (event.type) {
      case 'model-ready':
        terminal.note(`model ready: ${printable(event.model)} (after ${formatDuration(event.waitedMs)})`);
        break;
      case 'choice':
        terminal.note(`sending ${event.contentType}, ${event.batchStrategy}: ${printable(event.why)}`);
        break;
      case 'transform-started':
        if (everything) terminal.note(`transform job ${event.name} started (batches: ${event.batches})`);
        break;
      case 'transform-ended':
        transformEnded(event.name, event.status, event.reason);
        break;
      case 'step-failed':
        if (everything || stepsFailed++ < MAX_STEPS_TOLD)
          warn(`will be tried again (${event.bell}): ${printable(event.message)}`);
        break;
    }
  };
}

export interface RunReport {
  readonly info: SubmissionInfo;
  /** Undefined: its results were there already. */
  readonly took: { readonly jobs: number; readonly ms: number } | undefined;
  readonly output: string | undefined;
  /** The output can be read. */
  readonly keeps: boolean;
  /** The command that serves this run's data folder; undefined where the pipeline is deployed. */
  readonly serve?: readonly string[];
  /** Options that `batchml retry` needs. @default none */
  readonly again?: readonly string[];
}

/** The outcome table, the failures by message, and what to do about them. */
export async function reportRun(context: Context, client: ApiClient, report: RunReport): Promise<void> {
  const { terminal, json } = context;
  const { info, took, output, keeps, serve, again = [] } = report;
  if (json && output !== undefined)
    await terminal.json({
      submissionId: info.submissionId,
      state: info.state,
      total: info.total,
      counts: info.counts,
      output,
      seconds: took === undefined ? null : took.ms / 1000,
    });
  if (terminal.quiet) return;
  const { counts, submissionId } = info;
  terminal.note(`\n${await outcomeTable(counts, terminal.paint, took)}`);
  if (output !== undefined) terminal.note(`results: ${output}`);
  if (counts.Failed === 0) return;
  const { groups, looked } = await readFailures(client, submissionId);
  noteFailures(terminal, groups, looked, counts.Failed);
  const select = `jq -c 'select(.status == "Failed")'`;
  if (output !== undefined && keeps) terminal.note(`see them:  ${select} ${shellQuote(output)}`);
  const retry = ['batchml', 'retry', submissionId, ...again].map(shellQuote).join(' ');
  terminal.note(
    serve === undefined
      ? `try the failed ones again:\n  ${retry}`
      : `try the failed ones again: serve them, then, in another terminal, retry:\n  ${serve.map(shellQuote).join(' ')}\n  ${retry}`,
  );
}
