/**
 * Progress on standard error. On a terminal: a spinner while a phase has no denominator, then one live line. Elsewhere:
 * a line for each phase and a heartbeat every 30 seconds.
 */
import type { Terminal } from './terminal.ts';

export const HEARTBEAT_MS = 30_000;
const REDRAW_MS = 100;

interface Spinner {
  text: string;
  start(): Spinner;
  stop(): Spinner;
  clear(): Spinner;
}

export class Progress {
  private readonly terminal: Terminal;
  private readonly now: () => number;
  private text = '';
  private spinner: Spinner | undefined;
  private phaseNumber = 0;
  private drawnAt = Number.NEGATIVE_INFINITY;
  private toldAt: number;
  private timer: NodeJS.Timeout | undefined;

  constructor(terminal: Terminal, now: () => number) {
    this.terminal = terminal;
    this.now = now;
    this.toldAt = now();
  }

  /** Something of unknown length begins. */
  phase(text: string): void {
    this.endSpinner();
    this.text = text;
    this.toldAt = this.now();
    this.tick();
    if (!this.terminal.animated) {
      this.terminal.note(text);
      return;
    }
    this.terminal.drawLive(text);
    const phase = ++this.phaseNumber;
    void this.spin(text, phase);
  }

  /** How far it is, with counts. `now`: draw even if the line was drawn a moment ago. */
  update(text: string, now = false): void {
    this.phaseNumber++;
    this.endSpinner();
    this.text = text;
    this.tick();
    if (this.terminal.animated) {
      if (!now && this.now() - this.drawnAt < REDRAW_MS) return;
      this.drawnAt = this.now();
      this.terminal.drawLive(text);
    } else this.beat();
  }

  /** Ends the live line or spinner; what was said stays. */
  stop(): void {
    this.phaseNumber++;
    this.endSpinner();
    this.terminal.clearLive();
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Says what is pending when nothing was said for 30 s. */
  private beat(): void {
    if (this.terminal.animated || this.text === '' || this.now() - this.toldAt < HEARTBEAT_MS) return;
    this.toldAt = this.now();
    this.terminal.note(this.text);
  }

  private tick(): void {
    if (this.timer !== undefined || this.terminal.animated) return;
    this.timer = setInterval(() => this.beat(), 1000);
    this.timer.unref();
  }

  private async spin(text: string, phase: number): Promise<void> {
    const { default: ora } = await import('ora');
    if (phase !== this.phaseNumber) return;
    this.terminal.lend(undefined);
    const spinner: Spinner = ora({
      text,
      stream: this.terminal.errorStream as NodeJS.WriteStream,
      discardStdin: false,
      isEnabled: true,
      ...(this.terminal.paint('bold', '') === '' ? { color: false } : {}),
    });
    spinner.start();
    this.spinner = spinner;
    this.terminal.lend(() => spinner.clear());
  }

  private endSpinner(): void {
    if (!this.spinner) return;
    this.spinner.stop();
    this.spinner = undefined;
    this.terminal.lend(undefined);
  }
}
