import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { OutputStream } from '../../../cli/src/deps.ts';
import { Progress } from '../../../cli/src/ui/progress.ts';
import { Terminal } from '../../../cli/src/ui/terminal.ts';

const CLEAR = '\r\u001b[2K';

function terminalWith({ tty = false, quiet = false, columns = 40 }): {
  terminal: Terminal;
  text: () => string;
} {
  let text = '';
  const stream = (): OutputStream =>
    Object.assign(
      new Writable({
        write(chunk, _encoding, done) {
          text += chunk;
          done();
        },
      }),
      { isTTY: tty, columns },
    );
  const env = { noColor: true, ci: false, dumb: false };
  const terminal = new Terminal({ stdout: stream(), stderr: stream(), env, noColor: false, quiet });
  return { terminal, text: () => text };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('Progress', () => {
  it('off a terminal: a line for each phase, and a sign of life every 30 s', () => {
    const { terminal, text } = terminalWith({});
    const progress = new Progress(terminal, Date.now);
    progress.phase('waiting for the model');
    vi.advanceTimersByTime(29_000);
    expect(text()).toBe('waiting for the model\n');
    progress.update('5/10');
    vi.advanceTimersByTime(2000);
    expect(text()).toBe('waiting for the model\n5/10\n');
    vi.advanceTimersByTime(61_000);
    expect(text()).toBe('waiting for the model\n5/10\n5/10\n5/10\n');
    progress.stop();
    vi.advanceTimersByTime(100_000);
    expect(text().match(/5\/10/g)).toHaveLength(3);
  });

  it('on a terminal: a spinner, then one live line, cut to the width', async () => {
    const { terminal, text } = terminalWith({ tty: true, columns: 20 });
    let frames = 0;
    const spinner = {
      text: '',
      frame() {
        return `${frames++} ${this.text}`;
      },
    };
    const progress = new Progress(terminal, Date.now, async () => spinner);
    progress.phase('checking');
    expect(text()).toBe(`${CLEAR}checking`);
    await vi.advanceTimersByTimeAsync(100);
    expect(text()).toBe(`${CLEAR}checking${CLEAR}0 checking${CLEAR}1 checking`);
    vi.advanceTimersByTime(100);
    progress.update('1/10 · a long line that would wrap');
    vi.advanceTimersByTime(100);
    expect(text().endsWith(`${CLEAR}1/10 · a long line `)).toBe(true);
    terminal.note('a message');
    expect(text().endsWith(`${CLEAR}a message\n`)).toBe(true);
    progress.stop();
  });

  it('gets along with a terminal that does not know its width', () => {
    const { terminal, text } = terminalWith({ tty: true, columns: 0 });
    new Progress(terminal, Date.now).phase('checking the input');
    expect(text()).toContain('checking the input');
  });

  it('makes room for data on the same terminal', async () => {
    const { terminal, text } = terminalWith({ tty: true });
    terminal.drawLive('1/10');
    await terminal.data('{"line":1}\n');
    expect(text()).toBe(`${CLEAR}1/10${CLEAR}{"line":1}\n`);
  });

  it('says nothing when quiet', () => {
    const { terminal, text } = terminalWith({ tty: true, quiet: true });
    const progress = new Progress(terminal, Date.now);
    progress.phase('checking');
    progress.update('1/10');
    vi.advanceTimersByTime(60_000);
    expect(text()).toBe('');
  });
});
