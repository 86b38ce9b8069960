/** Failures, and the way out of every state that a stack may be in. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lines } from '../../support/run-cli.ts';
import { DeployWorld, templateCopy } from './world.ts';

let w: DeployWorld;
beforeEach(async () => {
  w = await DeployWorld.create();
});
afterEach(() => w.dispose());

const cfn = () => w.aws.cloudFormation;
const DENIED = 'User: me is not authorized to perform: lambda:CreateFunction on resource: x';

describe('a creation that fails', () => {
  it('says the first real cause, the resource and what to do, last', async () => {
    cfn().fail('GatherFunction', 'create', DENIED);
    const { code, stderr } = await w.run('deploy --model my-model');
    expect(code).toBe(1);
    expect(lines(stderr).slice(-4)).toEqual([
      'error: making stack batchml failed: it is ROLLBACK_COMPLETE',
      `  GatherFunction (AWS::Lambda::Function): ${DENIED}`,
      '  next: let this user or role do lambda:CreateFunction',
      '  next: mend that, then the same command again: it deletes what is left and makes it anew (asks first, or --yes)',
    ]);
    await expect(w.profiles()).rejects.toThrow();
  });

  it('is one JSON document at the end with --json', async () => {
    cfn().fail('GatherFunction', 'create', DENIED);
    const { code, stdout } = await w.run('deploy --model my-model --json');
    expect(code).toBe(1);
    expect(JSON.parse(lines(stdout).at(-1) ?? '')).toMatchObject({
      error: {
        code: 'stack_failed',
        status: 'ROLLBACK_COMPLETE',
        cause: { id: 'GatherFunction', reason: DENIED, status: 'CREATE_FAILED' },
      },
    });
  });

  it.each([['ROLLBACK_COMPLETE'], ['ROLLBACK_FAILED']])(
    'leaves %s, which is asked about, deleted, and made anew with the settings it had',
    async (status) => {
      cfn().fail('GatherFunction', 'create', 'no');
      if (status === 'ROLLBACK_FAILED') cfn().fail('Table', 'rollback', 'stuck');
      await w.run('deploy --model my-model --batch-size 77');
      expect(w.stack()?.status).toBe(status);
      const broken = w.stack()?.id;
      expect((await w.run('deploy')).code).toBe(2);
      expect((await w.run('deploy', { typed: ['n'] })).code).toBe(1);
      expect((await w.run('deploy', { typed: [] })).code).toBe(1);
      const dry = await w.run('deploy --dry-run --exit-code');
      expect([dry.code, dry.stderr]).toEqual([10, expect.stringContaining('would be deleted and made anew')]);
      expect(w.stack()?.id).toBe(broken);
      const { code, stderr } = await w.run('deploy', { typed: ['yes'] });
      expect(stderr).toContain(`stack batchml is ${status}: it must be deleted and made anew`);
      expect(code).toBe(0);
      expect(w.stack()?.id).not.toBe(broken);
      expect(w.stack()?.parameters['KinesisBatchSize']).toBe('77');
    },
  );

  it('in the toolkit stack says its cause too, and is mended by the same command', async () => {
    cfn().fail('Bucket', 'create', 'batchml-toolkit-bucket already exists');
    const { code, stderr } = await w.run('deploy --model my-model');
    expect(code).toBe(1);
    expect(stderr).toContain('making stack batchml-toolkit failed: it is ROLLBACK_COMPLETE');
    expect(stderr).toContain('Bucket (AWS::S3::Bucket): batchml-toolkit-bucket already exists');
    expect((await w.run('deploy --model my-model')).code).toBe(0);
  });
});

describe("a bucket's name that is taken", () => {
  it('is the cause', async () => {
    await w.run('deploy --model my-model --stack other');
    // Stacks' marks are counted here: the next one's is known.
    const probe = await w.run('deploy --model my-model --stack trial');
    const bucket = /bucket\t(\S+)/.exec(probe.stdout)?.[1] ?? '';
    const mark = Number(/sagemaker-(\d+)-/.exec(bucket)?.[1]);
    await w.run('destroy --stack trial --yes');
    for (let next = mark + 1; next < mark + 400; next++)
      w.aws.s3.create(
        bucket.replace(String(mark).padStart(8, '0'), String(next).padStart(8, '0')),
        '999999999999',
      );
    const { code, stderr } = await w.run('deploy --model my-model');
    expect(code).toBe(1);
    expect(stderr).toMatch(/Bucket \(AWS::S3::Bucket\): batchml-sagemaker-\S+ already exists/);
    expect(stderr).toContain('that name is taken');
  });
});

describe('an update that fails', () => {
  beforeEach(() => w.deployed());

  it('is rolled back, says why, and can be done again', async () => {
    cfn().fail('ApiFunction', 'update', 'too large');
    const { code, stderr } = await w.run('deploy --batch-size 9');
    expect(code).toBe(1);
    expect(stderr).toContain(
      'updating stack batchml failed: it is UPDATE_ROLLBACK_COMPLETE\n  ApiFunction (AWS::Lambda::Function): too large',
    );
    expect(w.stack()?.parameters['KinesisBatchSize']).toBe('5000');
    expect((await w.run('deploy --batch-size 9')).code).toBe(0);
    expect(w.stack()?.parameters['KinesisBatchSize']).toBe('9');
  });

  it('and whose rollback fails is rolled back to its end first, then updated', async () => {
    cfn().fail('ApiFunction', 'update', 'too large');
    cfn().fail('ApiFunction', 'rollback', 'stuck', 2);
    await w.run('deploy --batch-size 9');
    expect(w.stack()?.status).toBe('UPDATE_ROLLBACK_FAILED');
    const dry = await w.run('deploy --dry-run --exit-code');
    expect([dry.code, dry.stderr]).toEqual([10, expect.stringContaining('have its rollback continued')]);
    const still = await w.run('deploy --batch-size 9');
    expect(still.code).toBe(1);
    expect(still.stderr).toContain('ApiFunction (AWS::Lambda::Function): stuck');
    expect(still.stderr).toContain('--resources-to-skip ApiFunction');
    const { code, stderr } = await w.run('deploy --batch-size 9');
    expect(stderr).toContain('its rollback is continued first');
    expect(code).toBe(0);
    expect(w.stack()?.status).toBe('UPDATE_COMPLETE');
  });
});

describe('other states', () => {
  it('REVIEW_IN_PROGRESS counts as absent', async () => {
    cfn().changeSetFailure = 'Transform failed';
    w.aws.faults = (action) => (action === 'cloudformation.DeleteStack' ? 'denied' : undefined);
    const { code, stderr } = await w.run('deploy --model my-model');
    expect(code).toBe(1);
    expect(stderr).toContain("CloudFormation can't make the change set of stack batchml\n  Transform failed");
    expect(stderr).toContain('could not be removed');
    expect(w.stack()?.status).toBe('REVIEW_IN_PROGRESS');
    w.aws.faults = () => undefined;
    cfn().changeSetFailure = undefined;
    expect(await w.run('deploy --model my-model')).toMatchObject({ code: 0 });
  });

  it('DELETE_FAILED is deleted again, and made anew', async () => {
    await w.deployed();
    cfn().fail('SettleQueue', 'delete', 'in use');
    const destroyed = await w.run('destroy --yes');
    expect(destroyed.code).toBe(1);
    expect(destroyed.stderr).toContain('SettleQueue (AWS::SQS::Queue): in use');
    expect(w.stack()?.status).toBe('DELETE_FAILED');
    expect((await w.run('deploy --yes')).code).toBe(0);
    expect(w.stack()?.status).toBe('CREATE_COMPLETE');
  });

  it.each(['CREATE_IN_PROGRESS', 'UPDATE_IN_PROGRESS', 'ROLLBACK_IN_PROGRESS', 'DELETE_IN_PROGRESS'])(
    '%s is said, with the ways to watch and to stop it',
    async (status) => {
      await w.deployed();
      const stack = w.stack();
      if (stack) stack.status = status;
      const { code, stderr } = await w.run('deploy');
      expect(code).toBe(1);
      expect(stderr).toContain('something else is at work on stack batchml');
      expect(stderr).toContain('batchml deploy --attach');
    },
  );
});

describe('what is precious', () => {
  const forbid = (change: (template: ReturnType<typeof templateCopy>) => void) => {
    const template = templateCopy();
    change(template);
    return w.package(template);
  };
  beforeEach(() => w.deployed());

  it.each([
    ['Table', 'the old one is kept'],
    ['Bucket', 'the old one is kept'],
    ['SettleQueue', 'the old one is deleted'],
    ['RestApi', 'the old one is deleted'],
    ['ApiKey', 'the old one is deleted'],
  ])('%s: its replacement is asked about, and refused', async (id, fate) => {
    cfn().forced.set(id, 'True');
    await forbid(({ Resources }) => {
      Object.assign(Resources[id]?.Properties, { Changed: 'yes' });
    });
    const events = w.stack()?.events.length;
    const off = await w.run('deploy');
    expect(off.code).toBe(2);
    expect(off.stderr).toContain(fate);
    expect(off.stderr).toContain('--yes');
    const no = await w.run('deploy', { typed: ['n'] });
    expect([no.code, no.stderr]).toEqual([1, expect.stringContaining('declined; nothing was changed')]);
    expect(w.stack()?.events.length).toBe(events);
    expect(cfn().changeSets.get(w.stack()?.id ?? '')).toEqual([]);
    expect((await w.run('deploy --dry-run')).code).toBe(0);
    expect((await w.run('deploy', { typed: ['y'] })).code).toBe(0);
  });

  it('a replacement that CloudFormation is not sure of, and a removal', async () => {
    cfn().forced.set('Table', 'Conditional');
    await forbid(({ Resources }) => {
      Object.assign(Resources['Table']?.Properties, { Changed: 'yes' });
      Reflect.deleteProperty(Resources, 'StreamDeadLettersPolicy');
    });
    const { code, stderr } = await w.run('deploy');
    expect(code).toBe(2);
    expect(stderr).toMatch(/may replace +Table/);
    expect(stderr).toMatch(/remove +StreamDeadLettersPolicy/);
    expect((await w.run('deploy --yes')).code).toBe(0);
  });

  it('nobody is asked about others', async () => {
    await forbid(({ Resources }) => Reflect.deleteProperty(Resources, 'Dashboard'));
    expect((await w.run('deploy')).code).toBe(0);
  });
});
