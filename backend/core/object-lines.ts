/**
 * Lines of input and output objects. Each line of a batch's object carries its job's ID beside the record, so that a
 * result is filed by what it says of itself, never by where it stands.
 *
 * JSON:  in  `{"id":ID,"input":RECORD}`            out `{"id":ID,"SageMakerOutput":RESULT}`
 * CSV:   in  `ID,COLUMNS,record...`                out `ID,COLUMNS,record...,result...`
 *
 * That is what Batch Transform's data processing makes of them (JSON: InputFilter `$.input`, JoinSource Input,
 * OutputFilter `$['id','SageMakerOutput']`; CSV: InputFilter `$[2:]`, JoinSource Input). COLUMNS is the number of the
 * record's columns: without it, a result of several columns could not be told from the record.
 * Records and results are kept as their own text, so numbers and key order come back as they were.
 */
import type { RecordFormat } from './settings.ts';

/** The object's line (without line break) of one job. `record` is JSON text, or for `text/csv` the row's text. */
export function formatInputLine(contentType: RecordFormat, id: string, record: string): string {
  if (contentType !== 'text/csv') return `{"id":"${id}","input":${record}}`;
  return `${id},${splitCsvRow(record).length},${record}`;
}

/** What the model is sent of an object's line: the record's text. Throws when the line isn't an input line. */
export function recordOfInputLine(contentType: RecordFormat, line: string): string {
  if (contentType === 'text/csv') {
    const start = line.indexOf(',', line.indexOf(',') + 1);
    if (start < 0) throw new Error('not an input line');
    return line.slice(start + 1);
  }
  const start = line.indexOf(',"input":');
  if (start < 0) throw new Error('not an input line');
  return line.slice(start + 9, -1);
}

/** The output object's line (without line break) for an input line and the model's line for it. */
export function joinOutputLine(contentType: RecordFormat, inputLine: string, result: string): string {
  if (contentType === 'text/csv') return `${inputLine},${result}`;
  return `${inputLine.slice(0, inputLine.indexOf(',"input":'))},"SageMakerOutput":${result}}`;
}

const CANONICAL = /^\{"id":"([A-Za-z0-9_.-]+)","SageMakerOutput":/;

/** Job ID and result (JSON text) of an output object's line; undefined when the line isn't one. */
export function parseOutputLine(
  contentType: RecordFormat,
  line: string,
): { id: string; result: string } | undefined {
  if (contentType === 'text/csv') {
    const columns = splitCsvRow(line);
    const [id, count] = columns;
    if (id === undefined || count === undefined || !/^\d+$/.test(count)) return undefined;
    const result = columns.slice(2 + Number(count));
    return result.length === 0 ? undefined : { id, result: JSON.stringify(result.join(',')) };
  }
  const match = CANONICAL.exec(line);
  try {
    if (match) {
      const result = line.slice(match[0].length, -1);
      JSON.parse(result);
      return line.endsWith('}') ? { id: match[1] as string, result } : undefined;
    }
    const value = JSON.parse(line) as { id?: unknown; SageMakerOutput?: unknown } | null;
    if (typeof value?.id !== 'string' || value.SageMakerOutput === undefined) return undefined;
    return { id: value.id, result: JSON.stringify(value.SageMakerOutput) };
  } catch {
    return undefined;
  }
}

/**
 * Columns of a CSV row as they are written, quotes included (RFC 4180: a quoted column may hold commas and doubled
 * quotes). An unclosed quote runs to the end.
 */
export function splitCsvRow(row: string): string[] {
  if (!row.includes('"')) return row.split(',');
  const columns: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i < row.length; i++) {
    const char = row.charCodeAt(i);
    if (char === 34) quoted = !quoted;
    else if (char === 44 && !quoted) {
      columns.push(row.slice(start, i));
      start = i + 1;
    }
  }
  columns.push(row.slice(start));
  return columns;
}

/** Why a text can't be one CSV record of a line-split object, or undefined if it can. */
export function csvRowProblem(row: string): string | undefined {
  if (/[\r\n]/.test(row)) return 'a CSV record must be one line: a line break starts another record';
  if (row.includes('\0')) return 'a CSV record must not hold a NUL character';
  if (row.trim() === '') return 'a CSV record must not be empty';
  if ((row.match(/"/g)?.length ?? 0) % 2 === 1) return 'a quote is not closed';
  return undefined;
}

/** Lines of an object's text: split at `\n` only (U+2028 is data), a final line break ends the last line. */
export function linesOf(text: string): string[] {
  if (text === '') return [];
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}
