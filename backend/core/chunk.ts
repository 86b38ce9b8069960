/** A chunk: the part of a submission that one request carries; its limits, and its lines on the wire and in store. */
import { formatJobId } from './ids.ts';
import { csvRowProblem, formatInputLine } from './object-lines.ts';
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

const WIRE_LINE = /^\{"line":([1-9]\d{0,14})(?:,"customId":("(?:[^"\\]|\\.)*"))?,"record":/;

interface WireJob {
  line: number;
  customId: string | undefined;
  record: string;
}

function parseWireLine(text: string, index: number): WireJob {
  const match = WIRE_LINE.exec(text);
  if (match && text.endsWith('}')) {
    const record = text.slice(match[0].length, -1);
    try {
      JSON.parse(record);
      return {
        line: Number(match[1]),
        customId: match[2] === undefined ? undefined : (JSON.parse(match[2]) as string),
        record,
      };
    } catch {
      // Not canonical after all: the whole line is read below.
    }
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ChunkLineError(index, `not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ChunkLineError(index, 'must be an object with line, record and optionally customId');
  const { line, customId, record } = value as Record<string, unknown>;
  if (!Number.isSafeInteger(line) || (line as number) < 1)
    throw new ChunkLineError(index, '`line` must be a line number from 1');
  if (customId !== undefined && typeof customId !== 'string')
    throw new ChunkLineError(index, '`customId` must be a string');
  if (record === undefined) throw new ChunkLineError(index, '`record` is missing');
  return { line: line as number, customId, record: JSON.stringify(record) };
}

/**
 * Reads a chunk's body (NDJSON).
 * @throws ChunkLineError for the first line that can't be accepted
 */
export function parseChunk(
  submission: string,
  chunk: number,
  body: string,
  contentType: RecordFormat,
): ParsedChunk {
  const runs: [number, number][] = [];
  const customIds: (string | null)[] = [];
  let anyCustom = false;
  let lines = '';
  let jobs = 0;
  for (const [index, line] of body.split('\n').entries()) {
    if (line.trim() === '') continue;
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    const job = parseWireLine(text, index);
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
    lines += `${jobLine(contentType, formatJobId({ submission, chunk, index: jobs }), job.record, index)}\n`;
    jobs++;
  }
  return { directory: anyCustom ? { lines: runs, customIds } : { lines: runs }, lines, jobs };
}

/** JSON text on one line: raw line breaks can only be white space in it. */
function oneLine(json: string): string {
  return json.includes('\n') || json.includes('\r') ? json.replace(/[\r\n]+/g, ' ') : json;
}

/** A job's object line from its record (JSON text; for `text/csv` a JSON string that holds the row). */
export function jobLine(contentType: RecordFormat, id: string, record: string, index: number): string {
  if (contentType !== 'text/csv') return formatInputLine(contentType, id, oneLine(record));
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
