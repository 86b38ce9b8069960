/** What is seen while CloudFormation works: a live block on a terminal, lines and a heartbeat elsewhere. */
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { tally } from '../../../cli/src/deploy/stack-events.ts';
import { DeployView } from '../../../cli/src/ui/deploy-view.ts';
import { Progress } from '../../../cli/src/ui/progress.ts';
import { Terminal } from '../../../cli/src/ui/terminal.ts';

let now = 0;
beforeEach(() => {
  now = 0;
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

function viewOn(isTTY: boolean) {
  const written: string[] = [];
  const stream = () =>
    Object.assign(
      new Writable({
        write(chunk, _encoding, done) {
          written.push(String(chunk));
          done();
        },
      }),
      { isTTY, columns: 80 },
    );
  const env = { noColor: true, ci: false, dumb: false };
  const terminal = new Terminal({ stdout: stream(), stderr: stream(), env, noColor: true, quiet: false });
  const progress = new Progress(terminal, () => now);
  return { view: new DeployView({ terminal, progress, json: false, now: () => now }), progress, written };
}

const event = (id: string, status: string) => ({
  eventId: `${id} ${status}`,
  time: '2026-08-01T12:00:00.000Z',
  id,
  resourceType: 'AWS::SQS::Queue',
  status,
  reason: '',
  ofStack: false,
});
const pending = (ids: readonly string[]) => tally(ids.map((id) => event(id, 'CREATE_IN_PROGRESS')));
const progressNews = (ids: readonly string[]) =>
  ({ type: 'progress', doing: 'making batchml', tally: pending(ids), total: 10, ms: now }) as const;

describe('on a terminal', () => {
  it('is a block that is redrawn in place, under the lines of what has ended', async () => {
    const { view, written, progress } = viewOn(true);
    now = 1000;
    await view.tell(progressNews(['A', 'B']));
    expect(written.join('')).toContain(
      'making batchml · 0/10 resources · 1.0 s\n  CREATE_IN_PROGRESS    A (SQS::Queue)\n',
    );
    written.length = 0;
    now = 2000;
    await view.tell({ ...event('A', 'CREATE_IN_PROGRESS'), type: 'resource', stack: 'batchml' });
    expect(written).toEqual([]);
    await view.tell({ ...event('A', 'CREATE_COMPLETE'), type: 'resource', stack: 'batchml' });
    // Three lines go: the block's own, and two above it.
    expect(written.join('').match(/\[2K/g)).toHaveLength(3);
    expect(written.join('')).toContain('12:00:00  CREATE_COMPLETE       A (SQS::Queue)\n');
    now = 3000;
    written.length = 0;
    await view.tell(progressNews(['C', 'D', 'E', 'F', 'G', 'H', 'I', 'J']));
    expect(written.join('')).toContain('  and 2 more');
    progress.stop();
  });
});

describe('elsewhere', () => {
  it('is a line for each change, and every 30 seconds one that says what is waited for', async () => {
    const { view, written, progress } = viewOn(false);
    await view.tell({ ...event('A', 'CREATE_IN_PROGRESS'), type: 'resource', stack: 'batchml' });
    expect(written).toEqual(['12:00:00  CREATE_IN_PROGRESS    A (SQS::Queue)\n']);
    await view.tell(progressNews(['A', 'B', 'C', 'D']));
    now = 29_000;
    vi.advanceTimersByTime(29_000);
    expect(written).toHaveLength(1);
    now = 31_000;
    vi.advanceTimersByTime(2_000);
    expect(written.slice(1)).toEqual([
      'making batchml · 0/10 resources · waiting for A, B, C and 1 more · 0.0 s\n',
    ]);
    progress.stop();
  });
});
