/** Bytes as text, where they are text. */
import { isAscii, isUtf8 } from 'node:buffer';

/** The text of UTF-8, without a byte order mark at its start; undefined where it isn't UTF-8. */
export function textOf(bytes: Buffer): string | undefined {
  // ASCII makes strings of one byte a character, which is half the memory and faster to go through.
  if (isAscii(bytes)) return bytes.toString('latin1');
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString('utf8');
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

/** Where lines begin in bytes whose lines each end with a line break; and the end of the last. */
export function lineStarts(bytes: Buffer): number[] {
  const starts = [0];
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) starts.push(at + 1);
  return starts;
}
