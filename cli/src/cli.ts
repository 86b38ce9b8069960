/** The command line as a function: arguments and a world in, exit code out. */
import { type Command, CommanderError } from 'commander';
import { readSpeech } from './commands/options/shared.ts';
import { parseEnvironment } from './config/environment.ts';
import type { Context } from './context.ts';
import type { Deps } from './deps.ts';
import { ClosedPipeError, InterruptedError, toCliError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { Interrupts } from './interrupts.ts';
import { createProgram } from './program.ts';
import { errorDocument, reportError } from './ui/error-report.ts';
import { Progress } from './ui/progress.ts';
import { Terminal } from './ui/terminal.ts';

/** @param argv without the program's own name */
export async function main(argv: readonly string[], deps: Deps): Promise<number> {
  const env = parseEnvironment(deps.env);
  const { json, quiet, noColor, debug } = readSpeech(argv);
  const terminal = new Terminal({ stdout: deps.stdout, stderr: deps.stderr, env, noColor, quiet });
  const progress = new Progress(terminal, deps.now);
  const interrupts = new Interrupts(deps);
  const context: Context = { deps, env, terminal, progress, interrupts, argv, json };
  let help = '';
  let code: number = EXIT.ok;
  try {
    const program = createProgram({
      start: async (run) => {
        code = await run(context);
      },
      print: (text) => {
        help += text;
      },
      columns: terminal.columns('out'),
    });
    await parse(() => program.parseAsync(effective(program, argv), { from: 'user' }));
    await terminal.data(help);
    await terminal.flush();
    return code;
  } catch (error) {
    progress.stop();
    // Whoever read our output has what they wanted.
    if (error instanceof ClosedPipeError) return EXIT.ok;
    const shown = toCliError(error);
    if (json) await terminal.json(errorDocument(shown)).catch(() => {});
    if (!json || debug) {
      if (!(shown instanceof InterruptedError)) reportError(terminal, shown, debug);
    }
    return shown.exitCode;
  } finally {
    progress.stop();
    interrupts.dispose();
    await terminal.flushMessages();
  }
}

/** What is parsed: nothing at all asks for help, and help of a command that isn't one is as wrong as that command. */
function effective({ commands }: Command, argv: readonly string[]): readonly string[] {
  if (argv.length === 0) return ['--help'];
  const [help, name] = argv.filter((word) => !word.startsWith('-'));
  if (help !== 'help' || name === undefined || name === 'help') return argv;
  const known = commands.some((command) => command.name() === name || command.aliases().includes(name));
  return known ? argv : [name];
}

/** Help and version end commander's parsing with an error that is none. */
async function parse(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CommanderError) || error.exitCode !== 0) throw error;
  }
}
