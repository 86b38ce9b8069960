/** Ctrl-C before and after the change set is executed, watching on, and cancelling. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lines } from '../../support/run-cli.ts';
import { DeployWorld } from './world.ts';

let w: DeployWorld;
beforeEach(async () => {
  w = await DeployWorld.create();
});
afterEach(() => w.dispose());

const cfn = () => w.aws.cloudFormation;
/** Ctrl-C when an action is asked for the nth time. */
const interruptAt = (action: string, at: number, name: 'SIGINT' | 'SIGTERM' = 'SIGINT'): void => {
  w.aws.faults = (asked, nth) => {
    if (asked === action && nth === at) w.world.signal(name);
    return undefined;
  };
};
const leftovers = () => [...cfn().changeSets.values()].flat();

describe('Ctrl-C before anything is executed', () => {
  it.each([
    ['sts.GetCallerIdentity', 1],
    ['sagemaker.DescribeModel', 1],
    ['servicequotas.ListServiceQuotas', 2],
    ['s3.PUT object', 3],
    ['cloudformation.CreateChangeSet', 1],
    ['cloudformation.DescribeChangeSet', 1],
    ['cloudformation.DescribeChangeSet', 3],
  ])('at %s (%i): says so first, leaves neither a change set nor a stub', async (action, nth) => {
    interruptAt(action, nth);
    const { code, stderr } = await w.run('deploy --model my-model');
    expect(code).toBe(130);
    expect(stderr).toContain('stopping; nothing was changed');
    expect(w.stack()).toBeUndefined();
    expect(leftovers()).toEqual([]);
    w.aws.faults = () => undefined;
    expect((await w.run('deploy --model my-model')).code).toBe(0);
  });

  it('of an update: the stack stays as it was', async () => {
    await w.deployed();
    // Pending, then ready: the changes are read.
    interruptAt(
      'cloudformation.DescribeChangeSet',
      w.aws.asked('cloudformation.DescribeChangeSet') + 2,
      'SIGTERM',
    );
    const { code } = await w.run('deploy --batch-size 3');
    expect(code).toBe(143);
    expect(leftovers()).toEqual([]);
    expect(w.stack()?.status).toBe('CREATE_COMPLETE');
  });

  it('at a question', async () => {
    const stdin = Object.assign(
      (async function* () {
        w.world.signal('SIGINT');
        await new Promise(() => {});
        yield new Uint8Array();
      })(),
      { isTTY: true },
    );
    const { code } = await w.run('deploy', { tty: true, deps: { stdin } });
    expect(code).toBe(130);
  });
});

describe('Ctrl-C after it is executed', () => {
  it.each([
    ['cloudformation.ExecuteChangeSet', 1],
    ['cloudformation.DescribeStackEvents', 6],
  ])(
    'at %s (%i): detaches, says how to watch again and how to stop, and --attach ends it',
    async (action, nth) => {
      cfn().pace = 20;
      interruptAt(action, nth);
      const { code, stderr } = await w.run('deploy --model my-model --batch-size 5');
      expect(code).toBe(130);
      expect(lines(stderr).slice(-4)).toEqual([
        'no longer watching; CloudFormation goes on. To watch again:',
        '  batchml deploy --attach',
        'to stop it:',
        '  batchml deploy --cancel',
      ]);
      w.aws.faults = () => undefined;
      expect(w.stack()?.moving).toBe(true);
      const attached = await w.run('deploy --attach --json');
      expect(attached.code).toBe(0);
      expect(JSON.parse(lines(attached.stdout).at(-1) ?? '')).toMatchObject({ type: 'result', check: 'ok' });
      expect(w.stack()?.status).toBe('CREATE_COMPLETE');
      // All events of the operation, the first ones too.
      expect(attached.stdout).toContain('"eventId":"batchml-1"');
      expect((await w.profiles()).active).toBe('batchml');
    },
  );
});

describe('--attach', () => {
  it('says how a deployment ended that nobody watched', async () => {
    cfn().pace = 5;
    cfn().fail('StartFunction', 'create', 'broken');
    interruptAt('cloudformation.DescribeStackEvents', 5);
    await w.run('deploy --model my-model');
    w.aws.faults = () => undefined;
    const { code, stderr } = await w.run('deploy --attach');
    expect(code).toBe(1);
    expect(stderr).toContain('StartFunction (AWS::Lambda::Function): broken');
    // And once more when it is long over.
    const later = await w.run('deploy --attach');
    expect([later.code, later.stderr]).toEqual([
      1,
      expect.stringContaining('StartFunction (AWS::Lambda::Function): broken'),
    ]);
  });

  it('saves the profile of a stack that is there: on another machine, say', async () => {
    await w.deployed();
    const other = { HOME: `${w.world.dir}/other` };
    const { code, stderr } = await w.run('deploy --attach', { env: other });
    expect([code, stderr]).toEqual([0, expect.stringContaining('saved as profile batchml')]);
  });

  it('of no stack is exit 2', async () => {
    expect((await w.run('deploy --attach')).code).toBe(2);
  });
});

describe('--cancel', () => {
  it('of an update goes back to what was', async () => {
    await w.deployed();
    cfn().pace = 1;
    interruptAt('cloudformation.ExecuteChangeSet', 2);
    await w.run('deploy --batch-size 5 --retention-days 60');
    w.aws.faults = () => undefined;
    cfn().pace = 3;
    expect(w.stack()?.status).toBe('UPDATE_IN_PROGRESS');
    const { code, stderr } = await w.run('deploy --cancel');
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining('cancelled: stack batchml is as it was before'),
    ]);
    expect(w.stack()?.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(w.stack()?.parameters['KinesisBatchSize']).toBe('5000');
  });

  it('of a creation deletes it, and asks first', async () => {
    cfn().pace = 5;
    interruptAt('cloudformation.DescribeStackEvents', 5);
    await w.run('deploy --model my-model');
    w.aws.faults = () => undefined;
    expect((await w.run('deploy --cancel')).code).toBe(2);
    cfn().pace = 100;
    const { code, stderr } = await w.run('deploy --cancel', { typed: ['y'] });
    expect([code, stderr]).toEqual([0, expect.stringContaining('stack batchml is deleted')]);
    expect(w.stack()).toBeUndefined();
  });

  it('of nothing is exit 0', async () => {
    expect((await w.run('deploy --cancel')).code).toBe(0);
    await w.deployed();
    const { code, stderr } = await w.run('deploy --cancel');
    expect([code, stderr]).toEqual([0, expect.stringContaining('nothing is under way')]);
  });

  it('of what can not be stopped says so', async () => {
    await w.deployed();
    const stack = w.stack();
    if (stack) stack.status = 'UPDATE_ROLLBACK_IN_PROGRESS';
    expect(await w.run('deploy --cancel')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("which can't be stopped"),
    });
  });
});
