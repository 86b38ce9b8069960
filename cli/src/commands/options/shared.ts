/** Options that every command takes, and the parsers of option values. */
import { type Command, InvalidArgumentError, Option } from 'commander';

/** How a command is to speak; read from the arguments before anything else, so that errors of usage obey it too. */
export interface Speech {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly noColor: boolean;
  readonly debug: boolean;
}

export function readSpeech(argv: readonly string[]): Speech {
  const end = argv.indexOf('--');
  const words = new Set(end === -1 ? argv : argv.slice(0, end));
  return {
    json: words.has('--json'),
    quiet: words.has('-q') || words.has('--quiet'),
    noColor: words.has('--no-color'),
    debug: words.has('--debug'),
  };
}

export function addSharedOptions(command: Command): void {
  command
    .option('--json', 'machine output on stdout, errors too')
    .option('-q, --quiet', 'say nothing on stderr but errors')
    .option('--no-color', 'no colours (as does NO_COLOR)')
    .option('--debug', 'show where an error came from');
}

export function addProfileOption(command: Command): void {
  command.option('--profile <name>', 'profile to use (default: BATCHML_PROFILE, else the active one)');
}

export function addDataDirOption(command: Command): void {
  command.option('--data-dir <dir>', 'data folder (default: BATCHML_HOME/data, else the XDG data folder)');
}

export interface NumberRange {
  /** @default 0 */
  readonly min?: number;
  /** It must be more than this; instead of `min`. */
  readonly above?: number;
  readonly max: number;
  /** Fractions are fine. @default false */
  readonly fractions?: boolean;
  /** Words that the option takes besides, which a refusal names. */
  readonly or?: readonly string[];
}

/** Parser of an option's number. */
export function numberIn({
  min = 0,
  above,
  max,
  fractions = false,
  or = [],
}: NumberRange): (text: string) => number {
  const kind = fractions ? 'a number' : 'a whole number';
  const start = above === undefined ? `from ${min}` : `above ${above}`;
  const range =
    max === Number.MAX_SAFE_INTEGER ? start : `${start}${above === undefined ? ' to' : ', up to'} ${max}`;
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (
      !(value >= min && value <= max && value > (above ?? -1)) ||
      !(fractions || Number.isSafeInteger(value))
    )
      throw new InvalidArgumentError(`It must be ${[`${kind} ${range}`, ...or].join(', or ')}.`);
    return value;
  };
}

/** An option that takes a number of a range. */
export function numberOption(flags: string, description: string, range: NumberRange): Option {
  return new Option(flags, description).argParser(numberIn(range));
}
