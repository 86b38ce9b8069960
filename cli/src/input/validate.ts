/** The pass over a file before anything is sent: how much there is, what is wrong, and the content's fingerprint. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { formatWireLine } from '@batchml/backend/words';
import type { ByteSource, InputOptions, InputProblem, InputRecord } from './input.ts';
import { readRecords } from './read-records.ts';
import { Sample } from './sample.ts';

export interface InputSummary {
  /** How many records can be sent. */
  readonly jobs: number;
  /** SHA-256 (hex) over the wire lines: the same content read the same way has the same fingerprint. */
  readonly content: string;
  /** Texts of up to three records far apart (as on the wire), short ones if there are any. */
  readonly sample: readonly string[];
  /** Bytes of the wire lines: what will be sent. */
  readonly bytes: number;
  /** The first few problems, in line order. */
  readonly problems: readonly InputProblem[];
  readonly problemCount: number;
}

const MAX_PROBLEMS = 20;

/** Reads a source once, to its end or `options.limit`, and sums it up. Doesn't reject for bad lines. */
export async function validateInput(source: ByteSource, options: InputOptions): Promise<InputSummary> {
  const hash = createHash('sha256');
  const sample = new Sample();
  const problems: InputProblem[] = [];
  let jobs = 0;
  let bytes = 0;
  let problemCount = 0;
  for await (const block of readRecords(source, options)) {
    jobs += block.records.length;
    problemCount += block.problems.length;
    for (const problem of block.problems) {
      if (problems.length === MAX_PROBLEMS) break;
      problems.push(problem);
    }
    for (const { record } of block.records) sample.add(record);
    const wire = Buffer.from(wireText(block.records));
    bytes += wire.length;
    hash.update(wire);
  }
  return { jobs, content: hash.digest('hex'), sample: sample.records(), bytes, problems, problemCount };
}

function wireText(records: readonly InputRecord[]): string {
  return records.map(({ line, customId, record }) => `${formatWireLine(line, customId, record)}\n`).join('');
}
