import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyInUse } from '../../../cli/src/commands/key/api-keys.ts';
import { FAKE_KEY } from '../../support/fake-api.ts';
import { FakeStackAws, STACK } from '../../support/fake-stack-aws.ts';
import { BARE, savedProfiles, writeProfiles } from '../../support/profiles.ts';
import { World } from '../../support/run-cli.ts';

let world: World;
let aws: FakeStackAws;
beforeEach(async () => {
  world = await World.create();
  aws = await FakeStackAws.start();
  const own = aws.keys.get(STACK.key);
  if (own) aws.keys.set(STACK.key, { ...own, value: FAKE_KEY });
  await writeProfiles(
    world.dir,
    { prod: PROD, same: PROD, other: { endpoint: 'http://x.test', key: 'x' } },
    'other',
  );
  // The API takes every enabled key of the plan.
  world.api.faults = (request) => {
    const key = request.headers.get('x-api-key') ?? '';
    const valid = [...aws.keys.values()].some(
      ({ id, value, enabled }) => value === key && enabled && aws.planKeys.includes(id),
    );
    world.api.key = valid ? key : 'none';
    return undefined;
  };
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

let random = 0;
const randomHex = (bytes: number) => (++random).toString(16).padStart(bytes * 2, '0');
const rotate = (...args: string[]) =>
  world.run(['key', '--rotate', '--profile', 'prod', ...args], {
    env: BARE,
    deps: { aws: aws.deps, randomHex },
  });
const keyNow = async (name = 'prod') => (await savedProfiles(world.dir)).profiles[name]?.key;

describe('batchml key', () => {
  it('prints the key that is saved', async () => {
    const { stdout } = await world.run(['key', '--profile', 'prod'], { env: BARE });
    expect(stdout).toBe(`${FAKE_KEY}\n`);
    expect(aws.log).toEqual([]);
  });
});

describe('batchml key --rotate', () => {
  it('puts a new key in its place; the own key of the stack is disabled, for it is CloudFormation that owns it', async () => {
    const { code, stdout, stderr } = await rotate();
    expect(code).toBe(0);
    expect(stderr).toMatch(/^target: profile prod: stack batchml in eu-west-1, account 123456789012\n/);
    expect(stderr).toContain(`the old key is disabled: ${STACK.key}. Stack batchml owns it`);
    const key = stdout.trim();
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(await keyNow()).toBe(key);
    expect([...aws.keys.values()]).toEqual([
      expect.objectContaining({ id: STACK.key, enabled: false }),
      expect.objectContaining({
        id: 'new1',
        value: key,
        enabled: true,
        name: expect.stringMatching(/^batchml-/),
      }),
    ]);
    expect(aws.planKeys).toEqual([STACK.key, 'new1']);
    expect((await world.run(['list', '--profile', 'prod'], { env: BARE })).code).toBe(0);
  });

  it('changes every profile that had the old key, and which one is active stays', async () => {
    await rotate();
    expect(await keyNow('same')).toBe(await keyNow());
    expect(await keyNow('other')).toBe('x');
    expect((await savedProfiles(world.dir)).active).toBe('other');
  });

  it('deletes a key that an earlier rotation made, also far back in the plan', async () => {
    for (const id of ['a', 'b', 'c']) {
      aws.keys.set(id, { id, name: id, value: id.repeat(30), enabled: true });
      aws.planKeys.push(id);
    }
    await rotate();
    const { code, stdout } = await rotate('--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      profile: 'prod',
      keyId: 'new2',
      old: { id: 'new1', state: 'deleted' },
    });
    expect([...aws.keys.keys()].sort()).toEqual(['a', 'b', 'c', 'new2', STACK.key]);
    expect(aws.planKeys).toEqual([STACK.key, 'a', 'b', 'c', 'new2']);
  });

  it('makes one key also when an answer gets lost', async () => {
    aws.faults = (action, nth) => (nth === 1 && action.includes(' ') ? 'lost' : undefined);
    const { code } = await rotate();
    expect(code).toBe(0);
    expect([...aws.keys.keys()]).toEqual([STACK.key, 'new1']);
    expect(aws.planKeys).toEqual([STACK.key, 'new1']);
    expect(aws.keys.get('new1')?.value).toBe(await keyNow());
  });

  it.each(['POST usageplans', 'the new key is never taken'])(
    'leaves all as it was when it fails: %s',
    async (what) => {
      if (what.startsWith('POST'))
        aws.faults = (action) =>
          action === `apigateway.${what}`
            ? { code: 'AccessDeniedException', status: 403, message: 'no permission' }
            : undefined;
      else world.api.faults = () => new Response('{"message":"Forbidden"}', { status: 403 });
      const { code, stdout, stderr } = await rotate();
      expect([code, stdout]).toEqual([what.startsWith('POST') ? 4 : 1, '']);
      expect(stderr).toContain(what.startsWith('POST') ? 'not allowed: attaching' : 'the old one stays');
      expect(await keyNow()).toBe(FAKE_KEY);
      expect([...aws.keys.values()]).toEqual([expect.objectContaining({ id: STACK.key, enabled: true })]);
      expect(aws.planKeys).toEqual([STACK.key]);
    },
  );

  it('leaves all as it was after Ctrl-C', async () => {
    world.api.faults = () => {
      world.signal('SIGINT');
      return new Response('{"message":"Forbidden"}', { status: 403 });
    };
    const { code, stderr } = await rotate();
    expect(code).toBe(130);
    expect(stderr).toContain('stopping; the key stays as it was');
    expect([...aws.keys.keys()]).toEqual([STACK.key]);
    expect(await keyNow()).toBe(FAKE_KEY);
  });

  it('says how to end the old key where it could not', async () => {
    aws.faults = (action) =>
      action === 'apigateway.PATCH apikeys'
        ? { code: 'AccessDeniedException', status: 403, message: 'no permission' }
        : undefined;
    const { code, stderr } = await rotate();
    expect(code).toBe(1);
    expect(stderr).toContain('the new key is saved, but the old one still works');
    expect(stderr).toContain(`aws apigateway update-api-key --api-key ${STACK.key} --patch-operations`);
    expect(await keyNow()).toBe(aws.keys.get('new1')?.value);
  });

  it('ends none where the saved key is unknown to the plan', async () => {
    await writeProfiles(world.dir, { prod: { ...PROD, key: 'typed-by-hand' } });
    const { code, stderr } = await rotate();
    expect(code).toBe(0);
    expect(stderr).toContain('none was ended');
    expect([...aws.keys.values()].every(({ enabled }) => enabled)).toBe(true);
  });

  it('refuses credentials of another account, before anything is made', async () => {
    aws.account = '999999999999';
    const { code, stderr } = await rotate();
    expect(code).toBe(4);
    expect(stderr).toContain(
      'these credentials are of account 999999999999, and profile prod is of 123456789012',
    );
    expect(aws.log).toEqual(['cloudformation.DescribeStacks']);
  });

  it('refuses what is no stack', async () => {
    const other = await world.run(['key', '--rotate', '--profile', 'other'], { env: BARE });
    expect(other).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('key --rotate needs a deployed stack'),
    });
    const variable = await world.run(['key', '--rotate']);
    expect(variable.stderr).toContain('BATCHML_ENDPOINT names an endpoint, not the stack behind it');
  });
});

describe('the key in use of a stack', () => {
  const key = (id: string, enabled: boolean, createdAt: number) => ({
    id,
    value: id,
    enabled,
    createdAt,
    rotated: id !== 'own',
  });
  it.each([
    ['its own', [key('own', true, 1), key('made', true, 2)], 'own'],
    [
      'the newest of the others, where its own is disabled',
      [key('own', false, 1), key('a', true, 2), key('b', true, 3)],
      'b',
    ],
    ['none, where all are disabled', [key('own', false, 1), key('a', false, 2)], undefined],
  ])('is %s', (_name, keys, id) => {
    expect(keyInUse(keys, 'own')?.id).toBe(id);
  });
});
