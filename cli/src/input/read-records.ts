/** A file's records and problems, a block at a time: one async step for hundreds of lines, and memory that stays flat. */
import { Buffer } from 'node:buffer';
import { MAX_CUSTOM_ID } from '@batchml/backend/words';
import { printable } from '../ui/printable.ts';
import { decodeLines, fileProblem, utf8Problem } from './decode-lines.ts';
import { IdTable } from './id-table.ts';
import type { ByteSource, InputOptions, InputProblem, InputRecord } from './input.ts';
import { lineBlocks } from './line-blocks.ts';
import { lineParser } from './parse-line.ts';
import { tooLong } from './problem-text.ts';

/** Records and problems of some lines, each in line order. */
interface RecordBlock {
  records: InputRecord[];
  problems: InputProblem[];
}

/** Room on an enveloped line for what isn't the record. */
const ENVELOPE_BYTES = 64 * 1024;

/**
 * Reads a source's records. Where blocks end depends on the source's pieces; their lines don't.
 * A line has one problem at most: the first found. Custom IDs are checked for duplicates over the whole source.
 */
export async function* readRecords(source: ByteSource, options: InputOptions): AsyncGenerator<RecordBlock> {
  const reader = new LineReader(options);
  if (reader.done) return;
  for await (const block of lineBlocks(source, reader.maxLineBytes)) {
    if (Buffer.isBuffer(block)) reader.readLines(decodeLines(block));
    else reader.readOverlong(block.overlong);
    const found = reader.take();
    if (found.records.length > 0 || found.problems.length > 0) yield found;
    if (reader.done) return;
  }
}

class LineReader {
  readonly maxLineBytes: number;
  readonly #maxRecordBytes: number;
  readonly #enveloped: boolean;
  readonly #parse: ReturnType<typeof lineParser>;
  readonly #ids = new IdTable();
  #line = 0;
  #left: number;
  #headerDue: boolean;
  #found: RecordBlock = { records: [], problems: [] };

  constructor(options: InputOptions) {
    this.#enveloped = options.format === 'openai' || options.format === 'bedrock';
    this.#maxRecordBytes = options.maxRecordBytes;
    this.maxLineBytes = options.maxRecordBytes + (this.#enveloped ? ENVELOPE_BYTES : 0);
    this.#parse = lineParser(options);
    this.#left = options.limit ?? Number.POSITIVE_INFINITY;
    this.#headerDue = options.format === 'csv' && options.header === true;
  }

  /** Whether as many records were read as there should be. */
  get done(): boolean {
    return this.#left <= 0;
  }

  /** What was found since the last call. */
  take(): RecordBlock {
    const found = this.#found;
    this.#found = { records: [], problems: [] };
    return found;
  }

  readOverlong(bytes: number): void {
    this.#line++;
    this.#problem(tooLong(this.#enveloped ? 'line' : 'record', bytes, this.maxLineBytes));
  }

  readLines(lines: readonly (string | Buffer)[]): void {
    for (const line of lines) {
      if (this.done) return;
      const bytes = bytesIfOver(line, this.maxLineBytes);
      if (bytes !== undefined) {
        this.readOverlong(bytes);
        continue;
      }
      this.#line++;
      const wrongFile = this.#line === 1 ? fileProblem(line) : undefined;
      if (wrongFile !== undefined) {
        // Every line of it is as wrong: it is said once.
        this.#problem(wrongFile);
        this.#left = 0;
      } else if (typeof line === 'string') this.#readText(line);
      else this.#problem(utf8Problem(line));
    }
  }

  #readText(text: string): void {
    const parsed = this.#parse(text);
    if (parsed === undefined) return;
    if (typeof parsed === 'string') this.#problem(parsed);
    else if (this.#headerDue) this.#headerDue = false;
    else {
      const problem = this.#recordProblem(parsed.record, parsed.customId);
      if (problem !== undefined) this.#problem(problem);
      else {
        this.#left--;
        this.#found.records.push({ line: this.#line, customId: parsed.customId, record: parsed.record });
      }
    }
  }

  #recordProblem(record: string, customId: string | undefined): string | undefined {
    const bytes = bytesIfOver(record, this.#maxRecordBytes);
    if (bytes !== undefined) return tooLong('record', bytes, this.#maxRecordBytes);
    return customId === undefined ? undefined : this.#idProblem(customId);
  }

  #idProblem(id: string): string | undefined {
    if (id === '') return 'the custom ID is empty';
    if (id.length > MAX_CUSTOM_ID)
      return `the custom ID is ${id.length} characters long; the limit is ${MAX_CUSTOM_ID}`;
    const before = this.#ids.use(id, this.#line);
    return before === undefined
      ? undefined
      : printable(`custom ID ${JSON.stringify(id)} was used on line ${before} already`);
  }

  #problem(message: string): void {
    // A bad header is said and counts as the header: what follows is still rows.
    if (this.#headerDue) this.#headerDue = false;
    else this.#left--;
    this.#found.problems.push({ line: this.#line, message });
  }
}

/** The size in UTF-8 if it is over the limit. */
function bytesIfOver(text: string | Buffer, limit: number): number | undefined {
  // No UTF-16 unit takes more than three bytes: short texts needn't be counted.
  if (typeof text === 'string' && text.length * 3 <= limit) return undefined;
  const bytes = Buffer.byteLength(text);
  return bytes > limit ? bytes : undefined;
}
