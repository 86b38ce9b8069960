import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { records, World } from '../../support/run-cli.ts';

let world: World;
beforeEach(async () => {
  world = await World.create();
});
afterEach(() => world.dispose());

const MODEL = ['--model', 'http://127.0.0.1:8080/'];
/** Nothing in the environment but the home folder. */
const BARE = { BATCHML_ENDPOINT: undefined, BATCHML_API_KEY: undefined };

/** Starts the server, stops it when it is ready. */
async function serve(args: readonly string[] = [], env: Record<string, string> = {}) {
  const running = world.run(['local', ...MODEL, ...args], { env: { ...BARE, ...env } });
  while (!world.local.calls.some((call) => call.startsWith('prepare'))) {
    if ((await Promise.race([running, new Promise((resolve) => setImmediate(resolve))])) !== undefined) break;
  }
  world.signal('SIGINT');
  return running;
}

describe('batchml local', () => {
  it('serves until Ctrl-C, with a key of its own and a profile', async () => {
    const { code, stdout, stderr } = await serve();
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toContain('http://127.0.0.1:8117 serves http://127.0.0.1:8080');
    expect(stderr).toContain('batchml submit FILE');
    expect(stderr).toContain('stopping; accepted jobs are kept');
    expect(world.local.calls).toEqual(['open', 'listen 8117', 'start all', 'prepare 0', 'close']);
    const dataDir = join(world.dir, '.local/share/batchml');
    expect(world.local.options?.dataDir).toBe(dataDir);
    for (const file of [join(dataDir, 'api-key'), join(world.dir, '.config/batchml/profiles.json')])
      expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('keeps its key, and its profile is used by the other commands', async () => {
    await serve(['--port', '9000']);
    const key = world.local.options?.apiKey as string;
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    await serve(['--port', '9001']);
    expect(world.local.options?.apiKey).toBe(key);
    expect(await world.run(['key'], { env: BARE })).toMatchObject({ code: 0, stdout: `${key}\n` });
    await world.file('a.jsonl', records(3));
    const submitted = await world.run(['submit', 'a.jsonl'], { env: BARE });
    expect(submitted).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('sending to http://127.0.0.1:9001'),
    });
    const { stdout } = await world.run(['info', '--json'], { env: BARE });
    expect(JSON.parse(stdout)).toMatchObject({
      endpoint: 'http://127.0.0.1:9001',
      profile: 'local',
      api: 'ok',
      model: 'http://127.0.0.1:8080',
      settings: { batchSize: 5000 },
    });
    expect(stdout).not.toContain(key);
  });

  it('is dev as well, and takes BATCHML_HOME', async () => {
    const home = join(world.dir, 'home');
    await serve([], { BATCHML_HOME: home });
    expect(world.local.options?.dataDir).toBe(join(home, 'data'));
    expect((await stat(join(home, 'config/profiles.json'))).isFile()).toBe(true);
    expect((await world.run(['dev'], { env: BARE })).stderr).toContain('Neither --model');
  });

  it('says who has the port, and leaves no profile behind', async () => {
    const text = 'port 8117 on 127.0.0.1 is in use by another process';
    world.local.listenError = Object.assign(new Error(text), { code: 'PORT_IN_USE' });
    const { code, stderr } = await world.run(['local', ...MODEL], { env: BARE });
    expect(code).toBe(1);
    expect(stderr).toContain(`error: ${text}`);
    expect(stderr).toContain('--port PORT');
    expect(world.local.calls.at(-1)).toBe('close');
    expect((await world.run(['key'], { env: BARE })).code).toBe(2);
  });

  it('accepts jobs for a model that is not there yet, and says so', async () => {
    world.local.prepareError = Object.assign(new Error('no ping'), { code: 'MODEL_NOT_READY' });
    const { code, stderr } = await serve();
    expect(code).toBe(0);
    expect(stderr).toContain(
      'the model is not ready: no ping; jobs are accepted and wait for it, each up to 24 hours',
    );
  });

  it('announces itself to programs', async () => {
    const { stdout } = await serve(['--json', '--port', '0']);
    expect(JSON.parse(stdout)).toMatchObject({
      type: 'ready',
      endpoint: 'http://127.0.0.1:40000',
      profile: 'local',
    });
  });
});

describe('batchml local on a schedule', () => {
  it('starts batches at the end of each period, and lets jobs wait for it', async () => {
    const { code, stdout, stderr } = await serve([
      '--trigger',
      'schedule',
      '--schedule-rate',
      'day',
      '--json',
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ schedule: 'day', settings: { maxWaitHours: 48 } });
    expect(stderr).toContain('new batches are started every day');
    expect(world.local.options).toMatchObject({ schedule: 'day', pin: { settings: { maxWaitHours: 48 } } });
  });

  it('has none unless it is told so', async () => {
    await serve(['--trigger', 's3']);
    expect(world.local.options).not.toHaveProperty('schedule');
    expect(world.local.options?.pin.settings.maxWaitHours).toBe(24);
  });

  it.each([
    [['--schedule-rate', 'hour'], '--schedule-rate is for --trigger schedule alone'],
    [['--trigger', 's3', '--schedule-rate', 'hour'], '--trigger schedule --schedule-rate hour'],
    [['--trigger', 'schedule'], '--trigger schedule needs --schedule-rate'],
    [['--trigger', 'schedule', '--schedule-rate', 'week'], 'minute, hour, day, month, year'],
    [['--trigger', 'always'], 's3, schedule'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await world.run(['local', ...MODEL, ...args], { env: BARE });
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(world.local.calls).toEqual([]);
  });
});

describe('settings of a pipeline on this machine', () => {
  it.each([
    ['info', ['info']],
    ['info --json', ['info', '--json']],
  ])('%s says nothing of instances, which it has none of', async (_name, args) => {
    expect((await serve(['--json'])).stdout).not.toContain('instance');
    const { stdout } = await world.run(args, { env: BARE });
    expect(stdout).toContain('maxWaitHours');
    expect(stdout).not.toContain('instance');
  });
});

describe('which API', () => {
  it('says how to start one where there is none', async () => {
    const { code, stderr } = await world.run(['list'], { env: BARE });
    expect(code).toBe(2);
    expect(stderr).toContain('next: start one: batchml local --model URL');
    const { stdout } = await world.run(['info', '--json'], { env: BARE });
    expect(JSON.parse(stdout)).toMatchObject({ endpoint: null, profile: null });
  });

  it.each<[Record<string, string | undefined>, string]>([
    [{ BATCHML_API_KEY: undefined }, 'BATCHML_ENDPOINT is set, but BATCHML_API_KEY is not'],
    [{ BATCHML_ENDPOINT: undefined }, 'BATCHML_API_KEY is set, but BATCHML_ENDPOINT is not'],
    [{ BATCHML_ENDPOINT: 'ftp://x' }, 'BATCHML_ENDPOINT: not an http or https URL: ftp://x'],
    [{ BATCHML_ENDPOINT: 'http://me:pass@x' }, 'BATCHML_ENDPOINT must not hold a user name or a password'],
    [{ BATCHML_ENDPOINT: 'me:pass@x' }, 'BATCHML_ENDPOINT: not an http or https URL'],
    [{ BATCHML_ENDPOINT: 'http://x/?pass' }, 'BATCHML_ENDPOINT must end with its path'],
    [{ BATCHML_ENDPOINT: 'http://x/#' }, 'BATCHML_ENDPOINT must end with its path'],
    [{ BATCHML_API_KEY: '“pass”' }, "the API key of BATCHML_API_KEY can't be one"],
    [{ BATCHML_API_KEY: 'pass\n' }, 'character 5 of 5 is not'],
  ])('wants endpoint and key together, each usable: %j', async (env, message) => {
    const { code, stderr } = await world.run(['list'], { env });
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/\bpass\b/);
  });

  it('exits with 4 when the key is refused', async () => {
    const { code, stdout } = await world.run(['list', '--json'], { env: { BATCHML_API_KEY: 'wrong' } });
    expect(code).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'key_refused' } });
  });

  it('says why nobody answers, at once', async () => {
    world.api.faults = () => {
      throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } });
    };
    const { code, stderr } = await world.run(['list']);
    expect(code).toBe(1);
    expect(stderr).toContain("http://fake can't be reached\n  connection refused: nothing listens there");
    expect(world.api.requests).toHaveLength(1);
  });

  it('names the profiles there are', async () => {
    await serve();
    const { code, stderr } = await world.run(['list', '--profile', 'prod'], { env: BARE });
    expect(code).toBe(2);
    expect(stderr).toContain('there is no profile prod\n  there are: local');
  });
});
