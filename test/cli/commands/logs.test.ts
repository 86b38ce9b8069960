import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FAKE_KEY } from '../../support/fake-api.ts';
import { FakeStackAws, STACK } from '../../support/fake-stack-aws.ts';
import { BARE, writeProfiles } from '../../support/profiles.ts';
import { lines, records, World } from '../../support/run-cli.ts';

let world: World;
let aws: FakeStackAws;
beforeEach(async () => {
  world = await World.create();
  aws = await FakeStackAws.start();
  await writeProfiles(world.dir, {
    prod: {
      endpoint: 'http://prod.test',
      key: FAKE_KEY,
      stack: STACK.name,
      region: STACK.region,
      account: STACK.account,
    },
    local: { endpoint: 'http://127.0.0.1:1', key: FAKE_KEY, dataDir: join(world.dir, 'data') },
    other: { endpoint: 'http://other.test', key: FAKE_KEY },
  });
});
afterEach(async () => {
  await world.dispose();
  await aws.stop();
});

const MINUTE = 60_000;
const entry = (message: string, facts: object = {}, level = 'INFO') => ({
  level,
  message,
  timestamp: 'x',
  service: 'batchml',
  stack: 'batchml',
  function_request_id: 'r',
  ...facts,
});

const logs = (args: readonly string[] = [], deps = {}) =>
  world.run(['logs', '--profile', 'prod', ...args], { env: BARE, deps: { aws: aws.deps, ...deps } });

/** Source and message of each line, for programs. */
const told = (stdout: string) =>
  lines(stdout)
    .map((line) => JSON.parse(line))
    // The last line of a command that was stopped says so.
    .filter(({ type }) => type === 'log')
    .map(({ source, entry: said, text }) => `${source}: ${said?.message ?? text}`);

describe('batchml logs of a stack', () => {
  it('merges the functions by time, and says the facts', async () => {
    const now = Date.now();
    aws.write('api', now - 4 * MINUTE, entry('one', { route: '/job', status: 200 }));
    aws.write('gather', now - 3 * MINUTE, entry('two', { bells: 3, reason: 'a "b" c' }));
    aws.write('api', now - 2 * MINUTE, entry('three', {}, 'ERROR'));
    aws.write('settle', now - MINUTE, 'Task timed out after 900.00 seconds\u001b[2J\n');
    const { code, stdout, stderr } = await logs();
    expect([code, stderr]).toEqual([0, 'reading the logs of stack batchml\n']);
    expect(lines(stdout)).toEqual([
      `${new Date(now - 4 * MINUTE).toISOString()} api    INFO  one route=/job status=200`,
      `${new Date(now - 3 * MINUTE).toISOString()} gather INFO  two bells=3 reason="a \\"b\\" c"`,
      `${new Date(now - 2 * MINUTE).toISOString()} api    ERROR three`,
      `${new Date(now - MINUTE).toISOString()} settle Task timed out after 900.00 seconds\\u001b[2J`,
    ]);
  });

  it('reads all pages, also after empty ones, and leaves out what says nothing', async () => {
    const now = Date.now();
    for (let i = 0; i < 9; i++) aws.write('start', now - 1000 + i, entry(`line ${i}`));
    for (const noise of [
      'START RequestId: r Version: $LATEST',
      'END RequestId: r',
      'INIT_START Runtime Version: nodejs:24',
      'REPORT RequestId: r Duration: 1 ms',
      { _aws: { CloudWatchMetrics: [] }, JobsFailed: 1 },
    ])
      aws.write('start', now - 500, noise);
    aws.write('start', now - 400, 'REPORT RequestId: r Duration: 900000 ms Status: timeout');
    const { stdout } = await logs(['--json']);
    expect(told(stdout)).toEqual([
      ...Array.from({ length: 9 }, (_, i) => `start: line ${i}`),
      'start: REPORT RequestId: r Duration: 900000 ms Status: timeout',
    ]);
    expect(JSON.parse(lines(stdout)[0] ?? '')).toMatchObject({ type: 'log', version: 1, source: 'start' });
  });

  it('goes back an hour, or as far as asked', async () => {
    const now = Date.now();
    for (const minutes of [5, 90, 60 * 30]) aws.write('api', now - minutes * MINUTE, entry(`${minutes}`));
    expect(told((await logs(['--json'])).stdout)).toEqual(['api: 5']);
    expect(told((await logs(['--json', '--since', '2h'])).stdout)).toEqual(['api: 90', 'api: 5']);
    expect(told((await logs(['--json', '--since', '2d'])).stdout)).toHaveLength(3);
    const time = new Date(now - 10 * MINUTE).toISOString();
    expect(told((await logs(['--json', '--since', time])).stdout)).toEqual(['api: 5']);
    const none = await logs(['--since', '1s']);
    expect(none).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('nothing since') });
  });

  it('gives the newest lines where there are too many', async () => {
    aws.pageEvents = 500;
    const now = Date.now();
    for (let i = 0; i < 3000; i++) aws.write(i % 2 ? 'api' : 'gather', now - 10_000 + i, entry(`${i}`));
    const { stdout, stderr } = await logs(['--json', '--limit', '5']);
    expect(told(stdout).map((line) => line.split(': ')[1])).toEqual(['2995', '2996', '2997', '2998', '2999']);
    expect(stderr).toContain('there are earlier ones');
  });

  it('--job finds lines of a job, its submission, a batch or a transform job, since it was sent', async () => {
    await world.file('a.jsonl', records(1));
    world.api.submissions.clear();
    await world.run(['submit', 'a.jsonl', '--submission-id', 's1', '--profile', 'prod'], { env: BARE });
    const now = Date.now();
    const made = '2026-08-01T12:00:00.000Z';
    world.api.faults = async (request) =>
      request.url.endsWith('/submissions/s1')
        ? Response.json({ submissionId: 's1', createdTime: made })
        : undefined;
    aws.write('api', Date.parse(made) + 1, entry('sent', { submission: 's1' }));
    aws.write('api', now - 3, entry('asked', { job: 's1.0.0' }));
    aws.write('api', now - 2, entry('another', { submission: 's2' }));
    aws.write('settle', now - 1, entry('split', { batch: 'b1.2.3' }));
    expect(told((await logs(['--json', '--job', 's1.0.0'])).stdout)).toEqual(['api: sent', 'api: asked']);
    expect(told((await logs(['--json', '--job', 's1'])).stdout)).toEqual(['api: sent']);
    expect(told((await logs(['--json', '--job', 'b1.2.3'])).stdout)).toEqual(['settle: split']);
    world.api.faults = () => new Response('down', { status: 500 });
    expect(told((await logs(['--json', '--job', 's1.0.0'])).stdout)).toEqual(['api: asked']);
  });

  it('--follow gives each line once as they come, late ones too, until Ctrl-C', async () => {
    const now = Date.now();
    aws.write('api', now - 5000, entry('before'));
    let turn = 0;
    const sleep = async () => {
      turn++;
      if (turn === 1) aws.write('api', now - 1000, entry('new'));
      if (turn === 2) aws.write('gather', now - 3000, entry('late'));
      if (turn === 3)
        aws.faults = (action) =>
          action.startsWith('logs')
            ? { code: 'ThrottlingException', status: 400, message: 'slow' }
            : undefined;
      if (turn === 4) {
        aws.faults = () => undefined;
        aws.write('api', now, entry('after the trouble'));
      }
      if (turn === 6) world.signal('SIGINT');
      await new Promise((resolve) => setTimeout(resolve, 1));
    };
    const { code, stdout, stderr } = await logs(['--json', '--follow'], { sleep });
    expect(code).toBe(130);
    expect(told(stdout)).toEqual(['api: before', 'api: new', 'gather: late', 'api: after the trouble']);
    expect(stderr).toContain('AWS does not answer; trying again');
    expect(stderr).toContain('no longer following');
  });

  it('says where there are none, and what AWS refuses', async () => {
    expect(await logs()).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /there are no logs of stack batchml[\s\S]*\/batchml\/batchml\/… in eu-west-1/,
      ),
    });
    aws.faults = () => ({ code: 'ExpiredTokenException', status: 400, message: 'the token is expired' });
    const { code, stdout } = await logs(['--json']);
    expect(code).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'credentials' } });
  });

  it.each([
    [['--since', 'yesterday'], '90s, 10m, 1h, 2d'],
    [['--job', 'a" || $.x = "'], 'the ID of a job'],
    [['--profile', 'other'], 'logs needs a deployed stack'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await logs(args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(aws.log).toEqual([]);
  });
});

describe('batchml logs of a pipeline on this machine', () => {
  const folder = () => join(world.dir, 'data/logs');
  const local = (args: readonly string[] = [], deps = {}) =>
    world.run(['logs', ...args], { env: BARE, deps });
  const write = async (name: string, text: string, minutesAgo = 0) => {
    await mkdir(folder(), { recursive: true });
    await writeFile(join(folder(), name), text);
    const time = new Date(Date.now() - minutesAgo * MINUTE);
    await utimes(join(folder(), name), time, time);
  };
  const T = '2026-08-01T12:00:00.000:[sagemaker logs]: ';

  it('prints the files of the data folder, the one that changed last at the end', async () => {
    await write('model.log', 'starting\nready\u001b[2J', 1);
    await write('batchml-1.log', `${T}b1: ClientError: 400\n`, 5);
    const { code, stdout } = await local();
    expect(code).toBe(0);
    expect(lines(stdout)).toEqual([
      `2026-08-01T12:00:00.000Z batchml-1 ${T}b1: ClientError: 400`,
      'model     starting',
      'model     ready\\u001b[2J',
    ]);
    expect(lines((await local(['--job', 'b1'])).stdout)).toHaveLength(1);
    expect(lines((await local(['--since', '2m'])).stdout)).toHaveLength(2);
    expect(lines((await local(['--limit', '1'])).stdout)).toEqual(['model ready\\u001b[2J']);
  });

  it('--follow goes on with whole lines, and with files that begin anew', async () => {
    await write('model.log', 'one\ntw');
    let turn = 0;
    const sleep = async () => {
      turn++;
      if (turn === 1) await write('model.log', 'one\ntwö\nthree\n');
      if (turn === 2) await write('model.log', 'anew\n');
      if (turn === 3) await write('later.log', 'other\n');
      if (turn === 4) world.signal('SIGINT');
    };
    const { code, stdout } = await local(['--follow', '--json'], { sleep });
    expect(code).toBe(130);
    expect(told(stdout)).toEqual(['model: one', 'model: twö', 'model: three', 'model: anew', 'later: other']);
  });

  it('reads the end of a long file only, from the start of a line', async () => {
    await write('model.log', `${'x'.repeat(2 << 20)}\nlast\n`);
    expect((await local()).stdout).toBe('model last\n');
  });

  it('says where there are none', async () => {
    expect(await local()).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('there are no logs in'),
    });
  });
});
