/** Options that say how an input file is read. */
import type { Settings } from '@batchml/backend/words';
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

/** What the records are for: checked before the file is opened, and then record by record. */
export interface Taken {
  readonly maxRecordBytes: number;
  /** What the model is sent; undefined where nobody knows. */
  readonly contentType: Settings['contentType'] | undefined;
  /** The API said so, not `--content-type`. */
  readonly byApi: boolean;
}

export function inputOptions(flags: InputFlags, taken: Taken): InputOptions {
  const { format, idField, header, limit } = flags;
  if (idField !== undefined && format !== 'plain')
    throw usageError(`--id-field is for --format plain, not ${format}`);
  if (header && format !== 'csv') throw usageError(`--header is for --format csv, not ${format}`);
  refuseMismatch(flags, taken);
  const rows = format === 'plain' && taken.contentType === 'text/csv';
  return {
    format,
    maxRecordBytes: taken.maxRecordBytes,
    ...(idField === undefined ? {} : { idField }),
    ...(header ? { header } : {}),
    ...(rows ? { rows } : {}),
    ...(limit === undefined ? {} : { limit }),
  };
}

/** Rows go to a model as text/csv, and nothing else does. */
function refuseMismatch({ format, idField }: InputFlags, { contentType, byApi }: Taken): void {
  if (contentType === undefined) return;
  if (format === 'csv' && contentType !== 'text/csv')
    throw usageError(
      byApi
        ? `--format csv doesn't go with this API, which sends its model ${contentType === 'auto' ? 'JSON' : contentType}`
        : `--format csv doesn't go with --content-type ${contentType}`,
      {
        why: 'rows are sent to a model as text/csv',
        next: byApi
          ? [...FOR_JSON, 'or start the API for rows: batchml local --content-type text/csv --model URL']
          : ['leave --content-type out', ...FOR_JSON.map((line) => `or ${line}`)],
      },
    );
  const json = idField === undefined ? `--format ${format}` : '--id-field';
  if (contentType === 'text/csv' && (idField !== undefined || format === 'openai' || format === 'bedrock'))
    throw usageError(
      byApi
        ? `${json} doesn't go with this API, which sends its model text/csv`
        : `${json} doesn't go with --content-type text/csv`,
      { why: 'its records are JSON objects, not rows', next: rowsNext(byApi) },
    );
}

const FOR_JSON = ['send JSON Lines: leave --format csv out'];

/** What to do about JSON records for a model that is sent rows. */
export function rowsNext(byApi: boolean): string[] {
  return [
    byApi
      ? 'for a model that takes JSON, start the API without --content-type text/csv'
      : 'for a model that takes JSON, leave --content-type text/csv out',
    'for a file of rows: --format csv',
  ];
}
