import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkNode } from '../../../cli/src/commands/doctor/machine-checks.ts';
import { FAKE_KEY } from '../../support/fake-api.ts';
import { FakeStackAws, STACK } from '../../support/fake-stack-aws.ts';
import { BARE, writeProfiles } from '../../support/profiles.ts';
import { lines, World } from '../../support/run-cli.ts';

let world: World;
let aws: FakeStackAws;
beforeEach(async () => {
  world = await World.create();
  aws = await FakeStackAws.start();
  await writeProfiles(world.dir, { prod: PROD, local: LOCAL() }, 'prod');
});
afterEach(async () => {
  await world.dispose();
  await aws.stop();
});

const PROD = {
  endpoint: 'http://prod.test',
  key: FAKE_KEY,
  stack: STACK.name,
  region: STACK.region,
  account: STACK.account,
};
const LOCAL = () => ({ endpoint: 'http://127.0.0.1:1', key: FAKE_KEY, dataDir: join(world.dir, 'data') });

/** Waits are real: the time of a check is what is tested. */
const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
  delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {});

const doctor = (args: readonly string[] = [], { env = {}, deps = {} } = {}) =>
  world.run(['doctor', ...args], { env: { ...BARE, ...env }, deps: { aws: aws.deps, sleep, ...deps } });

async function checks(...given: Parameters<typeof doctor>) {
  const [args = [], options] = given;
  const { code, stdout } = await doctor([...args, '--json'], options);
  const { ok, checks: all } = JSON.parse(stdout);
  expect(code).toBe(ok ? 0 : 1);
  return {
    code,
    stdout,
    names: all.map(({ name }: { name: string }) => name),
    by: (name: string) => all.find((check: { name: string }) => check.name === name),
  };
}

describe('batchml doctor', () => {
  it('finds a deployed pipeline in good order, without showing a key', async () => {
    const { code, stdout, names, by } = await checks();
    expect(code).toBe(0);
    expect(names).toEqual([
      'node',
      'batchml',
      'config',
      'profile',
      'credentials',
      'region',
      'stack',
      'api',
      'clock',
      'data',
    ]);
    expect(by('config').detail).toContain('.config/batchml/profiles.json (by HOME): 2 profiles');
    expect(by('profile').detail).toBe('profile prod: stack batchml in eu-west-1, account 123456789012');
    expect(by('credentials').detail).toMatch(/^AKIA…LE12 \(.*\): arn:aws:iam::123456789012:user\/ada$/);
    expect(by('region')).toMatchObject({ status: 'ok', detail: 'eu-west-1 (by profile prod)' });
    expect(by('stack')).toMatchObject({ status: 'ok', detail: 'batchml: CREATE_COMPLETE' });
    expect(by('api')).toMatchObject({
      status: 'ok',
      detail: expect.stringContaining('http://prod.test answers'),
    });
    expect(by('clock')).toMatchObject({ status: 'ok', detail: 'as that of AWS' });
    for (const secret of [FAKE_KEY, aws.deps.credentials.accessKeyId, aws.deps.credentials.secretAccessKey])
      expect(stdout).not.toContain(secret);
  });

  it('is a line for each check, and says what to do', async () => {
    aws.stack = undefined;
    const { code, stdout, stderr } = await doctor();
    expect(code).toBe(1);
    expect(lines(stdout)).toContainEqual('fail\tstack\tbatchml is not there');
    expect(stderr).toContain('stack: make it: batchml deploy --stack batchml --model NAME');
    expect((await doctor([], { deps: {} })).stdout).toContain('ok\tnode\t');
  });

  it.each([
    ['UPDATE_ROLLBACK_FAILED', 'fail'],
    ['UPDATE_IN_PROGRESS', 'warn'],
    ['UPDATE_ROLLBACK_COMPLETE', 'ok'],
  ])('judges a stack that is %s: %s', async (status, judged) => {
    aws.stack = { status };
    expect((await checks()).by('stack')).toMatchObject({
      status: judged,
      detail: expect.stringContaining(status),
    });
  });

  it('sees credentials that are refused, or of another account', async () => {
    aws.account = '999999999999';
    expect((await checks()).by('credentials').detail).toContain(
      "the profile's stack is in account 123456789012",
    );
    aws.faults = () => ({ code: 'ExpiredToken', status: 403, message: 'expired' });
    const { by } = await checks();
    expect(by('credentials')).toMatchObject({ status: 'fail', detail: expect.stringContaining('expired') });
    expect(by('stack').status).toBe('skip');
  });

  it('needs no AWS for a pipeline of this machine', async () => {
    await mkdir(join(world.dir, 'data'));
    aws.faults = () => ({ code: 'ExpiredToken', status: 403, message: 'expired' });
    const { code, names, by } = await checks(['--profile', 'local'], { env: { AWS_REGION: 'eu-west-1' } });
    expect(code).toBe(0);
    expect(names).not.toContain('stack');
    expect(by('credentials')).toMatchObject({
      status: 'skip',
      detail: expect.stringContaining('needed for batchml deploy only'),
    });
    expect(by('data').detail).toMatch(/^\/.*\/data, .* free$/);
  });

  it('sees an API that is gone, refuses the key, or is none', async () => {
    world.api.faults = () => new Response('{"message":"Forbidden"}', { status: 403 });
    expect((await checks()).by('api').detail).toBe('http://prod.test refuses the API key');
    world.api.faults = () =>
      new Response('<html>', { status: 200, headers: { 'content-type': 'text/html' } });
    expect((await checks()).by('api').status).toBe('fail');
    world.api.faults = () => {
      throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } });
    };
    expect((await checks(['--profile', 'local'])).by('api')).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining('nothing listens there'),
    });
  });

  it.each([
    [10_000, 'ok'],
    [-120_000, 'warn'],
    [1_200_000, 'fail'],
  ])('compares the clocks: %d ms off is %s', async (skewMs, status) => {
    world.api.faults = () =>
      Response.json({}, { headers: { date: new Date(Date.now() + skewMs).toUTCString() } });
    const { by } = await checks(['--profile', 'local']);
    expect(by('clock').status).toBe(status);
    if (status !== 'ok')
      expect(by('clock').detail).toContain(skewMs > 0 ? 'behind that of the API' : 'ahead of');
  });

  it('knows the time also from an AWS that refuses because of it', async () => {
    aws.skewMs = 1_200_000;
    aws.faults = () => ({
      code: 'SignatureDoesNotMatch',
      status: 403,
      message: 'Signature expired: 1 is now earlier than 2',
    });
    expect((await checks()).by('clock')).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining('AWS'),
    });
  });

  it('waits for nobody longer than the time of a check', async () => {
    aws.faults = () => 'hang';
    const fetch = () => new Promise<Response>(() => {});
    const quick = (_: number, signal?: AbortSignal) => sleep(100, signal);
    const startedAt = Date.now();
    const { code, by } = await checks([], { deps: { fetch, sleep: quick } });
    expect(code).toBe(1);
    for (const name of ['credentials', 'api'])
      expect(by(name)).toMatchObject({
        status: 'fail',
        detail: expect.stringContaining('no answer within 10 s'),
      });
    expect(Date.now() - startedAt).toBeLessThan(5000);
  });

  it('ends with Ctrl-C', async () => {
    aws.faults = () => {
      world.signal('SIGINT');
      return 'hang';
    };
    expect((await doctor()).code).toBe(130);
  });

  it('sees files that others can read, or that are none of ours', async () => {
    const file = join(world.dir, '.config/batchml/profiles.json');
    await chmod(file, 0o644);
    expect((await checks()).by('config')).toMatchObject({
      status: 'warn',
      next: expect.stringContaining('chmod 600'),
    });
    await writeFile(file, '[1');
    const { code, by } = await checks();
    expect(code).toBe(1);
    expect(by('config').status).toBe('fail');
    expect(by('profile').status).toBe('fail');
  });

  it('sees a data folder that is none', async () => {
    await writeFile(join(world.dir, 'data'), '');
    expect((await checks(['--profile', 'local'])).by('data')).toMatchObject({ status: 'fail' });
    expect((await checks(['--data-dir', join(world.dir, 'new/er')])).by('data').detail).toContain('none yet');
  });

  it('says what wins over what, and what is not set up', async () => {
    const endpoint = { BATCHML_ENDPOINT: 'http://x.test', BATCHML_API_KEY: FAKE_KEY };
    expect((await checks(['--profile', 'prod'], { env: endpoint })).by('profile')).toMatchObject({
      status: 'warn',
      detail: 'BATCHML_ENDPOINT: http://x.test; it wins over --profile prod',
    });
    await writeProfiles(world.dir, {});
    expect((await checks()).by('profile')).toMatchObject({
      status: 'warn',
      next: expect.stringContaining('batchml deploy'),
    });
  });

  it.each([
    ['v20.18.9', 'fail'],
    ['v20.19.0', 'ok'],
    ['v18.20.1', 'fail'],
    ['v24.1.0', 'ok'],
  ])('node %s: %s', (version, status) => {
    expect(checkNode(version).status).toBe(status);
  });
});
