import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FAKE_KEY } from '../../support/fake-api.ts';
import { BARE, savedProfiles, writeProfiles } from '../../support/profiles.ts';
import { lines, records, World } from '../../support/run-cli.ts';

let world: World;
beforeEach(async () => {
  world = await World.create();
});
afterEach(() => world.dispose());

const profile = (name: string) => ({ endpoint: `http://${name}.test`, key: FAKE_KEY });
const deployed = {
  ...profile('prod'),
  stack: 'batchml',
  region: 'eu-west-1',
  account: '123456789012',
  awsProfile: 'work',
};
const local = { ...profile('local'), dataDir: '/data' };

/** The endpoint that a command speaks to. */
async function endpoint(args: readonly string[] = [], env: Record<string, string | undefined> = {}) {
  const { stdout } = await world.run(['info', '--json', ...args], { env: { ...BARE, ...env } });
  return JSON.parse(stdout).endpoint;
}

describe('which API is used: the first of', () => {
  const all = { flag: profile('flag'), variable: profile('variable'), active: profile('active'), local };
  const variables = { BATCHML_ENDPOINT: 'http://endpoint.test', BATCHML_API_KEY: FAKE_KEY };

  it('1. the endpoint variables, over --profile, which is said', async () => {
    await writeProfiles(world.dir, all, 'active');
    const env = { ...variables, BATCHML_PROFILE: 'variable' };
    expect(await endpoint(['--profile', 'flag'], env)).toBe('http://endpoint.test');
    const { code, stderr } = await world.run(['list', '--profile', 'flag'], { env });
    expect(code).toBe(0);
    expect(stderr).toContain('BATCHML_ENDPOINT is set, and wins over --profile flag');
  });

  it('2. --profile', async () => {
    await writeProfiles(world.dir, all, 'active');
    expect(await endpoint(['--profile', 'flag'], { BATCHML_PROFILE: 'variable' })).toBe('http://flag.test');
  });

  it('3. BATCHML_PROFILE', async () => {
    await writeProfiles(world.dir, all, 'active');
    expect(await endpoint([], { BATCHML_PROFILE: 'variable' })).toBe('http://variable.test');
  });

  it('4. the active profile', async () => {
    await writeProfiles(world.dir, all, 'active');
    expect(await endpoint()).toBe('http://active.test');
  });

  it.each([[undefined], ['gone']])('5. the profile local, where %s is active', async (active) => {
    await writeProfiles(world.dir, all, active);
    expect(await endpoint()).toBe('http://local.test');
  });

  it('none, where there is nothing of it', async () => {
    await writeProfiles(world.dir, { flag: profile('flag') });
    expect(await endpoint()).toBeNull();
  });

  it.each(['nobody', 'constructor', '__proto__'])('never one that is not there: %s', async (name) => {
    await writeProfiles(world.dir, all, 'active');
    const { code, stderr } = await world.run(['list', '--profile', name], { env: BARE });
    expect(code).toBe(2);
    expect(stderr).toContain(`there is no profile ${name}\n  there are: flag, variable, active, local`);
  });
});

describe('commands that change something', () => {
  it('name their target first, unless it is this machine', async () => {
    await writeProfiles(world.dir, { prod: deployed, local });
    await world.file('a.jsonl', records(2));
    const remote = await world.run(['submit', 'a.jsonl', '--profile', 'prod', '--print', 'submission'], {
      env: BARE,
    });
    expect(remote.code).toBe(0);
    expect(lines(remote.stderr)[0]).toBe(
      'target: profile prod: stack batchml in eu-west-1, account 123456789012',
    );
    const id = remote.stdout.trim();
    for (const command of ['retry', 'cancel'])
      expect((await world.run([command, id, '--profile', 'prod'], { env: BARE })).stderr).toMatch(
        /^target: profile prod/,
      );
    expect((await world.run(['status', id, '--profile', 'prod'], { env: BARE })).stderr).toBe('');
    expect((await world.run(['cancel', id], { env: BARE })).stderr).not.toContain('target');
  });

  it('and know an endpoint of this machine', async () => {
    await world.file('a.jsonl', records(2));
    const at = (url: string) => world.run(['submit', 'a.jsonl'], { env: { BATCHML_ENDPOINT: url } });
    expect((await at('http://127.0.0.1:8117')).stderr).not.toContain('target');
    expect((await at('https://api.test/v1')).stderr).toContain(
      'target: BATCHML_ENDPOINT: https://api.test/v1\n',
    );
  });
});

describe('batchml profile list', () => {
  it('shows all and which is active, and never a key', async () => {
    await writeProfiles(world.dir, { local, prod: deployed, other: profile('other') }, 'prod');
    const piped = await world.run(['profile', 'list'], { env: BARE });
    expect(piped).toMatchObject({ code: 0, stderr: '' });
    expect(piped.stdout).toBe(
      [
        '\tlocal\tlocal\thttp://local.test\t\t\t',
        '*\tprod\tdeployed\thttp://prod.test\tbatchml\teu-west-1\t123456789012',
        '\tother\tendpoint\thttp://other.test\t\t\t',
        '',
      ].join('\n'),
    );
    const { stdout } = await world.run(['profile', '--json'], { env: BARE });
    expect(JSON.parse(stdout)).toMatchObject({
      active: 'prod',
      profiles: [{ name: 'local' }, { name: 'prod', active: true, awsProfile: 'work' }, { name: 'other' }],
    });
    const table = await world.run(['profile'], { env: BARE, tty: true });
    expect(table.stdout).toContain('Profile');
    for (const { stdout: text } of [piped, { stdout }, table]) expect(text).not.toContain(FAKE_KEY);
  });

  it('says how to get one, and is an empty list for programs', async () => {
    expect((await world.run(['profile', 'list'], { env: BARE })).stderr).toContain('batchml deploy');
    const { stdout } = await world.run(['profile', 'list', '--json'], { env: BARE });
    expect(JSON.parse(stdout)).toEqual({ active: null, profiles: [] });
  });

  it('says what wins over the active one', async () => {
    await writeProfiles(world.dir, { local, prod: deployed }, 'prod');
    expect((await world.run(['profile', 'list'])).stderr).toContain('BATCHML_ENDPOINT is set, and wins');
    const env = { ...BARE, BATCHML_PROFILE: 'local' };
    expect((await world.run(['profile', 'list'], { env })).stderr).toContain(
      'BATCHML_PROFILE (local) is set',
    );
  });
});

describe('batchml profile use and remove', () => {
  it('makes one active', async () => {
    await writeProfiles(world.dir, { local, prod: deployed }, 'local');
    const { code, stderr } = await world.run(['profile', 'use', 'prod'], { env: BARE });
    expect([code, stderr]).toEqual([0, 'profile prod is active: http://prod.test\n']);
    expect(await endpoint()).toBe('http://prod.test');
    const file = join(world.dir, '.config/batchml/profiles.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const env = { ...BARE, BATCHML_PROFILE: 'prod' };
    expect((await world.run(['profile', 'use', 'local'], { env })).stderr).toContain(
      'but BATCHML_PROFILE (prod) is set',
    );
  });

  it('removes one: the stack stays, and no other takes its place unasked', async () => {
    await writeProfiles(world.dir, { prod: deployed, other: profile('other') }, 'prod');
    const { code, stderr } = await world.run(['profile', 'remove', 'prod'], { env: BARE });
    expect(code).toBe(0);
    expect(stderr).toContain('batchml deploy --attach --stack batchml --region eu-west-1');
    expect(stderr).toContain('no profile is active now');
    expect(await savedProfiles(world.dir)).toEqual({ profiles: { other: profile('other') } });
  });

  it.each([
    [['use'], 'profile use: which one?'],
    [['use', 'a', 'b'], 'profile use takes one name'],
    [['list', 'a'], 'profile list takes no name'],
    [['show'], 'profile does not know show'],
    [['use', 'nobody'], 'there is no profile nobody'],
    [['remove', 'nobody'], 'there is no profile nobody'],
  ])('refuses %j', async (args, message) => {
    await writeProfiles(world.dir, { local });
    const { code, stderr } = await world.run(['profile', ...args], { env: BARE });
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe('batchml info', () => {
  it('tells of a deployed pipeline what the profile knows and what the API says', async () => {
    await writeProfiles(world.dir, { prod: { ...deployed, model: 'old-model' } });
    world.api.pin = {
      model: 'my-model',
      settings: { ...world.api.pin.settings, instanceType: 'ml.g5.xlarge' },
    };
    const { stdout } = await world.run(['info', '--profile', 'prod', '--json'], { env: BARE });
    expect(JSON.parse(stdout)).toMatchObject({
      endpoint: 'http://prod.test',
      profile: 'prod',
      stack: 'batchml',
      region: 'eu-west-1',
      account: '123456789012',
      awsProfile: 'work',
      api: 'ok',
      model: 'my-model',
      settings: { instanceType: 'ml.g5.xlarge' },
    });
    expect(stdout).not.toContain(FAKE_KEY);
  });

  it('makes no settings up where the API says none', async () => {
    await writeProfiles(world.dir, { prod: deployed });
    world.api.faults = () => new Response('no', { status: 500 });
    const { code, stdout } = await world.run(['info', '--profile', 'prod', '--json'], { env: BARE });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ api: expect.stringContaining('500'), settings: {} });
  });
});

describe('batchml run without a model', () => {
  it('submits to the deployed pipeline in use, waits, and gives the results in order', async () => {
    await writeProfiles(world.dir, { prod: deployed }, 'prod');
    await world.file('a.jsonl', records(1200));
    world.api.autoWork = 300;
    const { code, stdout, stderr } = await world.run(['run', 'a.jsonl'], { env: BARE });
    expect(code).toBe(0);
    expect(lines(stdout).map((line) => JSON.parse(line).line)).toEqual(
      Array.from({ length: 1200 }, (_, i) => i + 1),
    );
    expect(stderr).toMatch(/^target: profile prod: stack batchml/);
    expect(stderr).toMatch(/submission run-[0-9a-f]{12}-0\n/);
    expect(stderr).toMatch(/Processed +1,200/);
    expect(world.local.calls).toEqual([]);
  });

  it('goes on where it was after Ctrl-C, also with other settings, and starts anew when it was finished', async () => {
    await writeProfiles(world.dir, { prod: deployed }, 'prod');
    await world.file('a.jsonl', records(600));
    world.api.autoWork = 0;
    world.api.faults = (request) => {
      if (request.url.includes('/jobs?') && world.api.submissions.size > 0) world.signal('SIGINT');
      return undefined;
    };
    const first = await world.run(['run', 'a.jsonl'], { env: BARE });
    expect(first.code).toBe(130);
    expect(first.stderr).toMatch(
      /what was sent goes on[\s\S]*batchml run a\.jsonl\n[\s\S]*batchml cancel run-\w+-0/,
    );
    world.api.faults = () => undefined;
    world.api.autoWork = Number.POSITIVE_INFINITY;
    world.api.pin = { ...world.api.pin, settings: { ...world.api.pin.settings, batchSize: 7 } };
    const second = await world.run(['run', 'a.jsonl', '--output', 'out.jsonl', '--json'], { env: BARE });
    expect(second.code).toBe(0);
    expect(second.stderr).toContain('resuming run-');
    expect(JSON.parse(second.stdout)).toMatchObject({
      total: 600,
      counts: { Processed: 600 },
      output: expect.any(String),
    });
    expect(lines(await world.read('out.jsonl'))).toHaveLength(600);
    expect((await world.run(['run', 'a.jsonl'], { env: BARE })).stderr).toMatch(/submission run-\w+-1\n/);
    expect(world.api.submissions.size).toBe(2);
  });

  it('exits with 3 when some failed, and says how to try those again', async () => {
    await writeProfiles(world.dir, { prod: deployed });
    await world.file('a.jsonl', records(10));
    world.api.model = (record) =>
      record.includes('record 3"') ? { code: 'model_error', message: 'bad' } : '1';
    const { code, stderr } = await world.run(['run', 'a.jsonl', '--profile', 'prod'], { env: BARE });
    expect(code).toBe(3);
    expect(stderr).toContain('1 × model_error bad (line 3)');
    expect(stderr).toMatch(/try the failed ones again:\n {2}batchml retry run-\w+-0 --profile prod\n/);
  });

  it('says that the pipeline goes on when the API is gone', async () => {
    await writeProfiles(world.dir, { prod: deployed }, 'prod');
    await world.file('a.jsonl', records(3));
    world.api.faults = (request) =>
      request.url.includes('/jobs?') ? new Response('down', { status: 503 }) : undefined;
    const { code, stderr } = await world.run(['run', 'a.jsonl'], { env: BARE });
    expect(code).toBe(1);
    expect(stderr).toContain('the same command waits for it again: batchml run a.jsonl');
  });

  it('takes up a submission by its name, with the same records only', async () => {
    await writeProfiles(world.dir, { prod: deployed }, 'prod');
    await world.file('a.jsonl', records(3));
    await world.file('b.jsonl', records(4));
    const run = (file: string) => world.run(['run', file, '--submission-id', 'mine'], { env: BARE });
    expect((await run('a.jsonl')).code).toBe(0);
    const again = await run('a.jsonl');
    expect([again.code, lines(again.stdout).length]).toEqual([0, 3]);
    expect(again.stderr).toContain('mine is finished');
    expect(await run('b.jsonl')).toMatchObject({ code: 2, stderr: expect.stringContaining('other content') });
  });

  it.each([
    [['--batch-size', '5'], '--batch-size is for a model on this machine'],
    [['--data-dir', 'x'], '--data-dir is for a model on this machine'],
    [['--model', 'http://127.0.0.1:1', '--profile', 'prod'], '--profile and --model exclude each other'],
    [['--profile', 'local'], 'Neither --model nor --model-command'],
  ])('refuses %j', async (args, message) => {
    await writeProfiles(world.dir, { prod: deployed, local }, 'prod');
    await world.file('a.jsonl', records(1));
    const { code, stderr } = await world.run(['run', 'a.jsonl', ...args], { env: BARE });
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(world.api.submissions.size).toBe(0);
  });
});
