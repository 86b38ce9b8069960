/** Credentials, throttling, uploads, lost connections, and two at once. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeployWorld } from './world.ts';

let w: DeployWorld;
beforeEach(async () => {
  w = await DeployWorld.create();
});
afterEach(() => w.dispose());

const cfn = () => w.aws.cloudFormation;

describe('credentials', () => {
  it('that are expired: whose they are, what to run, exit 4', async () => {
    w.aws.faults = () => 'expired';
    const { code, stderr } = await w.run('deploy --model my-model');
    expect(code).toBe(4);
    expect(stderr).toContain('AWS refuses the credentials from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
    expect(stderr).toContain('The security token included in the request is expired');
    const named = await w.run('deploy --model my-model --aws-profile work');
    expect(named.code).toBe(4);
    expect(named.stderr).toContain('AWS profile work (--aws-profile)');
    expect(named.stderr.trimEnd()).toMatch(/aws sso login --profile work$/);
  });

  it('that expire while events stream: CloudFormation goes on, and can be watched again', async () => {
    cfn().pace = 5;
    w.aws.faults = (action, nth) =>
      action === 'cloudformation.DescribeStackEvents' && nth > 12 ? 'expired' : undefined;
    const { code, stderr } = await w.run('deploy --model my-model');
    expect(code).toBe(4);
    expect(stderr).toContain('CloudFormation goes on without us');
    expect(stderr.trimEnd()).toMatch(/batchml deploy --attach$/);
    w.aws.faults = () => undefined;
    const again = await w.run('deploy --attach');
    expect([again.code, w.stack()?.status]).toEqual([0, 'CREATE_COMPLETE']);
    expect((await w.profiles()).active).toBe('batchml');
  });

  it('that are missing, and a profile that there is not', async () => {
    const home = join(w.world.dir, '.aws');
    await mkdir(home);
    await writeFile(join(home, 'config'), '[profile empty]\nregion = eu-west-1\n');
    const env = { AWS_CONFIG_FILE: join(home, 'config'), AWS_SHARED_CREDENTIALS_FILE: join(home, 'none') };
    const before = { ...process.env };
    Object.assign(process.env, env, { AWS_EC2_METADATA_DISABLED: 'true' });
    try {
      // The SDK looks by itself here.
      const aws = { endpoint: w.aws.endpoint } as never;
      const none = await w.run('deploy --model my-model', {
        deps: { aws },
        env: { AWS_ACCESS_KEY_ID: undefined },
      });
      expect(none.code).toBe(4);
      expect(none.stderr).toContain("no AWS credentials from the SDK's default chain");
      const strange = await w.run('deploy --model my-model --aws-profile gone', { deps: { aws } });
      expect(strange.code).toBe(4);
      expect(strange.stderr).toContain('no AWS credentials from AWS profile gone (--aws-profile)');
      expect(strange.stderr).toContain('aws configure list-profiles');
    } finally {
      process.env = before;
    }
  });

  it('a region that nobody names is exit 2', async () => {
    const before = { ...process.env };
    Object.assign(process.env, { AWS_CONFIG_FILE: join(w.world.dir, 'none') });
    try {
      const { code, stderr } = await w.run('deploy --model my-model', { env: { AWS_REGION: undefined } });
      expect([code, stderr]).toEqual([2, expect.stringContaining('--region eu-west-1')]);
    } finally {
      process.env = before;
    }
  });

  it('that may not: what was refused, exit 4', async () => {
    w.aws.faults = (action) => (action === 'cloudformation.CreateChangeSet' ? 'denied' : undefined);
    const { code, stderr } = await w.run('deploy --model my-model');
    expect(code).toBe(4);
    expect(stderr).toContain('not allowed: making a change set of stack batchml');
    expect(stderr).toContain('is not authorized to perform: cloudformation:CreateChangeSet');
  });
});

describe('throttling', () => {
  it('is waited out', async () => {
    const left = new Map<string, number>();
    w.aws.faults = (action) => {
      const count = left.get(action) ?? 1;
      left.set(action, count - 1);
      return count > 0 && /DescribeStackEvents|CreateChangeSet|PUT object|ListServiceQuotas/.test(action)
        ? 'throttle'
        : undefined;
    };
    expect((await w.run('deploy --model my-model')).code).toBe(0);
  });
});

describe('an upload that fails half-way', () => {
  it('leaves what is up, and the next try uploads the rest only', async () => {
    w.aws.faults = (action, nth) =>
      action === 's3.PUT object' && nth > 4
        ? { status: 500, code: 'InternalError', message: 'We encountered an internal error.' }
        : undefined;
    const { code, stderr } = await w.run('deploy --model my-model');
    expect(code).toBe(1);
    expect(stderr).toContain('uploading code to');
    expect(w.stack()).toBeUndefined();
    w.aws.faults = () => undefined;
    w.aws.log.length = 0;
    const again = await w.run('deploy --model my-model');
    expect(again.code).toBe(0);
    // The template and three zips were up.
    expect(again.stderr).toContain('uploaded 3 zip files');
    expect(w.aws.log.filter((action) => action === 's3.PUT object')).toHaveLength(3);
  }, 90_000);

  it('one that was cut off is uploaded again', async () => {
    await w.deployed();
    const bucket = [...w.aws.s3.buckets.keys()].find((name) => name.startsWith('batchml-toolkit')) ?? '';
    const key = w.aws.s3.keys(bucket).find((name) => name.includes('gather')) ?? '';
    w.aws.s3.put(bucket, key, 'x');
    expect((await w.run('deploy')).stderr).toContain('uploaded 1 zip file');
  });

  it("a bucket that is somebody else's, or gone, is neither written nor read", async () => {
    await w.deployed();
    const bucket = [...w.aws.s3.buckets.keys()].find((name) => name.startsWith('batchml-toolkit')) ?? '';
    w.aws.s3.buckets.delete(bucket);
    w.aws.s3.create(bucket, '999999999999');
    const foreign = await w.run('deploy');
    expect([foreign.code, foreign.stderr]).toEqual([
      4,
      expect.stringContaining(`no access to the assets bucket ${bucket}`),
    ]);
    w.aws.s3.buckets.delete(bucket);
    const gone = await w.run('deploy');
    expect([gone.code, gone.stderr]).toEqual([
      1,
      expect.stringContaining(`the assets bucket ${bucket} is gone`),
    ]);
  });
});

describe('a connection that is lost while events stream', () => {
  it('for a while: it goes on where it was', async () => {
    cfn().pace = 10;
    w.aws.faults = (action, nth) =>
      /DescribeStackEvents/.test(action) && nth > 20 && nth < 30 ? 'reset' : undefined;
    const { code, stderr, stdout } = await w.run('deploy --model my-model --json');
    expect(code).toBe(0);
    expect(stderr).toContain('no answer from CloudFormation; it goes on, and so do we');
    const told = stdout.split('\n').flatMap((line) => /"eventId":"(batchml-\d+)"/.exec(line)?.[1] ?? []);
    expect(told).toEqual(
      w
        .stack()
        ?.events.slice(1)
        .map(({ EventId }) => EventId),
    );
  });

  it('for good: says that CloudFormation goes on and how to watch again', async () => {
    cfn().pace = 5;
    w.aws.faults = (action, nth) => {
      if (action !== 'cloudformation.DescribeStacks' || nth < 10) return undefined;
      w.pass(40_000);
      return 'reset';
    };
    const { code, stderr } = await w.run('deploy --model my-model');
    expect(code).toBe(1);
    expect(stderr).toContain("AWS can't be reached");
    expect(stderr.trimEnd()).toMatch(/batchml deploy --attach$/);
  });

  it('an answer that is lost does not deploy twice', async () => {
    w.aws.faults = (action, nth) =>
      action === 'cloudformation.DescribeChangeSet' && nth === 1 ? 'lost' : undefined;
    expect((await w.run('deploy --model my-model')).code).toBe(0);
  });
});

describe('two deployments at once', () => {
  it('of a new stack: one wins, the other says so and leaves it alone', async () => {
    const [a, b] = await Promise.all([w.run('deploy --model my-model'), w.run('deploy --model my-model')]);
    expect([a.code, b.code].sort()).toEqual([0, 1]);
    const loser = a.code === 1 ? a : b;
    expect(loser.stderr).toMatch(/another deployment was faster|something else is at work/);
    expect(w.stack()?.status).toBe('CREATE_COMPLETE');
    expect([...w.aws.s3.buckets.keys()].filter((name) => name.startsWith('batchml-toolkit'))).toHaveLength(1);
  });

  it('of an existing one', async () => {
    await w.deployed();
    cfn().pace = 1;
    const [a, b] = await Promise.all([w.run('deploy --batch-size 5'), w.run('deploy --batch-size 6')]);
    expect([a.code, b.code].sort()).toEqual([0, 1]);
    expect(['5', '6']).toContain(w.stack()?.parameters['KinesisBatchSize']);
  });
});

describe('time', () => {
  it('--timeout ends the watching, exit 8, with the way to go on', async () => {
    cfn().pace = 1;
    const { code, stderr } = await w.run('deploy --model my-model --timeout 20');
    expect(code).toBe(8);
    expect(stderr).toContain('still making batchml after 20 s\n  CloudFormation goes on');
    expect(stderr.trimEnd()).toMatch(/batchml deploy --attach$/);
  });
});
