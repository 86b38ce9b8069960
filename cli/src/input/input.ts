/** What the readers of input files take and give: lines in, records or `file:line` problems out. */

/** How the lines of a file are read. */
export interface InputOptions {
  /**
   * `plain`: the line is the record. `openai`, `bedrock`: the line is an envelope, `body` or `modelInput` is the record.
   * `csv`: the line is a row.
   */
  readonly format: 'plain' | 'openai' | 'bedrock' | 'csv';
  /** `plain` only: the top-level field of the record that holds the job's custom ID. */
  readonly idField?: string;
  /** `csv` only: the first line that isn't blank names the columns and is no record. */
  readonly header?: boolean;
  /** `plain` only: the model is sent `text/csv`, so each record must be a string that holds a row. */
  readonly rows?: boolean;
  /** Only the first so many lines that aren't blank are read; what comes after isn't looked at. */
  readonly limit?: number;
  /** Most bytes of one record as it is sent (UTF-8): JSON text, for `csv` a JSON string. */
  readonly maxRecordBytes: number;
}

/** One line that can be sent. */
export interface InputRecord {
  /** The line's number in the file, from 1; blank lines count. */
  readonly line: number;
  readonly customId: string | undefined;
  /** JSON text as it stands in the file, never written anew; for `csv` the row as a JSON string. */
  readonly record: string;
}

/** What is wrong with one line. */
export interface InputProblem {
  readonly line: number;
  readonly message: string;
}

/** A file's bytes, in pieces of any size. */
export type ByteSource = AsyncIterable<Uint8Array>;

/** What of a line is its job: or a string that says what is wrong, or undefined when the line is blank. */
export type LineParser = (
  text: string,
) => { readonly customId: string | undefined; readonly record: string } | string | undefined;
