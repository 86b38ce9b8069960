import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lines } from '../../support/run-cli.ts';
import { DeployWorld } from './world.ts';

let w: DeployWorld;
beforeEach(async () => {
  w = await DeployWorld.create();
  await w.deployed();
});
afterEach(() => w.dispose());

const dataBucket = () =>
  [...w.aws.s3.buckets.keys()].find((name) => name.startsWith('batchml-sagemaker')) ?? '';
const table = () => [...w.aws.dynamo.tables.keys()][0] ?? '';
/** A transform job of the stack. */
const job = (status = 'InProgress', n = 1): string => {
  const mark = w.stack()?.id.split('/')[2]?.split('-')[0];
  const name = `batchml-${mark}-${String(n).padStart(32, '0')}`;
  w.aws.sageMaker.jobs.set(name, status);
  return name;
};

describe('batchml destroy', () => {
  it('shows what there is, takes the typed name, keeps and lists the data, removes the profile', async () => {
    w.aws.dynamo.tables.set(table(), 12_345);
    const bucket = dataBucket();
    const { code, stderr } = await w.run('destroy', {
      typed: ['batchml'],
      env: { NO_COLOR: '1', TERM: 'dumb' },
    });
    expect(code).toBe(0);
    expect(stderr).toContain('account  123456789012\nregion   eu-west-1');
    expect(stderr).toContain('about 12,345 rows');
    expect(stderr).toContain(
      `kept:\n  table   ${table()}\n  bucket  ${bucket}\nto delete that too:\n  batchml destroy --delete-data`,
    );
    expect(stderr).toContain('removed profile batchml; no profile is active now');
    expect(w.stack()).toBeUndefined();
    expect(w.aws.s3.buckets.has(bucket)).toBe(true);
    expect((await w.profiles()).profiles).toEqual({});
  });

  it.each([['batch'], [''], ['y']])('%j typed leaves everything', async (typed) => {
    const { code } = await w.run('destroy', { typed: [typed] });
    expect(code).toBe(1);
    expect(w.stack()?.status).toBe('CREATE_COMPLETE');
    expect((await w.profiles()).active).toBe('batchml');
  });

  it('takes along the keys that a rotation made, and no others', async () => {
    const { keys, descriptions } = w.aws.apiGateway;
    keys.set('rotated', 'new-value');
    descriptions.set('rotated', 'batchml: key of stack batchml, made by batchml key --rotate');
    keys.set('by-hand', 'other-value');
    expect((await w.run('destroy --yes')).code).toBe(0);
    expect([...keys.keys()]).toEqual(['by-hand']);
  });

  it('asks nobody off a terminal: exit 2 names --yes', async () => {
    const { code, stderr } = await w.run('destroy');
    expect([code, stderr]).toEqual([2, expect.stringContaining('--yes')]);
    expect(w.stack()?.status).toBe('CREATE_COMPLETE');
  });

  it('--yes alone deletes no data; --delete-data does, every version of it', async () => {
    const bucket = dataBucket();
    for (let i = 0; i < 12; i++) w.aws.s3.put(bucket, `data/${i % 7}`, 'x');
    expect((await w.run('destroy --yes')).code).toBe(0);
    expect(w.aws.s3.keys(bucket)).toHaveLength(7);
    const kept = table();
    // The stack is gone: what it left is found by its ARN.
    const { code, stderr } = await w.run('destroy --delete-data --yes');
    expect(code).toBe(0);
    expect(stderr).toContain(`deleted bucket ${bucket} with 12 versions of objects`);
    expect(w.aws.s3.buckets.has(bucket)).toBe(false);
    expect(w.aws.dynamo.tables.has(kept)).toBe(false);
    expect(w.aws.s3.unguarded).toEqual([]);
    expect((await w.run('destroy --yes')).code).toBe(0);
  });

  it('--delete-data in one go, as JSON', async () => {
    const { code, stdout } = await w.run('destroy --delete-data --yes --json');
    expect(code).toBe(0);
    expect(JSON.parse(lines(stdout).at(-1) ?? '')).toMatchObject({
      type: 'result',
      stack: 'batchml',
      kept: [],
    });
    expect([...w.aws.dynamo.tables.keys()]).toEqual([]);
    // The assets bucket is everybody's.
    expect([...w.aws.s3.buckets.keys()]).toEqual([expect.stringContaining('batchml-toolkit')]);
  });

  it('stops at Ctrl-C while the stack goes, and says that it goes on', async () => {
    w.aws.cloudFormation.pace = 5;
    w.aws.faults = (action) => {
      if (action === 'cloudformation.DeleteStack') setImmediate(() => w.world.signal('SIGINT'));
      return undefined;
    };
    const { code, stderr } = await w.run('destroy --yes');
    expect([code, stderr]).toEqual([
      130,
      expect.stringContaining('no longer watching; CloudFormation goes on'),
    ]);
    w.aws.faults = () => undefined;
    w.aws.cloudFormation.pace = 100;
    expect(await w.run('destroy --yes')).toMatchObject({ code: 0, stderr: expect.stringContaining('kept:') });
    expect((await w.profiles()).profiles).toEqual({});
  });
});

describe('transform jobs that run', () => {
  it('are not left alone: exit 2 names both ways', async () => {
    const name = job();
    const { code, stderr } = await w.run('destroy --yes');
    expect(code).toBe(2);
    expect(stderr).toContain(`1 transform job running: ${name}`);
    expect(stderr).toContain('--wait');
    expect(stderr).toContain('--stop-transform-jobs');
    expect(w.stack()?.status).toBe('CREATE_COMPLETE');
  });

  it('are stopped where asked, all pages of them, and those of others are not', async () => {
    for (let i = 1; i <= 7; i++) job('InProgress', i);
    w.aws.sageMaker.jobs.set('batchml-99999999-1', 'InProgress');
    const { code } = await w.run('destroy --yes --stop-transform-jobs');
    expect(code).toBe(0);
    const statuses = [...w.aws.sageMaker.jobs.values()];
    expect(statuses.filter((status) => status === 'InProgress')).toHaveLength(1);
    expect(w.aws.sageMaker.jobs.get('batchml-99999999-1')).toBe('InProgress');
  });

  it('are stopped after a yes at the terminal, left after a No', async () => {
    const name = job();
    expect((await w.run('destroy', { typed: ['batchml', 'n'] })).code).toBe(1);
    expect(w.aws.sageMaker.jobs.get(name)).toBe('InProgress');
    expect((await w.run('destroy', { typed: ['batchml', 'y'] })).code).toBe(0);
    expect(w.aws.sageMaker.jobs.get(name)).not.toBe('InProgress');
  });

  it('are waited for with --wait, up to --timeout', async () => {
    const name = job();
    let looks = 0;
    w.aws.sageMaker.onList = () => {
      if (++looks === 9) w.aws.sageMaker.jobs.set(name, 'Completed');
    };
    const late = await w.run('destroy --yes --wait --timeout 15');
    expect([late.code, late.stderr]).toEqual([8, expect.stringContaining('nothing was deleted')]);
    expect((await w.run('destroy --yes --wait')).code).toBe(0);
  });

  it('that were started while the stack went are stopped at the end', async () => {
    const mark = w.stack()?.id.split('/')[2]?.split('-')[0];
    w.aws.answered = (action) => {
      if (action === 'cloudformation.DeleteStack')
        w.aws.sageMaker.jobs.set(`batchml-${mark}-late`, 'InProgress');
    };
    const { code, stderr } = await w.run('destroy --yes');
    expect([code, stderr]).toEqual([0, expect.stringContaining('stopping 1 transform job left')]);
  });
});
