/**
 * A segment: the texts of jobs of one chunk that one step ended, good and failed. Immutable, and named by its content, so that
 * writing it again changes nothing. Pure.
 *
 * As text: a line of JSON (which jobs, how long each result is, errors, places), then the results one after the other, so
 * that none of them is escaped or parsed.
 */
import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { JobError } from './job.ts';

/** Bytes `from` (inclusive) to `to` (exclusive) of an object. */
export interface ResultPlace {
  readonly object: string;
  readonly from: number;
  readonly to: number;
}

/** What is kept of an ended job: its result (JSON text), where that stands, or its error. */
export type Kept =
  /** `place`: where it may be left, should its segment be too large. */
  | { readonly result: string; readonly place?: ResultPlace | undefined }
  | { readonly place: ResultPlace }
  | { readonly error: JobError };

export interface KeptJob {
  readonly index: number;
  readonly kept: Kept;
}

export interface Segment {
  /** Its content's hash. */
  readonly id: string;
  readonly body: Uint8Array;
  readonly indexes: readonly number[];
}

export interface SegmentLimits {
  /** Most bytes of a segment, deflated. */
  readonly bytes: number;
  /** Results from this length on are left at their place where a segment would pass its limit. */
  readonly placeFrom: number;
}

/** Characters that are put into one segment at first; bounds what a reader inflates. */
const PART_CHARS = 1024 * 1024;
/** Where results are on average longer than this, deflating takes longer than it saves: only a limit asks for it. */
const DEFLATE_TO = 4096;

/** Before a text that isn't deflated: a block type that deflate has not (RFC 1951, 3.2.3). */
const PLAIN = Buffer.of(0b111);

interface HeadLine {
  /** Runs of results: `[first index, length, length, ...]`. */
  readonly r: readonly number[][];
  /** Runs of equal errors: `[first index, how many, code, message]`. */
  readonly e?: readonly (readonly [number, number, string, string])[];
  readonly p?: readonly (readonly [number, string, number, number])[];
}

/** Packs what is kept of jobs, in ascending order of their indexes, into segments within the limits. */
export function packSegments(jobs: readonly KeptJob[], limits: SegmentLimits): Segment[] {
  if (limits.bytes === Number.POSITIVE_INFINITY) return parts(jobs).map((part) => pack(part, limits));
  const some = leaving(jobs, PART_CHARS / 4);
  const whole = parts(some).map((part) => pack(part, limits));
  if (whole.length <= 1 && whole.every(({ body }) => body.length <= limits.bytes)) return whole;
  return parts(leaving(some, limits.placeFrom)).flatMap((part) => within(part, limits));
}

/** Results of `from` characters and more are left at their place, if they have one. */
function leaving(jobs: readonly KeptJob[], from: number): KeptJob[] {
  return jobs.map(({ index, kept }) => {
    const place = 'result' in kept && kept.result.length >= from ? kept.place : undefined;
    return { index, kept: place ? { place } : kept };
  });
}

function within(jobs: readonly KeptJob[], limits: SegmentLimits): Segment[] {
  const segment = pack(jobs, limits);
  if (segment.body.length <= limits.bytes || jobs.length === 1) return [segment];
  const count = Math.min(jobs.length, Math.ceil((1.2 * segment.body.length) / limits.bytes));
  const size = Math.ceil(jobs.length / Math.max(count, 2));
  const segments: Segment[] = [];
  for (let i = 0; i < jobs.length; i += size) segments.push(...within(jobs.slice(i, i + size), limits));
  return segments;
}

function parts(jobs: readonly KeptJob[]): KeptJob[][] {
  const all: KeptJob[][] = [];
  let chars = Number.POSITIVE_INFINITY;
  for (const job of jobs) {
    const size = 'result' in job.kept ? job.kept.result.length : 64;
    if (chars + size > PART_CHARS) {
      all.push([]);
      chars = 0;
    }
    all.at(-1)?.push(job);
    chars += size;
  }
  return all;
}

function pack(jobs: readonly KeptJob[], limits: SegmentLimits): Segment {
  const results: number[][] = [];
  const errors: [number, number, string, string][] = [];
  const places: [number, string, number, number][] = [];
  const texts: string[] = [];
  let next = -1;
  for (const { index, kept } of jobs) {
    if ('result' in kept) {
      texts.push(kept.result);
      if (index === next) results.at(-1)?.push(kept.result.length);
      else results.push([index, kept.result.length]);
      next = index + 1;
    } else if ('error' in kept) {
      const { code, message } = kept.error;
      const last = errors.at(-1);
      if (last && last[0] + last[1] === index && last[2] === code && last[3] === message) last[1]++;
      else errors.push([index, 1, code, message]);
    } else places.push([index, kept.place.object, kept.place.from, kept.place.to]);
  }
  const line: HeadLine = {
    r: results,
    ...(errors.length > 0 ? { e: errors } : {}),
    ...(places.length > 0 ? { p: places } : {}),
  };
  const text = Buffer.from(`${JSON.stringify(line)}\n${texts.join('')}`);
  const deflates = limits.bytes < Number.POSITIVE_INFINITY || text.length <= jobs.length * DEFLATE_TO;
  const body = deflates ? deflateRawSync(text, { level: 3 }) : Buffer.concat([PLAIN, text]);
  const id = createHash('sha256').update(text).digest('base64url').slice(0, 16);
  return { id, body, indexes: jobs.map(({ index }) => index) };
}

/** What a segment keeps, by job index. */
export function unpackSegment(body: Uint8Array): Map<number, Kept> {
  const text =
    body[0] === PLAIN[0]
      ? Buffer.from(body.buffer, body.byteOffset + 1, body.length - 1).toString()
      : inflateRawSync(body).toString();
  const end = text.indexOf('\n');
  const { r, e = [], p = [] } = JSON.parse(text.slice(0, end)) as HeadLine;
  const kept = new Map<number, Kept>();
  let at = end + 1;
  for (const [first = 0, ...lengths] of r)
    for (const [i, length] of lengths.entries()) {
      kept.set(first + i, { result: text.slice(at, at + length) });
      at += length;
    }
  for (const [first, count, code, message] of e)
    for (let i = 0; i < count; i++)
      kept.set(first + i, { error: { code: code as JobError['code'], message } });
  for (const [index, object, from, to] of p) kept.set(index, { place: { object, from, to } });
  return kept;
}
