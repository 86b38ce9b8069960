/**
 * Progress on standard error. On a terminal: a spinner while a phase has no denominator, then one live line. Elsewhere:
 * a line for each phase and a heartbeat every 30 seconds.
 */
import type { Terminal } from './terminal.ts';

export const HEARTBEAT_MS = 30_000;
const FRAME_MS = 100;
const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';

export class Progress {
  private readonly terminal: Terminal;
  private readonly now: () => number;
  /** What is going on; empty when nothing is. */
  private text = '';
  private spinning = false;
  private frame = 0;
  private drawnAt = Number.NEGATIVE_INFINITY;
  private toldAt = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(terminal: Terminal, now: () => number) {
    this.terminal = terminal;
    this.now = now;
  }

  /** Something of unknown length begins. */
  phase(text: string): void {
    this.spinning = true;
    this.text = text;
    this.toldAt = this.now();
    if (!this.terminal.animated) this.terminal.note(text);
    this.draw();
    this.watch();
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
    this.terminal.drawLive(this.spinning ? `${FRAMES[this.frame]} ${this.text}` : this.text);
  }

  /** The next frame, or a sign of life. */
  private tick(): void {
    if (this.terminal.animated) {
      this.frame = (this.frame + 1) % FRAMES.length;
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
