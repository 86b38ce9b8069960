/** The command tree, with help. */
import { Command } from 'commander';
import type { Action } from './commands/command.ts';
import { COMMANDS } from './commands/index.ts';
import { VERSION } from './version.ts';

const EXAMPLES = `
Examples:
  # a model server, a file of records, their results
  $ batchml run reviews.jsonl --model http://127.0.0.1:8080 > results.jsonl
  # the same with the pipeline as a server
  $ batchml local --model http://127.0.0.1:8080
  $ batchml submit reviews.jsonl | batchml results - --wait
`;

const EXIT_CODES = `
Exit codes:
  0 all good          1 failed          2 wrong usage or input           3 some jobs failed
  4 key or credentials refused          8 still running
  10 a dry run found differences        130 Ctrl-C (143 SIGTERM)
`;

export interface ProgramOptions {
  /** Called with the command that was chosen. */
  readonly start: Action;
  /** Help and version. */
  readonly print: (text: string) => void;
  readonly columns: number;
}

export function createProgram({ start, print, columns }: ProgramOptions): Command {
  const program = new Command('batchml')
    .description('Runs a model over many records: every record gets its result or its error.')
    .version(VERSION, '-V, --version', 'print the version')
    .option('--no-color', 'no colours (as does NO_COLOR)')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .configureHelp({ helpWidth: Math.min(columns, 110) })
    .configureOutput({ writeOut: print, writeErr: () => {}, outputError: () => {} })
    .exitOverride()
    .addHelpText('after', `${EXAMPLES}${EXIT_CODES}`);
  for (const command of COMMANDS) command.register(program, start);
  return program;
}
