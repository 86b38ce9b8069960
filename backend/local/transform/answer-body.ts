/**
 * Taking in the body of an answer, bounded in bytes. A small one is a text in memory; the rest of a large one goes to a
 * file as it comes, so that many large ones may be under way.
 */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { MB } from './mini-batches.ts';

/** Largest JSON text, or line, of an answer. It is held in memory while it is checked. */
export const MAX_TEXT_BYTES = 64 * MB;
/** Larger answers go to a file. */
const MEMORY_BYTES = MB;
/** So much of a refusal is read: it is quoted in part. */
const REFUSAL_BYTES = 64 * 1024;

/** What is known of an answer before it comes. */
export interface Expected {
  /** How many records it answers. */
  readonly records: number;
  /** A line for each record, as far as is known; else one JSON text. */
  readonly lines: boolean;
  /** Where a large one is put. */
  readonly file: string;
}

/** An answer in memory, or in a file. */
export type AnswerBody = { readonly text: string } | { readonly file: string };

/** An answer that can't be taken in. */
export class UnreadableError extends Error {}

/** The disk's fault, not the model's. */
export class DiskError extends Error {}

/** Reads a body whole. Where it fails no file is left. */
export async function readBody(
  body: AsyncIterable<Uint8Array>,
  expected: Expected | undefined,
): Promise<AnswerBody> {
  const measure = new Measure(expected);
  let parts: Uint8Array[] = [];
  let file: FileHandle | undefined;
  try {
    for await (const part of body) {
      measure.add(part);
      parts.push(part);
      if (!expected || measure.bytes <= MEMORY_BYTES) continue;
      file ??= await onDisk(() => open(expected.file, 'w', 0o600));
      await append(file, parts);
      parts = [];
    }
  } catch (error) {
    if (expected && file) await rm(expected.file, { force: true });
    throw error;
  } finally {
    await file?.close();
  }
  return expected && file ? { file: expected.file } : { text: decode(parts) };
}

/** The beginning of a refusal. */
export async function readRefusal(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    parts.push(part);
    bytes += part.length;
    if (bytes >= REFUSAL_BYTES) break;
  }
  return new TextDecoder().decode(Buffer.concat(parts).subarray(0, REFUSAL_BYTES));
}

/** A text by its bytes, which must be UTF-8; a byte order mark is left out. */
export function decode(parts: readonly Uint8Array[]): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(
      parts.length === 1 ? parts[0] : Buffer.concat(parts),
    );
  } catch {
    throw new UnreadableError("the model's answer is not UTF-8");
  }
}

async function append(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  await onDisk(async () => {
    for (const part of parts) await file.appendFile(part);
  });
}

async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new DiskError((error as Error).message);
  }
}

/** Counts an answer's bytes and lines, and says when it is too large. */
class Measure {
  bytes = 0;
  readonly #expected: Expected | undefined;
  #lines = 0;
  #lineFrom = 0;

  constructor(expected: Expected | undefined) {
    this.#expected = expected;
  }

  add(part: Uint8Array): void {
    const { records = 1, lines = false } = this.#expected ?? {};
    if (lines)
      for (let at = part.indexOf(10); at >= 0; at = part.indexOf(10, at + 1)) {
        this.#lines++;
        this.#lineFrom = this.bytes + at + 1;
      }
    this.bytes += part.length;
    if (this.bytes <= MAX_TEXT_BYTES) return;
    const most = `${MAX_TEXT_BYTES / MB} MB`;
    if (!lines) throw new UnreadableError(`the model's answer is over ${most}`);
    if (this.bytes - this.#lineFrom > MAX_TEXT_BYTES)
      throw new UnreadableError(`line ${this.#lines + 1} of the model's answer is over ${most}`);
    if (this.#lines > records)
      throw new UnreadableError(`the model answered over ${most}, in more lines than there are records`);
  }
}
