/**
 * Bytes into whole lines: what comes out ends where a line ends, so that the rest can work on text and needn't know
 * where the source's pieces had their borders. Memory is bounded by one piece and one line.
 */
import { Buffer } from 'node:buffer';
import type { ByteSource } from './input.ts';

/** A line too long to be kept: only its size is known (bytes, without its line end). */
interface OverlongLine {
  readonly overlong: number;
}

/** Whole lines, each ended by `\n` (only a file's last may lack it), or one line that was too long. */
type LineBlock = Buffer | OverlongLine;

const LF = 10;
const CR = 13;
/** A caller may pass a whole file as one piece: more than this isn't turned into text at once. */
const PIECE_BYTES = 256 * 1024;

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The source's bytes without a byte order mark at their start, in pieces of bounded size. */
async function* piecesOf(source: ByteSource): AsyncGenerator<Buffer> {
  let start: Buffer | undefined = Buffer.alloc(0);
  for await (const bytes of source) {
    let piece: Buffer = asBuffer(bytes);
    if (start !== undefined) {
      piece = start.length === 0 ? piece : Buffer.concat([start, piece]);
      if (piece.length < 3) {
        start = piece;
        continue;
      }
      start = undefined;
      piece = withoutBom(piece);
    }
    for (let at = 0; at < piece.length; at += PIECE_BYTES) yield piece.subarray(at, at + PIECE_BYTES);
  }
  if (start !== undefined && start.length > 0) yield start;
}

function withoutBom(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

/**
 * Cuts a source at line ends.
 * @param maxLineBytes a longer line may come as its size only; one that fitted a block all the same comes as it is, so
 *   the reader checks sizes once more
 */
export async function* lineBlocks(source: ByteSource, maxLineBytes: number): AsyncGenerator<LineBlock> {
  // The start of a line whose end hasn't come: its pieces, joined once when it has.
  let parts: Buffer[] = [];
  let size = 0;
  let dropped = false;
  let last = 0;

  const keep = (part: Buffer): void => {
    if (part.length === 0) return;
    size += part.length;
    last = part[part.length - 1] as number;
    // One byte more than allowed may be the CR of the line end.
    if (size > maxLineBytes + 1) dropped = true;
    if (dropped) parts = [];
    else parts.push(part);
  };
  const overlong = (): OverlongLine => ({ overlong: last === CR ? size - 1 : size });

  for await (const piece of piecesOf(source)) {
    let rest = piece;
    if (dropped) {
      const end = rest.indexOf(LF);
      keep(end < 0 ? rest : rest.subarray(0, end));
      if (end < 0) continue;
      yield overlong();
      rest = rest.subarray(end + 1);
      dropped = false;
      size = 0;
    }
    const end = rest.lastIndexOf(LF) + 1;
    if (end > 0) {
      parts.push(rest.subarray(0, end));
      yield parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
      parts = [];
      size = 0;
    }
    keep(rest.subarray(end));
  }
  if (dropped) yield overlong();
  else if (size > 0) yield Buffer.concat(parts);
}
