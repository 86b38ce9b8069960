/** A chunk: the part of a submission that one request carries; its limits, and its lines on the wire and in store. */
import { formatJobId } from './ids.ts';
import { JsonTextError, membersOf, onOneLine, type Span, valueEnd } from './json-text.ts';
import { csvRowProblem, formatInputLine, withoutLineEnd } from './object-lines.ts';
import type { RecordFormat } from './settings.ts';

/** Most jobs of one chunk. */
export const MAX_CHUNK_JOBS = 500;
/** Most bytes of one chunk, as sent: Lambda takes 6 MB a request, and a binary body reaches it as base64. */
export const MAX_CHUNK_BYTES = 4 * 1024 * 1024;
/** Longest custom ID, in characters. */
export const MAX_CUSTOM_ID = 256;

/** What of a chunk is read to list its jobs: their line numbers, and custom IDs where there are any. */
export interface Directory {
  /** Runs of consecutive line numbers: [first line, how many]. */
  readonly lines: readonly (readonly [first: number, count: number])[];
  /** By job index; null where a job has none. Absent when none has. */
  readonly customIds?: readonly (string | null)[];
}

export interface ParsedChunk {
  readonly directory: Directory;
  /** The jobs' lines as they go into a batch's object, each ended by a line break. */
  readonly lines: string;
  readonly jobs: number;
}

/** A chunk's line that can't be accepted; `index` counts the body's lines from 0. */
export class ChunkLineError extends Error {
  readonly index: number;
  constructor(index: number, message: string) {
    super(`line ${index + 1} of the chunk: ${message}`);
    this.index = index;
  }
}

/** One job as the client sends it: NDJSON, `record` last so that its text can be taken as it is. */
export function formatWireLine(line: number, customId: string | undefined, record: string): string {
  const custom = customId === undefined ? '' : `,"customId":${JSON.stringify(customId)}`;
  return `{"line":${line}${custom},"record":${record}}`;
}

const WIRE_LINE = /^\{"line":([1-9]\d{0,14})(?:,"customId":"([ !#-[\]-~]*)")?,"record":(?=\S)/;

interface WireJob {
  line: number;
  customId: string | undefined;
  record: string;
}

/** A line as formatWireLine writes it, with a custom ID of plain ASCII; undefined for others, which may be fine as well. */
function canonicalWireLine(text: string): WireJob | undefined {
  const match = WIRE_LINE.exec(text);
  if (!match) return undefined;
  const from = match[0].length;
  const to = valueEnd(text, from);
  if (to !== text.length - 1 || !text.endsWith('}')) return undefined;
  return { line: Number(match[1]), customId: match[2], record: text.slice(from, to) };
}

function parseWireLine(text: string, index: number): WireJob {
  try {
    return canonicalWireLine(text) ?? wireJobOf(text, index, membersOf(text));
  } catch (error) {
    if (error instanceof JsonTextError) throw new ChunkLineError(index, error.message);
    throw error;
  }
}

function wireJobOf(text: string, index: number, members: Map<string, Span> | undefined): WireJob {
  if (!members)
    throw new ChunkLineError(index, 'must be an object with line, record and optionally customId');
  const textOf = (key: string): string | undefined => {
    const span = members.get(key);
    return span && text.slice(span.from, span.to);
  };
  const line = Number(textOf('line'));
  if (!Number.isSafeInteger(line) || line < 1)
    throw new ChunkLineError(index, '`line` must be a line number from 1');
  const customId = textOf('customId');
  if (customId !== undefined && !customId.startsWith('"'))
    throw new ChunkLineError(index, '`customId` must be a string');
  const record = textOf('record');
  if (record === undefined) throw new ChunkLineError(index, '`record` is missing');
  return { line, customId: customId === undefined ? undefined : (JSON.parse(customId) as string), record };
}

/** Whether a line is nothing but white space: it is passed over. */
export const isBlank = (line: string): boolean => line.charCodeAt(0) !== 123 && line.trim() === '';

/**
 * Reads the lines of a chunk's body (NDJSON).
 * @throws ChunkLineError for the first line that can't be accepted
 */
export function parseChunk(
  submission: string,
  chunk: number,
  body: readonly string[],
  contentType: RecordFormat,
): ParsedChunk {
  const runs: [number, number][] = [];
  const customIds: (string | null)[] = [];
  let anyCustom = false;
  const lines: string[] = [];
  let jobs = 0;
  for (const [index, line] of body.entries()) {
    if (isBlank(line)) continue;
    const job = parseWireLine(withoutLineEnd(line), index);
    const run = runs.at(-1);
    if (run && job.line < run[0] + run[1])
      throw new ChunkLineError(
        index,
        `\`line\` is ${job.line}, after ${run[0] + run[1] - 1}: lines must ascend`,
      );
    if (run && job.line === run[0] + run[1]) run[1]++;
    else runs.push([job.line, 1]);
    if (job.customId !== undefined && job.customId.length > MAX_CUSTOM_ID)
      throw new ChunkLineError(index, `\`customId\` is longer than ${MAX_CUSTOM_ID} characters`);
    customIds.push(job.customId ?? null);
    if (job.customId !== undefined) anyCustom = true;
    lines.push(jobLine(contentType, formatJobId({ submission, chunk, index: jobs }), job.record, index));
    jobs++;
  }
  const directory = anyCustom ? { lines: runs, customIds } : { lines: runs };
  return { directory, lines: jobs === 0 ? '' : `${lines.join('\n')}\n`, jobs };
}

/** A job's object line from its record (JSON text; for `text/csv` a JSON string that holds the row). */
export function jobLine(contentType: RecordFormat, id: string, record: string, index: number): string {
  if (contentType !== 'text/csv') return formatInputLine(contentType, id, onOneLine(record));
  const row: unknown = JSON.parse(record);
  if (typeof row !== 'string')
    throw new ChunkLineError(index, 'the pipeline takes text/csv: a record must be a string');
  const problem = csvRowProblem(row);
  if (problem !== undefined) throw new ChunkLineError(index, problem);
  return formatInputLine(contentType, id, row);
}

/** Line numbers by job index. */
export function lineNumbers(directory: Directory): number[] {
  return directory.lines.flatMap(([first, count]) => Array.from({ length: count }, (_, i) => first + i));
}
