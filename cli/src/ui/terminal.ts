/**
 * The terminal: the one object that decides on colour and animation, and that everything is written through. Standard
 * output takes data only; messages, progress and tables about what happened go to standard error.
 */
import type { Environment } from '../config/environment.ts';
import type { OutputStream } from '../deps.ts';
import { printable, printableMessage } from './printable.ts';
import { Writer } from './writer.ts';

export interface TerminalOptions {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Pick<Environment, 'noColor' | 'ci' | 'dumb'>;
  /** `--no-color` was given. */
  readonly noColor: boolean;
  /** Only errors are said. */
  readonly quiet: boolean;
}

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;
export type Style = keyof typeof CODES;
export type Paint = (style: Style, text: string) => string;

function painter(enabled: boolean): Paint {
  return (style, text) => (enabled ? `\u001b[${CODES[style][0]}m${text}\u001b[${CODES[style][1]}m` : text);
}

const CLEAR_LINE = '\r\u001b[2K';
const LINE_UP = '\u001b[1A';

export class Terminal {
  /** Whether standard output is a terminal: tables for people, else lines for programs. */
  readonly outIsTty: boolean;
  /** Whether lines on standard error may be redrawn. */
  readonly animated: boolean;
  readonly quiet: boolean;
  /** Colours for standard output. */
  readonly paintOut: Paint;
  /** Colours for standard error. */
  readonly paint: Paint;
  private readonly out: Writer;
  private readonly err: Writer;
  private live = '';
  constructor({ stdout, stderr, env, noColor, quiet }: TerminalOptions) {
    this.out = new Writer(stdout);
    this.err = new Writer(stderr);
    this.quiet = quiet;
    this.outIsTty = stdout.isTTY === true;
    const colour = !noColor && !env.noColor && !env.dumb;
    this.paintOut = painter(colour && this.outIsTty);
    this.paint = painter(colour && stderr.isTTY === true);
    this.animated = stderr.isTTY === true && !env.ci && !env.dumb && !quiet;
  }

  /** Columns of standard error, or of standard output. A terminal that doesn't know says 0. */
  columns(stream: 'out' | 'err' = 'err'): number {
    return (stream === 'out' ? this.out : this.err).stream.columns || 80;
  }

  /** Data to standard output, at the reader's pace. Throws ClosedPipeError when nobody reads. */
  async data(text: string | Uint8Array): Promise<void> {
    if (this.outIsTty) this.clearLive();
    await this.out.write(text);
  }

  /** One JSON document or line to standard output. */
  async json(value: unknown): Promise<void> {
    await this.data(`${JSON.stringify(value)}\n`);
  }

  /** Resolves when standard output has taken everything. */
  async flush(): Promise<void> {
    await this.out.flush();
  }

  /** Resolves when standard error has taken everything, or nobody reads it. */
  async flushMessages(): Promise<void> {
    await this.err.flush().catch(() => {});
  }

  /** A message on standard error, unless `--quiet`. */
  note(text: string): void {
    if (!this.quiet) this.say(text);
  }

  /** A message on standard error, always: errors and what Ctrl-C does. */
  say(text: string): void {
    this.clearLive();
    this.err.tell(`${printableMessage(text)}\n`);
  }

  /** Draws the live line, or a block of a few; only on a terminal. */
  drawLive(text: string): void {
    if (!this.animated) return;
    const width = Math.max(10, this.columns() - 1);
    const block = text
      .split('\n')
      .map((line) => printable(line).slice(0, width))
      .join('\n');
    if (block === this.live) return;
    this.err.tell(`${this.erased()}${block}`);
    this.live = block;
  }

  clearLive(): void {
    if (this.live === '') return;
    this.err.tell(this.erased());
    this.live = '';
  }

  /** What takes the live block off: its last line, and upwards. */
  private erased(): string {
    return CLEAR_LINE + `${LINE_UP}${CLEAR_LINE}`.repeat(this.live.split('\n').length - 1);
  }
}
