/** Options that say how an input file is read. */
import { type Command, Option } from 'commander';
import { usageError } from '../../errors.ts';
import type { InputOptions } from '../../input/input.ts';
import { numberOption } from './shared.ts';

export interface InputFlags {
  readonly format: InputOptions['format'];
  readonly idField?: string;
  readonly header?: true;
  readonly limit?: number;
}

const FORMATS = ['plain', 'openai', 'bedrock', 'csv'] as const satisfies readonly InputOptions['format'][];

export function addInputOptions(command: Command): void {
  command
    .addOption(
      new Option(
        '--format <format>',
        'what a line is: the record itself, an OpenAI or Bedrock batch line, a CSV row',
      )
        .choices(FORMATS)
        .default('plain'),
    )
    .option('--id-field <name>', 'field of each record that holds an ID of your own (plain)')
    .option('--header', 'the first line names the columns and is no record (csv)')
    .addOption(
      numberOption('--limit <n>', 'read the first n records only', { min: 1, max: Number.MAX_SAFE_INTEGER }),
    );
}

export function inputOptions(flags: InputFlags, maxRecordBytes: number): InputOptions {
  const { format, idField, header, limit } = flags;
  if (idField !== undefined && format !== 'plain')
    throw usageError(`--id-field is for --format plain, not ${format}`);
  if (header && format !== 'csv') throw usageError(`--header is for --format csv, not ${format}`);
  return {
    format,
    maxRecordBytes,
    ...(idField === undefined ? {} : { idField }),
    ...(header ? { header } : {}),
    ...(limit === undefined ? {} : { limit }),
  };
}
