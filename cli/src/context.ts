/** What every command gets: the world, and how it was asked to speak. */
import type { Environment } from './config/environment.ts';
import type { Deps } from './deps.ts';
import type { Interrupts } from './interrupts.ts';
import { shellQuote } from './ui/format.ts';
import type { Progress } from './ui/progress.ts';
import type { Terminal } from './ui/terminal.ts';

export interface Context {
  readonly deps: Deps;
  readonly env: Environment;
  readonly terminal: Terminal;
  readonly progress: Progress;
  readonly interrupts: Interrupts;
  /** Arguments as they were given, for "the same command again". */
  readonly argv: readonly string[];
  /** Machine output. */
  readonly json: boolean;
}

/** The command line as it was typed. */
export function sameCommand(context: Context): string {
  return ['batchml', ...context.argv].map(shellQuote).join(' ');
}
