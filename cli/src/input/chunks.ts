/** A file's records as the chunks that carry them. The same content always makes the same chunks, so a rerun resends the same. */
import { Buffer } from 'node:buffer';
import { formatWireLine, MAX_CHUNK_BYTES, MAX_CHUNK_JOBS } from '@batchml/backend/words';
import type { ByteSource, InputOptions, InputProblem } from './input.ts';
import { readRecords } from './read-records.ts';

export interface InputChunk {
  /** The chunk's number in the submission, from 0. */
  readonly n: number;
  /** Wire lines (NDJSON), each ended by `\n`. */
  readonly body: Buffer<ArrayBuffer>;
  /** By the job's index in the chunk. */
  readonly jobs: readonly { readonly line: number; readonly customId: string | undefined }[];
}

/** A line that was fine when the file was checked is bad now: it was changed in between, and sending stops. */
export class InputChangedError extends Error {
  readonly line: number;
  constructor(problem: InputProblem) {
    super(`line ${problem.line}: ${problem.message} (the file changed after it was checked)`);
    this.name = 'InputChangedError';
    this.line = problem.line;
  }
}

/**
 * Cuts a source's records into chunks of at most MAX_CHUNK_JOBS jobs and MAX_CHUNK_BYTES bytes (UTF-8), each as full as
 * the next record allows. Where the source's pieces end doesn't matter.
 * @throws InputChangedError at the first block with a problem: the source should have been validated
 */
export async function* readChunks(source: ByteSource, options: InputOptions): AsyncGenerator<InputChunk> {
  let n = 0;
  let lines: string[] = [];
  let bytes = 0;
  let jobs: { line: number; customId: string | undefined }[] = [];
  const take = (): InputChunk => {
    const chunk = { n: n++, body: Buffer.from(lines.join('')), jobs };
    lines = [];
    bytes = 0;
    jobs = [];
    return chunk;
  };
  for await (const { records, problems } of readRecords(source, options)) {
    if (problems[0]) throw new InputChangedError(problems[0]);
    for (const { line, customId, record } of records) {
      const wire = `${formatWireLine(line, customId, record)}\n`;
      const size = Buffer.byteLength(wire);
      if (jobs.length === MAX_CHUNK_JOBS || (jobs.length > 0 && bytes + size > MAX_CHUNK_BYTES)) yield take();
      lines.push(wire);
      bytes += size;
      jobs.push({ line, customId });
    }
  }
  if (jobs.length > 0) yield take();
}
