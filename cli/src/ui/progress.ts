/**
 * Progress on standard error. On a terminal: a spinner while a phase has no denominator, then one live line. Elsewhere:
 * a line for each phase and a heartbeat every 30 seconds.
 */
import type { Terminal } from './terminal.ts';

export const HEARTBEAT_MS = 30_000;
const FRAME_MS = 100;

/** What turns while there is nothing to count: its next frame, with the text behind it. */
export interface Spinner {
  text: string;
  frame(): string;
}

/**
 * ora's spinner, drawn by the terminal here. (ora's own drawing redraws for ever where a terminal says that it has no
 * columns, as `script` and some containers do.) Loaded only where something turns.
 */
async function loadOra(): Promise<Spinner> {
  const { default: ora } = await import('ora');
  return ora({ color: false, isEnabled: false });
}

export class Progress {
  private readonly terminal: Terminal;
  private readonly now: () => number;
  /** What is going on; empty when nothing is. */
  private text = '';
  private spinning = false;
  private spinner: Spinner | undefined;
  private readonly loadSpinner: () => Promise<Spinner>;
  private drawnAt = Number.NEGATIVE_INFINITY;
  private toldAt = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(terminal: Terminal, now: () => number, loadSpinner: () => Promise<Spinner> = loadOra) {
    this.terminal = terminal;
    this.now = now;
    this.loadSpinner = loadSpinner;
  }

  /** Something of unknown length begins. */
  phase(text: string): void {
    this.spinning = true;
    this.text = text;
    this.toldAt = this.now();
    if (!this.terminal.animated) this.terminal.note(text);
    this.draw();
    this.watch();
    if (this.terminal.animated && this.spinner === undefined) void this.turn();
  }

  /** How far it is, with counts. */
  update(text: string): void {
    if (this.text === '') this.toldAt = this.now();
    this.spinning = false;
    this.text = text;
    if (this.now() - this.drawnAt >= FRAME_MS) this.draw();
    this.watch();
  }

  /** Takes the live line off; what was said stays. */
  stop(): void {
    this.text = '';
    this.terminal.clearLive();
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private draw(): void {
    this.drawnAt = this.now();
    if (this.spinning && this.spinner) this.spinner.text = this.text;
    this.terminal.drawLive(this.spinning && this.spinner ? this.spinner.frame() : this.text);
  }

  /** Without a spinner the text alone does. */
  private async turn(): Promise<void> {
    this.spinner = await this.loadSpinner().catch(() => undefined);
    if (this.spinning && this.text !== '') this.draw();
  }

  /** The next frame, or a sign of life. */
  private tick(): void {
    if (this.terminal.animated) {
      this.draw();
    } else if (this.now() - this.toldAt >= HEARTBEAT_MS) {
      this.toldAt = this.now();
      this.terminal.note(this.text);
    }
  }

  private watch(): void {
    if (this.timer !== undefined || this.terminal.quiet) return;
    this.timer = setInterval(() => this.tick(), this.terminal.animated ? FRAME_MS : 1000);
    // Progress alone keeps no process alive.
    this.timer.unref();
  }
}
