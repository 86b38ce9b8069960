/**
 * What Batch Transform's data processing makes of an object's lines: InputFilter, JoinSource and OutputFilter, as far as its
 * documentation says. Filters are `$`, `$.name`, `$['a','b']` for JSON lines and `$[2:]`, `$[1]`, `$[0,2]` for CSV.
 */
import { linesOf, splitCsvRow } from '../../../../backend/core/object-lines.ts';

export interface DataProcessing {
  readonly InputFilter?: string | undefined;
  readonly OutputFilter?: string | undefined;
  readonly JoinSource?: string | undefined;
}

/** What of a line goes to the model. */
export function inputOf(line: string, csv: boolean, { InputFilter }: DataProcessing): string {
  return filter(line, csv, InputFilter ?? '$');
}

/** The output's line for an input line and the model's answer to it. */
export function outputOf(line: string, answer: string, csv: boolean, processing: DataProcessing): string {
  const { JoinSource, OutputFilter } = processing;
  if (JoinSource !== 'Input') return filter(answer, csv, OutputFilter ?? '$');
  if (csv) return filter(`${line},${answer}`, csv, OutputFilter ?? '$');
  const input: unknown = JSON.parse(line);
  const output: unknown = JSON.parse(answer);
  const joined =
    typeof input === 'object' && input !== null && !Array.isArray(input)
      ? { ...input, SageMakerOutput: output }
      : { SageMakerInput: input, SageMakerOutput: output };
  return filter(JSON.stringify(joined), csv, OutputFilter ?? '$');
}

function filter(line: string, csv: boolean, path: string): string {
  if (path === '$') return line;
  return csv ? filterCsv(line, path) : filterJson(line, path);
}

function filterJson(line: string, path: string): string {
  const value = JSON.parse(line) as Record<string, unknown>;
  const name = /^\$\.([A-Za-z_]\w*)$/.exec(path)?.[1];
  if (name !== undefined) return JSON.stringify(value[name]);
  const list = /^\$\[('[^']*'(?:,\s*'[^']*')*)\]$/.exec(path)?.[1];
  if (list === undefined) throw new Error(`the filter ${path} is not supported`);
  const names = list.split(/,\s*/).map((quoted) => quoted.slice(1, -1));
  return JSON.stringify(Object.fromEntries(names.map((each) => [each, value[each]])));
}

function filterCsv(line: string, path: string): string {
  const columns = splitCsvRow(line);
  const slice = /^\$\[(\d*):(\d*)\]$/.exec(path);
  if (slice) return columns.slice(Number(slice[1]), slice[2] ? Number(slice[2]) : undefined).join(',');
  const list = /^\$\[(\d+(?:,\s*\d+)*)\]$/.exec(path)?.[1];
  if (list === undefined) throw new Error(`the filter ${path} is not supported`);
  return list
    .split(',')
    .map((index) => columns[Number(index)])
    .join(',');
}

/** Lines of an object, as `SplitType: Line` takes them: blank ones are records too. */
export const recordsOf = (text: string): string[] => linesOf(text);
