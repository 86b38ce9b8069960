/** Commands are data: name, arguments, options, examples and what to do. Help derives from it. */
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addSharedOptions } from './options/shared.ts';

export interface CommandSpec<Options> {
  readonly name: string;
  readonly alias?: string;
  readonly summary: string;
  /** More than the summary, for `--help`. */
  readonly details?: string;
  /** Commander's syntax (`<file>`, `[ids...]`), and what it means. */
  readonly argument?: readonly [syntax: string, meaning: string];
  /** Adds the command's own options. */
  readonly options?: (command: Command) => void;
  /** A command line, and what it does. */
  readonly examples: readonly (readonly [commandLine: string, meaning: string])[];
  /** Does it; the exit code. */
  readonly run: (context: Context, args: readonly string[], options: Options) => Promise<number>;
}

export type Action = (run: (context: Context) => Promise<number>) => Promise<void>;

export interface CliCommand {
  /** Adds the command to the program; `start` is called when it was chosen. */
  readonly register: (program: Command, start: Action) => void;
}

function examplesText(examples: CommandSpec<unknown>['examples']): string {
  return `\nExamples:\n${examples.map(([line, meaning]) => `  # ${meaning}\n  $ ${line}`).join('\n')}\n`;
}

export function defineCommand<Options extends object>(spec: CommandSpec<Options>): CliCommand {
  return {
    register(program, start) {
      const command = program.command(spec.name).summary(spec.summary);
      command.description(spec.details === undefined ? spec.summary : `${spec.summary}\n\n${spec.details}`);
      if (spec.alias !== undefined) command.alias(spec.alias);
      if (spec.argument !== undefined) command.argument(...spec.argument);
      spec.options?.(command);
      addSharedOptions(command);
      command.addHelpText('after', examplesText(spec.examples));
      command.action(() => start((context) => spec.run(context, command.args, command.opts<Options>())));
    },
  };
}
