/** A block of whole lines into texts. Bytes are checked a block at a time; only in a bad block line by line. */
import { Buffer, isAscii, isUtf8 } from 'node:buffer';

const LF = 10;
const CR = 13;
const REPLACEMENT = Buffer.from('\ufffd');

/** The lines of a block without their line ends (`\n` or `\r\n`); those that aren't UTF-8 stay bytes. */
export function decodeLines(block: Buffer): (string | Buffer)[] {
  // ASCII makes strings of one byte a character, which is half the memory and faster to parse.
  if (isAscii(block)) return splitLines(block.toString('latin1'));
  if (isUtf8(block)) return splitLines(block.toString('utf8'));
  const lines: (string | Buffer)[] = [];
  for (let start = 0; start < block.length; ) {
    const found = block.indexOf(LF, start);
    const next = found < 0 ? block.length : found;
    const end = next > start && block[next - 1] === CR ? next - 1 : next;
    const bytes = block.subarray(start, end);
    lines.push(isUtf8(bytes) ? bytes.toString('utf8') : bytes);
    start = next + 1;
  }
  return lines;
}

function splitLines(text: string): string[] {
  const lines = text.split('\n');
  if (lines[lines.length - 1] === '') lines.pop();
  // One search tells whether there is any CR at all: most files have none.
  if (!text.includes('\r')) return lines;
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string;
    if (line.charCodeAt(line.length - 1) === CR) lines[i] = line.slice(0, -1);
  }
  return lines;
}

/** What a file is whose first line shows that it is no UTF-8 text at all; undefined for others. */
export function fileProblem(firstLine: string | Buffer): string | undefined {
  const bytes = typeof firstLine === 'string' ? Buffer.from(firstLine.slice(0, 2)) : firstLine;
  if (bytes.length < 2) return undefined;
  const start = bytes.readUInt16BE(0);
  // Without a byte order mark, half of the bytes of UTF-16 are mostly zero.
  if (start === 0xfffe || start === 0xfeff || (bytes[0] === 0) !== (bytes[1] === 0))
    return 'the file is UTF-16: save it as UTF-8';
  if (start === 0x1f8b) return 'the file is compressed (gzip): unpack it first';
  return undefined;
}

/** Says where a line stops being UTF-8. */
export function utf8Problem(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  // Decoding puts U+FFFD where a byte is bad; the first that isn't written out in the bytes is the place.
  let at = 0;
  let offset = 0;
  for (;;) {
    const next = text.indexOf('\ufffd', at);
    offset += Buffer.byteLength(text.slice(at, next));
    if (bytes.compare(REPLACEMENT, 0, 3, offset, Math.min(offset + 3, bytes.length)) !== 0) {
      const byte = (bytes[offset] ?? 0).toString(16).toUpperCase().padStart(2, '0');
      return `not valid UTF-8 at column ${next + 1} (byte 0x${byte})`;
    }
    at = next + 1;
    offset += 3;
  }
}
