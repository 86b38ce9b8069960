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
import { JsonTextError, membersOf, onOneLine, type Span, valueEnd } from './json-text.ts';
import type { RecordFormat } from './settings.ts';

/** The object's line (without line break) of one job. `record` is JSON text, or for `text/csv` the row's text. */
export function formatInputLine(contentType: RecordFormat, id: string, record: string): string {
  if (contentType !== 'text/csv') return `{"id":"${id}","input":${record}}`;
  return `${id},${splitCsvRow(record).length},${record}`;
}

const INPUT = ',"input":';

/** What the model is sent of an object's line: the record's text. Throws when the line isn't an input line. */
export function recordOfInputLine(contentType: RecordFormat, line: string): string {
  if (contentType === 'text/csv') {
    const start = line.indexOf(',', line.indexOf(',') + 1);
    if (start < 0) throw new Error('not an input line');
    return line.slice(start + 1);
  }
  return line.slice(inputStart(line), -1);
}

/** Where the record stands in a line that formatInputLine made: an ID needs no escapes, so the first such key is the line's own. */
function inputStart(line: string): number {
  const at = line.indexOf(INPUT);
  if (at < 0 || !line.endsWith('}')) throw new Error('not an input line');
  return at + INPUT.length;
}

/** The output object's line (without line break) for an input line and the model's line for it. */
export function joinOutputLine(contentType: RecordFormat, inputLine: string, result: string): string {
  if (contentType === 'text/csv') return `${inputLine},${result}`;
  return `${inputLine.slice(0, inputStart(inputLine) - INPUT.length)},"SageMakerOutput":${result}}`;
}

/** What an output object's line says. */
export interface OutputLine {
  readonly id: string;
  /** JSON text on one line. */
  readonly result: string;
  /** The character of the line at which `result` begins; absent when it doesn't stand there as it is (a CSV row, a line break in it). */
  readonly from?: number;
}

const CANONICAL = /^\{"id":"([A-Za-z0-9_.-]+)","SageMakerOutput":(?=\S)/;

/**
 * Job ID and result of an output object's line, with or without `\r` at its end; undefined when the line isn't one.
 * A result may be nested to any depth: it was paid for.
 */
export function parseOutputLine(contentType: RecordFormat, line: string): OutputLine | undefined {
  const text = withoutLineEnd(line);
  if (contentType === 'text/csv') return parseCsvOutputLine(text);
  try {
    return canonicalOutputLine(text) ?? outputOf(text, membersOf(text, Number.POSITIVE_INFINITY));
  } catch (error) {
    if (error instanceof JsonTextError) return undefined;
    throw error;
  }
}

function parseCsvOutputLine(line: string): OutputLine | undefined {
  const columns = splitCsvRow(line);
  const [id, count] = columns;
  if (id === undefined || count === undefined || !/^\d+$/.test(count)) return undefined;
  const result = columns.slice(2 + Number(count));
  return result.length === 0 ? undefined : { id, result: JSON.stringify(result.join(',')) };
}

function canonicalOutputLine(line: string): OutputLine | undefined {
  const match = CANONICAL.exec(line);
  if (!match) return undefined;
  const from = match[0].length;
  const to = valueEnd(line, from, Number.POSITIVE_INFINITY);
  const whole = to === line.length - 1 && line.endsWith('}');
  return whole ? resultAt(line, match[1] as string, { from, to }) : undefined;
}

function outputOf(line: string, members: Map<string, Span> | undefined): OutputLine | undefined {
  const id = members?.get('id');
  const result = members?.get('SageMakerOutput');
  if (!id || !result || line[id.from] !== '"') return undefined;
  return resultAt(line, JSON.parse(line.slice(id.from, id.to)) as string, result);
}

function resultAt(line: string, id: string, { from, to }: Span): OutputLine {
  const text = line.slice(from, to);
  const result = onOneLine(text);
  return result === text ? { id, result, from } : { id, result };
}

/** A text without the `\n`, `\r\n` or `\r` at its end, however many. */
export function withoutLineEnd(text: string): string {
  let end = text.length;
  while (end > 0 && (text[end - 1] === '\r' || text[end - 1] === '\n')) end--;
  return end === text.length ? text : text.slice(0, end);
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

/** What makes a text more or less than one CSV row on a line of its own, or undefined. */
export function csvRowProblem(row: string): string | undefined {
  if (row.trim() === '') return 'the row is empty';
  const end = row.search(/[\r\n]/);
  if (end >= 0)
    return `a ${row[end] === '\r' ? 'carriage return' : 'line break'} inside the row at column ${end + 1}`;
  const nul = row.indexOf('\0');
  if (nul >= 0) return `a NUL character inside the row at column ${nul + 1}`;
  if (row.includes('"') && !quotesClosed(row))
    return "a quote is not closed on this line (a quoted field can't contain a line break)";
  return undefined;
}

function quotesClosed(row: string): boolean {
  let quotes = 0;
  for (let at = row.indexOf('"'); at >= 0; at = row.indexOf('"', at + 1)) quotes++;
  return quotes % 2 === 0;
}

/** Lines of an object's text: split at `\n` only (U+2028 is data), a final line break ends the last line. */
export function linesOf(text: string): string[] {
  if (text === '') return [];
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}

/** Lines of a text that a model wrote, as `linesOf`: blank ones at its end are none. */
export function answeredLinesOf(text: string): string[] {
  const lines = linesOf(text);
  while (lines.at(-1)?.trim() === '') lines.pop();
  return lines;
}
