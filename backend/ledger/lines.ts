/** A chunk's lines and directory, wherever they are. */
import { inflateRawSync } from 'node:zlib';
import type { Directory } from '../core/chunk.ts';
import { lineStarts } from '../core/utf8.ts';
import { linesObject } from './accept.ts';
import type { Context } from './context.ts';
import type { FoundHead } from './heads.ts';
import { besideKey } from './keys.ts';

/** Object lines of jobs `from` to `to` (exclusive), each ended by a line break. */
export async function linesOfChunk(
  context: Context,
  { submission, n, row }: FoundHead,
  from: number,
  to: number,
): Promise<Buffer> {
  const { store, blobs, inline } = context;
  const whole = from === 0 && to === row.jobs;
  if (row.line !== undefined) return Buffer.from(row.line);
  if (row.bytes <= inline) {
    const item = await store.get(besideKey('l', submission, n, row.sha));
    if (!item) throw new Error(`the lines of chunk ${n} of ${submission} are missing in the store`);
    const bytes = bufferOf(item['body'] as Uint8Array);
    if (whole) return bytes;
    const starts = lineStarts(bytes);
    return bytes.subarray(starts[from], starts[to]);
  }
  const object = linesObject(submission, n, row.sha);
  if (whole) return bufferOf(await blobs.getBytes(object, 0, row.bytes));
  const item = await store.get(besideKey('z', submission, n, row.sha));
  if (!item) throw new Error(`the line sizes of chunk ${n} of ${submission} are missing in the store`);
  const [start, end] = bytesOf(inflateRawSync(item['body'] as Uint8Array), from, to);
  return bufferOf(await blobs.getBytes(object, start, end));
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function bytesOf(sizes: Buffer, from: number, to: number): [number, number] {
  let start = 0;
  for (let i = 0; i < from; i++) start += sizes.readUInt32LE(i * 4);
  let end = start;
  for (let i = from; i < to; i++) end += sizes.readUInt32LE(i * 4);
  return [start, end];
}

export async function directoryOf({ store }: Context, { submission, n, row }: FoundHead): Promise<Directory> {
  if (row.pin !== undefined) return { lines: [[1, 1]] };
  if (row.dir !== undefined) return JSON.parse(row.dir) as Directory;
  const item = await store.get(besideKey('d', submission, n, row.sha));
  if (!item) throw new Error(`the directory of chunk ${n} of ${submission} is missing in the store`);
  return JSON.parse(inflateRawSync(item['body'] as Uint8Array).toString()) as Directory;
}
