import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lines, records, World } from '../../support/run-cli.ts';

let world: World;
let ids: string;
beforeEach(async () => {
  world = await World.create();
  world.api.autoWork = 0;
  world.api.model = (record) =>
    record.includes('record 5"') ? { code: 'model_error', message: 'no\tgood' } : '1';
  await world.file('a.jsonl', records(700));
  ids = (await world.run(['submit', 'a.jsonl', '--submission-id', 'sub'])).stdout;
});
afterEach(() => world.dispose());

describe('batchml status', () => {
  it('shows the newest submission, tab-separated in a pipe', async () => {
    const { code, stdout } = await world.run(['status']);
    expect(code).toBe(0);
    expect(stdout).toBe('sub\tRunning\t700\t700\t0\t0\t0\t0\t2026-08-01T12:00:00.000Z\ta.jsonl\n');
  });

  it('shows a table on a terminal, with colours unless NO_COLOR', async () => {
    world.api.work(10);
    const coloured = await world.run(['status', 'sub'], { tty: true });
    expect(coloured.stdout).toMatch(/Submission.*State.*Jobs.*Queued/);
    expect(coloured.stdout).toContain('\u001b[31m1\u001b[39m');
    for (const plain of [
      await world.run(['status', 'sub'], { tty: true, env: { NO_COLOR: '1' } }),
      await world.run(['status', 'sub', '--no-color'], { tty: true }),
    ])
      expect(plain.stdout).not.toContain('\u001b');
  });

  it('says in its exit code that jobs failed', async () => {
    world.api.work(4);
    expect((await world.run(['status', 'sub'])).code).toBe(0);
    world.api.work(10);
    expect((await world.run(['status', 'sub'])).code).toBe(3);
  });

  it('gives one JSON document', async () => {
    world.api.work(10);
    const { stdout } = await world.run(['status', 'sub', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      type: 'status',
      version: 1,
      total: 700,
      counts: { Queued: 690, Processing: 0, Processed: 9, Failed: 1, Cancelled: 0 },
      submissions: [{ submissionId: 'sub', state: 'Running', partial: false }],
    });
  });

  it('shows single jobs', async () => {
    world.api.work(10);
    const { code, stdout } = await world.run(['status', 'sub.0.4', 'sub.1.0']);
    expect(code).toBe(3);
    expect(stdout).toBe('sub.0.4\tFailed\t5\t\tmodel_error: no good\nsub.1.0\tQueued\t501\t\t\n');
    const json = await world.run(['status', 'sub.0.4', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ counts: { Failed: 1 }, jobs: [{ jobId: 'sub.0.4' }] });
  });

  it('shows the result of a single job last in a pipe, as the model wrote it, and says on a terminal how to get it', async () => {
    world.api.model = () => '{"big":12345678901234567890}';
    world.api.work(1);
    const { stdout } = await world.run(['status', 'sub.0.0']);
    expect(stdout).toBe('sub.0.0\tProcessed\t1\t\t\t{"big":12345678901234567890}\n');
    expect((await world.run(['status', 'sub.0.1'])).stdout).toBe('sub.0.1\tQueued\t2\t\t\n');
    const json = await world.run(['status', 'sub.0.0', '--json']);
    expect(json.stdout).toContain('"result":{"big":12345678901234567890}}]}\n');
    expect(JSON.parse(json.stdout)).toMatchObject({ jobs: [{ jobId: 'sub.0.0' }] });
    const shown = await world.run(['status', 'sub.0.0'], { tty: true });
    expect(shown.stdout).not.toContain('big');
    expect(shown.stderr).toContain('its result: batchml results sub.0.0');
  });

  it('counts a long list of jobs by pages, without the other ones', async () => {
    world.api.work(300);
    const some = lines(ids).slice(100, 600);
    const { stdout } = await world.run(['status', '-', '--json'], { stdin: some.join('\n') });
    expect(JSON.parse(stdout)).toMatchObject({ total: 500, counts: { Processed: 200, Queued: 300 } });
  });

  it('says when there is nothing', async () => {
    world.api.submissions.clear();
    expect(await world.run(['status'])).toMatchObject({ code: 0, stdout: '' });
    expect(JSON.parse((await world.run(['status', '--json'])).stdout)).toMatchObject({ submissions: [] });
  });
});

describe('batchml status --watch', () => {
  it('tells each change in a pipe, and the end', async () => {
    world.api.autoWork = 250;
    const { code, stdout, stderr } = await world.run(['status', '-', '--watch'], { stdin: ids });
    expect(code).toBe(3);
    expect(stdout).toMatch(/^sub\tFinished\t700\t0\t0\t699\t1\t0\t/);
    expect(stderr).toContain('500/700 · 1 failed');
    expect(stderr).toContain('batchml results sub --failed');
  });

  it('draws one live line on a terminal', async () => {
    world.api.autoWork = 250;
    const { stdout, stderr } = await world.run(['status', 'sub', '--watch'], { tty: true });
    expect(stderr).toContain('\r\u001b[2K250/700 · 1 failed');
    expect(stdout).toContain('Finished');
  });

  it('writes JSON Lines, the result last', async () => {
    world.api.autoWork = 400;
    const { stdout } = await world.run(['status', 'sub', '--watch', '--json']);
    const told = lines(stdout).map((line) => JSON.parse(line));
    expect(told.map(({ type }) => type)).toEqual([...told.slice(1).map(() => 'progress'), 'result']);
    expect(told.at(-1)).toMatchObject({ version: 1, total: 700, counts: { Processed: 699, Failed: 1 } });
    expect(told.at(-1).time).toMatch(/^\d{4}-/);
  });

  it('gives up with 8 after --timeout, saying how to go on', async () => {
    const { code, stderr } = await world.run(['status', 'sub', '--watch', '--timeout', '0.01']);
    expect(code).toBe(8);
    expect(stderr).toContain('0 of 700 jobs are final; they go on');
    expect(stderr).toContain('next: batchml status sub --watch --timeout 0.01');
  });

  it('only stops watching on Ctrl-C', async () => {
    let asked = 0;
    world.api.faults = () => {
      if (++asked === 4) world.signal('SIGINT');
      return undefined;
    };
    const { code, stderr } = await world.run(['status', '-', '--watch'], { stdin: ids });
    expect(code).toBe(130);
    expect(stderr).toContain(
      'no longer watching; the jobs go on. To watch again:\n  batchml status sub --watch',
    );
    expect(stderr).toContain('batchml cancel sub');
  });

  it('watches selected jobs to their end', async () => {
    world.api.autoWork = 100;
    const { code, stdout } = await world.run(['status', 'sub.0.0', 'sub.1.0', '--watch', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(lines(stdout).at(-1) as string)).toMatchObject({ total: 2, counts: { Processed: 2 } });
  });

  it('goes on over an outage', async () => {
    world.api.autoWork = 300;
    let asked = 0;
    world.api.faults = () => {
      if (++asked % 2 === 0)
        throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } });
      return undefined;
    };
    expect((await world.run(['status', 'sub', '--watch'])).code).toBe(3);
  });

  it('wants --watch for --timeout', async () => {
    expect((await world.run(['status', '--timeout', '3'])).code).toBe(2);
  });
});
