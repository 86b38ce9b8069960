/** Accept: check the lines, store them durably, answer with the job IDs, ring. */
import { createHash } from 'node:crypto';
import {
  ChunkLineError,
  isBlank,
  jobLine,
  MAX_CHUNK_BYTES,
  MAX_CHUNK_JOBS,
  parseChunk,
} from '../core/chunk.ts';
import { formatJobId, timedId } from '../core/ids.ts';
import { JsonTextError, spanOf } from '../core/json-text.ts';
import { csvRowProblem, withoutLineEnd } from '../core/object-lines.ts';
import type { Pin } from '../core/settings.ts';
import { textOf } from '../core/utf8.ts';
import type { Ports } from '../ports/index.ts';
import type { ChunkDraft, SubmissionDraft } from '../ports/ledger.ts';

/** A request that can't be accepted as it is; nothing was stored. */
export class RefusedError extends Error {
  readonly code: 'bad_record' | 'too_large' | 'conflict' | 'closed' | 'empty' | 'expired_id';
  constructor(code: RefusedError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** Bytes of room that a record's line needs around the record. */
const LINE_ROOM = 4096;

/** Largest record in bytes: what fits a request to the model and a chunk. */
export function maxRecordBytes(pin: Pin): number {
  const payload = (pin.settings.maxPayloadMb || 6) * 1024 * 1024;
  return Math.min(payload, MAX_CHUNK_BYTES - LINE_ROOM);
}

/** What is said of an ID whose time is over while something of it is still there. */
export const expiredMessage = (id: string): string =>
  `the ID ${id} was used before and its results have expired; it can be used again once all of it is deleted: take another ID`;

type AcceptPorts = Pick<Ports, 'ledger' | 'bells' | 'clock' | 'random'>;

/**
 * Accepts a chunk of a submission. Sending it again gives the same IDs.
 * @param pin what the submission is pinned to if this chunk is its first
 * @returns the job IDs, in the order of the chunk's lines
 * @throws RefusedError
 */
export async function acceptChunk(
  { ledger, bells, clock }: AcceptPorts,
  pin: Pin,
  submission: string,
  n: number,
  body: Buffer,
): Promise<string[]> {
  if (body.length > MAX_CHUNK_BYTES)
    throw new RefusedError(
      'too_large',
      `the chunk has ${body.length} bytes, the limit is ${MAX_CHUNK_BYTES}`,
    );
  const draft: SubmissionDraft = {
    id: submission,
    kind: 'batch',
    pin: (await ledger.pinOf(submission)) ?? pin,
    content: undefined,
    name: undefined,
    createdAt: clock.now(),
  };
  const text = decode(body);
  const lines = text.split('\n');
  const count = lines.reduce((sum, line) => (isBlank(line) ? sum : sum + 1), 0);
  if (count > MAX_CHUNK_JOBS)
    throw new RefusedError('too_large', `the chunk has ${count} records, the limit is ${MAX_CHUNK_JOBS}`);
  if (count === 0) throw new RefusedError('empty', 'the chunk has no records');
  const parsed = refusing(() => parseChunk(submission, n, lines, draft.pin.settings.contentType));
  const limit = maxRecordBytes(draft.pin);
  if (body.length > limit) checkRecordSizes(lines, limit);
  return store(
    { ledger, bells },
    {
      submission,
      n,
      sha256: createHash('sha256').update(body).digest('hex'),
      directory: parsed.directory,
      lines: parsed.lines,
      jobs: parsed.jobs,
      acceptedAt: clock.now(),
    },
    draft,
  );
}

/**
 * Accepts one job whose record is the whole body: a CSV row or JSON, by the pipeline's content type.
 * @param idempotencyKey the same key gives the same job
 * @throws RefusedError
 */
export async function acceptJob(
  { ledger, bells, clock, random }: AcceptPorts,
  pin: Pin,
  body: Buffer,
  idempotencyKey: string | undefined,
): Promise<string> {
  if (body.length > maxRecordBytes(pin))
    throw new RefusedError(
      'too_large',
      `the record has ${body.length} bytes, the limit is ${maxRecordBytes(pin)}`,
    );
  const text = decode(body);
  if (text.trim() === '') throw new RefusedError('empty', 'the body is empty: it must be one record');
  const now = clock.now();
  const id =
    idempotencyKey === undefined ? timedId('j', now, random()) : `j-${sha256(idempotencyKey).slice(0, 32)}`;
  const record = recordOfBody(pin, text);
  const jobId = formatJobId({ submission: id, chunk: 0, index: 0 });
  const line = refusing(() => jobLine(pin.settings.contentType, jobId, record, 0));
  const [accepted] = await store(
    { ledger, bells },
    {
      submission: id,
      n: 0,
      sha256: sha256(body),
      directory: { lines: [[1, 1]] },
      lines: `${line}\n`,
      jobs: 1,
      acceptedAt: now,
    },
    { id, kind: 'single', pin, content: undefined, name: undefined, createdAt: now },
  );
  return accepted as string;
}

/** The record as JSON text: a CSV row becomes a JSON string. */
function recordOfBody(pin: Pin, text: string): string {
  const { contentType } = pin.settings;
  if (contentType === 'text/csv') {
    const row = withoutLineEnd(text);
    const problem = csvRowProblem(row);
    if (problem !== undefined) throw new RefusedError('bad_record', problem);
    return JSON.stringify(row);
  }
  try {
    const { from, to } = spanOf(text);
    return text.slice(from, to);
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    const takes = contentType === 'auto' ? 'JSON' : contentType;
    throw new RefusedError('bad_record', `the body is ${error.message}; this pipeline takes ${takes}`);
  }
}

async function store(
  { ledger, bells }: Pick<Ports, 'ledger' | 'bells'>,
  chunk: ChunkDraft,
  draft: SubmissionDraft,
): Promise<string[]> {
  const outcome = await ledger.acceptChunk(chunk, draft);
  const { submission, n } = chunk;
  if (outcome === 'expired') throw new RefusedError('expired_id', expiredMessage(submission));
  if (outcome === 'conflict')
    throw new RefusedError(
      'conflict',
      draft.kind === 'single'
        ? 'another record was accepted with this Idempotency-Key'
        : `chunk ${n} of ${submission} was accepted with other content`,
    );
  if (outcome === 'closed')
    throw new RefusedError('closed', `submission ${submission} is closed: it takes no more chunks`);
  bells.ring({ kind: 'gather', submission, n });
  return Array.from({ length: chunk.jobs }, (_, index) => formatJobId({ submission, chunk: n, index }));
}

function decode(body: Buffer): string {
  const text = textOf(body);
  if (text === undefined) throw new RefusedError('bad_record', 'the body is not UTF-8');
  return text;
}

function refusing<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ChunkLineError) throw new RefusedError('bad_record', error.message);
    throw error;
  }
}

/** Only needed where the whole body is over the limit: no line of a smaller one can be. */
function checkRecordSizes(lines: readonly string[], limit: number): void {
  for (const [index, line] of lines.entries()) {
    const size = Buffer.byteLength(line);
    if (size > limit + LINE_ROOM)
      throw new RefusedError(
        'too_large',
        `line ${index + 1} of the chunk has ${size} bytes, a record may have ${limit}`,
      );
  }
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
