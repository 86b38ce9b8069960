/** Deploying where nothing goes wrong. */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lines } from '../../support/run-cli.ts';
import { DeployWorld, ROLE, templateCopy } from './world.ts';

let w: DeployWorld;
beforeEach(async () => {
  w = await DeployWorld.create();
});
afterEach(() => w.dispose());

const jsonLines = (text: string) => lines(text).map((line) => JSON.parse(line));

describe('a first deployment', () => {
  it('goes from nothing to an endpoint with a saved, active profile', async () => {
    const { code, stdout, stderr } = await w.run('deploy --model my-model');
    expect([code, stderr]).toEqual([0, stderr]);
    expect(stderr.indexOf('account  123456789012\nregion   eu-west-1')).toBeGreaterThan(0);
    expect(stderr.indexOf('account  123456789012')).toBeLessThan(stderr.indexOf('making the assets bucket'));
    expect(stderr).toContain('adds 105 resources: 14 ApiGateway::Method');
    expect(stderr).toContain('ok the endpoint answers');
    expect(stderr).toContain('saved as profile batchml, now the active one');
    expect(stderr.trimEnd()).toMatch(/next:\n {2}batchml submit FILE$/);
    expect(w.stack()?.status).toBe('CREATE_COMPLETE');
    const { active, profiles } = await w.profiles();
    expect(active).toBe('batchml');
    expect(profiles['batchml']).toEqual({
      endpoint: expect.stringContaining(`${w.aws.endpoint}/api/`),
      key: expect.stringMatching(/^value-of-/),
      stack: 'batchml',
      account: '123456789012',
      region: 'eu-west-1',
      model: 'my-model',
    });
    expect((await stat(join(w.world.dir, '.config/batchml/profiles.json'))).mode & 0o777).toBe(0o600);
    // Data only on stdout, and never the key.
    expect(stdout).toContain(`endpoint\t${profiles['batchml']?.['endpoint']}\n`);
    expect(stdout + stderr).not.toContain(profiles['batchml']?.['key']);
  });

  it("grants the model's role, and guards every request to S3 by its owner", async () => {
    await w.deployed();
    expect(w.stack()?.parameters).toMatchObject({ ModelName: 'my-model', ModelRoleArn: ROLE });
    expect(w.aws.s3.unguarded).toEqual([]);
  });

  it('tells every resource once, in the order of its events', async () => {
    w.aws.cloudFormation.pace = 7;
    const { stdout } = await w.run('deploy --model my-model --json');
    const told = jsonLines(stdout)
      .filter(({ type, stack }) => type === 'resource' && stack === 'batchml')
      .map(({ eventId }) => eventId);
    const happened = w
      .stack()
      ?.events.slice(1)
      .map(({ EventId }) => EventId);
    expect(told).toEqual(happened);
  });

  it('speaks JSON Lines, each typed and timed, the result last', async () => {
    const { stdout } = await w.run('deploy --model my-model --json');
    const all = jsonLines(stdout);
    for (const line of all)
      expect(line).toMatchObject({
        type: expect.any(String),
        version: 1,
        time: expect.stringMatching(/^2026-/),
      });
    expect(all[1]).toMatchObject({
      type: 'target',
      account: '123456789012',
      region: 'eu-west-1',
      status: null,
    });
    expect(all.at(-1)).toMatchObject({ type: 'result', stack: 'batchml', changed: true, check: 'ok' });
    expect(stdout).not.toContain('value-of-');
  });

  it('obeys a clock of AWS that is ahead of ours, or behind', async () => {
    for (const [name, skew] of [
      ['ahead', 3_600_000],
      ['behind', -3_600_000],
    ] as const) {
      w.aws.clock.skewMs = skew;
      const { code, stderr } = await w.run(`deploy --model my-model --stack ${name}`);
      expect(code).toBe(0);
      expect(stderr).toContain('ApiFunction (Lambda::Function)');
    }
  });

  it('asks for a model on a terminal, from a list', async () => {
    for (const name of ['second', 'third', 'fourth', 'fifth', 'sixth', 'seventh'])
      w.aws.sageMaker.models.set(name, ROLE);
    const { code, stderr } = await w.run('deploy', { typed: ['7'] });
    expect(stderr).toContain('which SageMaker model? The newest:\n  1  seventh\n  2  sixth');
    expect(code).toBe(0);
    expect(w.stack()?.parameters['ModelName']).toBe('my-model');
    expect((await w.run('deploy --stack other', { typed: ['fifth'] })).code).toBe(0);
    expect(w.stack('other')?.parameters['ModelName']).toBe('fifth');
    expect((await w.run('deploy --stack third', { typed: [''] })).code).toBe(2);
  });

  it('off a terminal a missing model is exit 2 naming the flag, and nothing is made', async () => {
    for (const options of [{}, { typed: ['1'], env: { CI: 'true' } }]) {
      const { code, stderr } = await w.run('deploy', options);
      expect(code).toBe(2);
      expect(stderr).toContain('--model');
    }
    expect((await w.run('deploy --no-input', { typed: ['1'] })).code).toBe(2);
    expect(w.aws.cloudFormation.stacks).toEqual([]);
  });
});

describe('another deployment', () => {
  it('changes nothing where nothing changes, and says so with exit 0', async () => {
    await w.deployed();
    const before = w.stack()?.events.length;
    const { code, stderr } = await w.run('deploy');
    expect(code).toBe(0);
    expect(stderr).toContain('nothing changes: stack batchml is as it should be');
    expect(w.stack()?.events.length).toBe(before);
    expect([...w.aws.cloudFormation.changeSets.values()].flat()).toEqual([]);
    expect(w.aws.asked('s3.PUT object')).toBe(7);
  });

  it('keeps the key that a rotation made', async () => {
    await w.deployed();
    const { keys, disabled } = w.aws.apiGateway;
    disabled.add([...keys.keys()][0] as string);
    keys.set('rotated', 'new-value');
    expect((await w.run('deploy')).stderr).toContain('ok the endpoint answers');
    expect((await w.profiles()).profiles['batchml']?.['key']).toBe('new-value');
  });

  it('changes what is given, shows it first, and keeps the rest', async () => {
    await w.deployed('--batch-size 100 --tracing on');
    const { code, stderr } = await w.run('deploy --max-transform-jobs 7 --notice-email a@b.de');
    expect(code).toBe(0);
    expect(stderr).toMatch(/--max-transform-jobs +2 +7/);
    expect(stderr).toMatch(/--notice-email +\(empty\) +a@b.de/);
    expect(stderr).not.toMatch(/--batch-size/);
    expect(stderr).toMatch(/add +NoticeSubscription/);
    expect(w.stack()?.parameters).toMatchObject({
      MaxTransformJobs: '7',
      KinesisBatchSize: '100',
      TracingMode: 'Active',
      NoticeEmail: 'a@b.de',
      ModelName: 'my-model',
    });
    expect(w.stack()?.status).toBe('UPDATE_COMPLETE');
    await w.run('deploy --notice-email none');
    expect(w.stack()?.parameters['NoticeEmail']).toBe('');
  });

  it('makes a stream where one is asked for, keeps it, and takes it away again without a question', async () => {
    const hasStream = () => w.stack()?.resources.has('Stream');
    await w.deployed();
    expect(hasStream()).toBe(false);
    const done = JSON.parse(lines((await w.run('deploy --json')).stdout).at(-1) ?? '');
    expect(done.outputs.JobStreamName).toBe('');
    const refused = await w.run('deploy --shard-count many');
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringContaining('It must be a whole number from 0 to 500, or on-demand'),
    ]);
    expect((await w.run('deploy --shard-count 2')).code).toBe(0);
    expect(hasStream()).toBe(true);
    expect((await w.run('deploy --log-level WARN')).code).toBe(0);
    expect(w.stack()?.parameters['JobStreamShardCount']).toBe('2');
    const far = await w.run('deploy --shard-count 5');
    expect([far.code, far.stderr]).toEqual([2, expect.stringContaining('--shard-count 4')]);
    expect((await w.run('deploy --shard-count on-demand')).code).toBe(0);
    expect(w.stack()?.parameters['JobStreamShardCount']).toBe('-1');
    expect((await w.run('deploy --shard-count 0')).code).toBe(0);
    expect(hasStream()).toBe(false);
  });

  it('gives parameters that the older template did not have their defaults', async () => {
    const { TracingMode: _, ...older } = templateCopy().Parameters;
    const Resources = structuredClone(templateCopy().Resources) as Record<string, { Properties: object }>;
    for (const resource of Object.values(Resources))
      Reflect.deleteProperty(resource.Properties, 'TracingConfig');
    const Conditions = { ...templateCopy().Conditions, Tracing: { 'Fn::Equals': ['a', 'b'] } };
    await w.package({ ...templateCopy(), Parameters: older, Resources, Conditions } as never);
    await w.deployed();
    await w.package(templateCopy());
    expect((await w.run('deploy')).code).toBe(0);
    expect(w.stack()?.parameters['TracingMode']).toBe('PassThrough');
  });

  it('does without a template in a bucket where it is small', async () => {
    const { Description, Parameters, Conditions, Mappings, Rules, Outputs, Resources } = templateCopy();
    const few = [
      'Table',
      'Bucket',
      'RestApi',
      'ApiKey',
      'Stream',
      'ResultsQueue',
      'ResultsQueuePolicy',
      'ResultsDeadLetters',
    ];
    const kept = Object.fromEntries(few.map((id) => [id, Resources[id]]));
    await w.package({
      Description,
      Parameters,
      Conditions,
      Mappings,
      Rules,
      Outputs,
      Resources: kept,
    } as never);
    await w.deployed();
    const [bucket = ''] = [...w.aws.s3.buckets.keys()].filter((name) => name.startsWith('batchml-toolkit'));
    expect(w.aws.s3.keys(bucket).filter((key) => key.includes('template'))).toEqual([]);
  });

  it('refuses settings that do not go together, before or after asking AWS, with exit 2', async () => {
    const both = await w.run('deploy --model my-model --max-payload-mb 50 --max-concurrent-transforms 3');
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining('is over 100')]);
    await w.deployed('--max-payload-mb 50');
    expect((await w.run('deploy --max-concurrent-transforms 3')).code).toBe(2);
    const rate = await w.run('deploy --schedule-rate day');
    expect([rate.code, rate.stderr]).toEqual([2, expect.stringContaining('--trigger schedule')]);
    const rule = await w.run('deploy --trigger schedule --schedule-rate year');
    expect([rule.code, rule.stderr]).toEqual([
      2,
      expect.stringContaining('RetentionDays must be 400 or more'),
    ]);
    expect(w.stack()?.status).toBe('CREATE_COMPLETE');
    for (const flag of ['--batch-size 0', '--instance-type big', '--notice-email me', '--retention-days 8'])
      expect((await w.run(`deploy ${flag}`)).code).toBe(2);
  });
});

describe('checks beforehand', () => {
  it('a model that is not there is exit 2, and a similar one is named', async () => {
    const { code, stderr } = await w.run('deploy --model my-modle');
    expect(code).toBe(2);
    expect(stderr).toContain('there is no SageMaker model my-modle');
    expect(stderr).toContain('did you mean my-model?');
  });

  it('a role that is gone, or that SageMaker may not take', async () => {
    w.aws.iam.roles.set('model-role', 'lambda.amazonaws.com');
    expect((await w.run('deploy --model my-model')).stderr).toContain('SageMaker may not take the role');
    w.aws.iam.roles.clear();
    const { code, stderr } = await w.run('deploy --model my-model');
    expect([code, stderr]).toEqual([1, expect.stringContaining(`there is no role ${ROLE}`)]);
  });

  it('a quota of none, of too few, and of a machine that there is not', async () => {
    const none = await w.run('deploy --model my-model --instance-type ml.g5.xlarge');
    expect(none.code).toBe(1);
    expect(none.stderr).toContain('this account may use no ml.g5.xlarge for transform jobs in eu-west-1');
    expect(none.stderr).toContain('aws service-quotas request-service-quota-increase');
    const few = await w.run('deploy --model my-model --instance-type ml.m5.xlarge');
    expect([few.code, few.stderr]).toEqual([
      0,
      expect.stringContaining('1 transform job of 2 can run at a time'),
    ]);
    const wrong = await w.run('deploy --model my-model --instance-type ml.m5.xxlarge');
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('there are ml.m5.xlarge')]);
  });

  it('the logging role, only where logging is asked for', async () => {
    await w.deployed();
    expect(w.aws.asked('apigateway.GET /account')).toBe(0);
    const { code, stderr } = await w.run('deploy --api-logging on');
    expect([code, stderr]).toEqual([1, expect.stringContaining('update-account')]);
    w.aws.apiGateway.cloudwatchRoleArn = 'arn:aws:iam::123456789012:role/logs';
    expect((await w.run('deploy --api-logging on')).code).toBe(0);
  });

  it('what may not be looked at is a note', async () => {
    w.aws.faults = (action) => (/^(iam|servicequotas)\./.test(action) ? 'denied' : undefined);
    const { code, stderr } = await w.run('deploy --model my-model');
    expect(code).toBe(0);
    expect(stderr).toContain('execution role of my-model: not allowed to look (iam:GetRole)');
    expect(stderr).toContain('quota of ml.m5.large for transform jobs: not allowed to look');
  });
});

describe('the endpoint', () => {
  it('is waited for, as a new one refuses at first', async () => {
    w.aws.apiGateway.refusals = 3;
    const { code, stderr } = await w.run('deploy --model my-model');
    expect([code, stderr]).toEqual([0, expect.stringContaining('ok the endpoint answers')]);
  });

  it('that does not answer within a minute is a warning that says how to look again', async () => {
    w.aws.apiGateway.refusals = 1000;
    const { code, stdout, stderr } = await w.run('deploy --model my-model');
    expect(code).toBe(0);
    expect(stderr).toContain('the endpoint does not answer yet');
    expect(stderr).toContain('Look again:\n  batchml info');
    expect(stdout).toContain('endpoint\t');
    expect((await w.profiles()).active).toBe('batchml');
  });

  it('is not asked with --no-check', async () => {
    w.aws.apiGateway.refusals = 1000;
    const { code } = await w.run('deploy --model my-model --no-check');
    expect([code, w.aws.asked('api.GET /api/')]).toEqual([0, 0]);
  });
});

describe('--dry-run', () => {
  it('makes nothing at all in an account without the assets bucket', async () => {
    const { code, stdout, stderr } = await w.run('deploy --model my-model --dry-run --exit-code');
    expect(code).toBe(10);
    expect(lines(stdout)).toHaveLength(110);
    expect(stderr).toContain('the assets bucket (stack batchml-toolkit) would be made first');
    expect(w.aws.cloudFormation.stacks).toEqual([]);
  });

  it('leaves no stub of a new stack', async () => {
    await w.deployed();
    const { code, stdout } = await w.run('deploy --model my-model --stack other --dry-run');
    expect(code).toBe(0);
    expect(lines(stdout)).toHaveLength(105);
    expect(w.stack('other')).toBeUndefined();
    expect(w.aws.cloudFormation.stacks.at(-1)?.status).toBe('DELETE_COMPLETE');
  });

  it('says differences with exit code 10, none with 0', async () => {
    await w.deployed();
    expect((await w.run('deploy --dry-run --exit-code')).code).toBe(0);
    expect((await w.run('deploy --dry-run --batch-size 9')).code).toBe(0);
    const { code, stdout, stderr } = await w.run('deploy --dry-run --exit-code --batch-size 9 --json');
    expect(code).toBe(10);
    expect(jsonLines(stdout).at(-1)).toMatchObject({ type: 'result', dryRun: true, differences: true });
    expect(stderr).toContain('nothing was changed');
    expect(w.stack()?.status).toBe('CREATE_COMPLETE');
    expect(w.aws.cloudFormation.changeSets.get(w.stack()?.id ?? '')).toEqual([]);
  });
});

describe('profiles', () => {
  it('of another stack, place, or of the local server, are left alone', async () => {
    const local = { endpoint: 'http://127.0.0.1:1', key: 'k', dataDir: '/x' };
    await mkdir(join(w.world.dir, '.config/batchml'), { recursive: true });
    const file = join(w.world.dir, '.config/batchml/profiles.json');
    await writeFile(file, JSON.stringify({ active: 'batchml', profiles: { batchml: local } }));
    await w.deployed();
    const before = await w.profiles();
    expect(before.profiles['batchml']).toEqual(local);
    expect(before.active).toBe('batchml-eu-west-1');
    // The same name elsewhere. (The fake has one region only.)
    await w.run('deploy --region eu-central-1');
    expect(Object.keys((await w.profiles()).profiles)).toEqual([
      'batchml',
      'batchml-eu-west-1',
      'batchml-eu-central-1',
    ]);
    const named = await w.run('deploy --profile batchml');
    expect([named.code, named.stderr]).toEqual([2, expect.stringContaining('is not one of a stack')]);
    const variable = await w.run('deploy --model my-model --stack other', {
      env: { BATCHML_PROFILE: 'batchml' },
    });
    expect([variable.code, (await w.profiles()).profiles['batchml']]).toEqual([0, local]);
  });

  it('remember the AWS profile, and say when a variable wins over them', async () => {
    const env = { AWS_PROFILE: 'work', AWS_ACCESS_KEY_ID: undefined, BATCHML_PROFILE: 'mine' };
    const { stderr } = await w.run('deploy --model my-model --profile its', { env });
    expect((await w.profiles()).profiles['its']).toMatchObject({ awsProfile: 'work', region: 'eu-west-1' });
    expect(stderr).toContain('(AWS profile work)');
    expect(stderr).toContain('BATCHML_PROFILE is set and wins over it');
    const again = await w.run('deploy --profile its', {
      env: { AWS_ACCESS_KEY_ID: undefined, AWS_REGION: 'us-east-1' },
    });
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('(AWS profile work)')]);
    expect(again.stderr).toContain('region   eu-west-1');
  });
});

describe('--export', () => {
  it('writes template and code, and asks nobody', async () => {
    const { code, stdout, stderr } = await w.run('deploy --export out');
    expect(code).toBe(0);
    expect(w.aws.log).toEqual([]);
    const files = await readdir(join(w.world.dir, 'out'));
    expect(files).toHaveLength(7);
    expect(lines(stdout)).toContain('out/template.json');
    expect(stderr).toContain('--capabilities CAPABILITY_IAM');
    expect(JSON.parse(await readFile(join(w.world.dir, 'out/template.json'), 'utf8'))).toEqual(
      templateCopy(),
    );
  });
});

describe('usage', () => {
  it.each([
    ['deploy --attach --cancel', 'exclude each other'],
    ['deploy --dry-run --export x', 'exclude each other'],
    ['deploy --exit-code', '--exit-code is for --dry-run'],
    ['deploy --stack 1x', "can't be the name of a stack"],
    ['destroy --wait --stop-transform-jobs', 'exclude each other'],
  ])('%s', async (line, text) => {
    const { code, stderr } = await w.run(line);
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)]);
    expect(w.aws.log).toEqual([]);
  });
});

describe("somebody else's stack", () => {
  it.each([['deploy --model my-model'], ['deploy --attach'], ['deploy --cancel'], ['destroy --yes']])(
    '%s leaves it alone',
    async (line) => {
      await w.deployed();
      const { code, stderr } = await w.run(`${line} --stack batchml-toolkit`);
      expect([code, stderr]).toEqual([2, expect.stringContaining('is not one of batchml')]);
      expect(w.stack('batchml-toolkit')?.status).toBe('CREATE_COMPLETE');
    },
  );
});
