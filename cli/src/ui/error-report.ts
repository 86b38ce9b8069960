/** How an error is shown: what failed, why, and what to do next, the most useful line last. */
import type { CliError } from '../errors.ts';
import { printableLines } from './printable.ts';
import type { Terminal } from './terminal.ts';

/** The document that `--json` prints on standard output when a command fails. */
export function errorDocument(error: CliError): Record<string, unknown> {
  return {
    error: {
      code: error.code,
      message: error.message,
      hint: error.why ?? null,
      next: error.next,
      ...error.data,
    },
  };
}

export function reportError(terminal: Terminal, error: CliError, debug: boolean): void {
  terminal.say(`${terminal.paint('red', 'error:')} ${printableLines(error.message)}`);
  for (const line of error.why === undefined ? [] : printableLines(error.why).split('\n'))
    terminal.say(`  ${line}`);
  for (const line of error.next) terminal.say(`  ${terminal.paint('dim', 'next:')} ${printableLines(line)}`);
  if (!debug) return;
  terminal.say(terminal.paint('dim', printableLines(error.stack ?? '')));
  if (error.cause instanceof Error)
    terminal.say(terminal.paint('dim', `caused by: ${printableLines(error.cause.stack ?? '')}`));
}
