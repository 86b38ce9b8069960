/**
 * Lines of bytes that come in parts. They are split at byte 0x0A, so a line's place is exact whatever the bytes are; memory
 * is bounded by a part and one line. Where everything is ASCII or UTF-8, as nearly always, a part is decoded in one go.
 */
import { isUtf8 } from 'node:buffer';
import type { Output } from '../ports/transforms.ts';

export interface Line {
  /** Without its line break (`\n`, or `\r\n`); undefined where the bytes are not UTF-8. */
  readonly text: string | undefined;
  /** Byte at which it begins. */
  readonly at: number;
}

/** Splits bytes into lines; a final line break ends the last line. */
export class LineSplitter {
  #at = 0;
  /** The line that goes on in the next part. */
  #open: Uint8Array[] = [];
  #openBytes = 0;

  /** Bytes of the line that is not complete yet. */
  get openBytes(): number {
    return this.#openBytes;
  }

  /** Lines that are complete with these bytes. */
  push(bytes: Uint8Array): Line[] {
    const part = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const end = part.lastIndexOf(10) + 1;
    if (end === 0) {
      this.#keep(part);
      return [];
    }
    const lines = this.#lines(this.#openBytes === 0 ? part.subarray(0, end) : this.#joined(part, end));
    this.#keep(part.subarray(end));
    return lines;
  }

  /** The last line, where no line break ends it. */
  end(): Line[] {
    return this.#openBytes === 0 ? [] : this.#lines(this.#joined(Buffer.from('\n'), 1));
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#open.push(bytes);
    this.#openBytes += bytes.length;
  }

  #joined(part: Buffer, end: number): Buffer {
    const joined = Buffer.concat([...this.#open, part.subarray(0, end)]);
    this.#open = [];
    this.#openBytes = 0;
    return joined;
  }

  /** Lines of bytes that end with a line break. */
  #lines(bytes: Buffer): Line[] {
    const lines: Line[] = [];
    if (isUtf8(bytes)) {
      const whole = bytes.toString('utf8');
      const ascii = whole.length === bytes.length;
      for (let from = 0, to = whole.indexOf('\n'); to >= 0; from = to + 1, to = whole.indexOf('\n', from)) {
        const text = whole.slice(from, to);
        lines.push({ text: withoutReturn(text), at: this.#at });
        this.#at += (ascii ? text.length : Buffer.byteLength(text)) + 1;
      }
      return lines;
    }
    for (let from = 0, to = bytes.indexOf(10); to >= 0; from = to + 1, to = bytes.indexOf(10, from)) {
      const line = bytes.subarray(from, to);
      lines.push({ text: isUtf8(line) ? withoutReturn(line.toString('utf8')) : undefined, at: this.#at });
      this.#at += line.length + 1;
    }
    return lines;
  }
}

function withoutReturn(line: string): string {
  return line.charCodeAt(line.length - 1) === 13 ? line.slice(0, -1) : line;
}

/** Lines of bytes, some at a time. */
export async function* linesOfParts(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Line[]> {
  const splitter = new LineSplitter();
  for await (const part of parts) yield splitter.push(part);
  yield splitter.end();
}

/** Lines of an output object, some at a time. Blank ones are left out: no job's line is blank. */
export async function* outputLines(output: Pick<Output, 'read'>): AsyncGenerator<Line[]> {
  for await (const lines of linesOfParts(output.read()))
    yield lines.filter(({ text }) => text?.trim() !== '');
}
