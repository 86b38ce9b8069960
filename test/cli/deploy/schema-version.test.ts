/** An update to another schema version: only while no work is open. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SCHEMA_VERSION } from '../../../backend/core/schema-version.ts';
import { lines } from '../../support/run-cli.ts';
import { DeployWorld, templateCopy } from './world.ts';

const NOTHING = { chunks: false, batches: 0, transforms: 0, submissions: 0 };
const NEXT = SCHEMA_VERSION + 1;

let w: DeployWorld;
beforeEach(async () => {
  w = await DeployWorld.create();
});
afterEach(() => w.dispose());

/** Packs a template of that version, whose code differs; undefined: as it was before there were versions. */
async function packed(version: number | undefined): Promise<void> {
  const { Outputs, Resources, ...template } = templateCopy();
  const { SchemaVersion, ...others } = Outputs;
  const versioned = { SchemaVersion: { ...SchemaVersion, Value: String(version) } };
  const { ScheduleRule } = Resources;
  if (ScheduleRule === undefined) throw new Error('no such resource');
  const Properties = { ...ScheduleRule.Properties, Description: `version ${version}` };
  await w.package({
    ...template,
    Resources: { ...Resources, ScheduleRule: { ...ScheduleRule, Properties } },
    Outputs: { ...others, ...(version === undefined ? {} : versioned) },
  });
}

const versionOf = () => w.stack()?.template.Outputs?.['SchemaVersion']?.Value;
const executed = () => w.aws.log.filter((action) => /ExecuteChangeSet|s3\.Put/.test(action));

describe('an update to another schema version', () => {
  beforeEach(async () => {
    await w.deployed();
    await packed(NEXT);
  });

  it('is refused while work is open: says the versions, what is open and how to drain; changes nothing', async () => {
    w.aws.apiGateway.open = { chunks: true, batches: 3, transforms: 1, submissions: 2 };
    const { code, stderr } = await w.run('deploy --drained');
    expect(code).toBe(1);
    expect(stderr).toContain(
      `stack batchml can't be updated from schema version ${SCHEMA_VERSION} to ${NEXT}: it has open work`,
    );
    expect(stderr).toContain('jobs that no batch has, 3 batches, 1 transform job, 2 submissions');
    for (const step of ['stop submitting', 'batchml status SUBMISSION --watch', 'batchml cancel SUBMISSION'])
      expect(stderr).toContain(step);
    expect(stderr).toContain('then the same command again');
    expect(executed()).toEqual([]);
    expect(versionOf()).toBe(String(SCHEMA_VERSION));
    // Each kind alone is enough.
    for (const one of [{ chunks: true }, { batches: 1 }, { transforms: 1 }, { submissions: 1 }]) {
      w.aws.apiGateway.open = { ...NOTHING, ...one };
      expect((await w.run('deploy')).code).toBe(1);
    }
  });

  it('goes on once nothing is open', async () => {
    const { code, stderr } = await w.run('deploy');
    expect([code, stderr]).toEqual([0, stderr]);
    expect(stderr).toContain(`update from schema version ${SCHEMA_VERSION} to ${NEXT}: no work is open`);
    expect(versionOf()).toBe(String(NEXT));
  });

  it('is said by a dry run, which goes on', async () => {
    w.aws.apiGateway.open = { ...NOTHING, batches: 1 };
    const { code, stderr } = await w.run('deploy --dry-run');
    expect(code).toBe(0);
    expect(stderr).toContain('it has open work: 1 batch;');
    expect(stderr).toContain('nothing was changed');
  });

  it('wants --drained where the API does not say what is open', async () => {
    w.aws.apiGateway.open = undefined;
    const refused = await w.run('deploy --json');
    expect(refused.code).toBe(1);
    expect(
      lines(refused.stdout)
        .map((line) => JSON.parse(line))
        .at(-1),
    ).toMatchObject({
      error: {
        code: 'open_work_unknown',
        next: expect.arrayContaining([expect.stringContaining('--drained')]),
      },
    });
    expect(executed()).toEqual([]);
    expect((await w.run('deploy --drained')).code).toBe(0);
    expect(versionOf()).toBe(String(NEXT));
  });

  it('is refused where the API refuses to answer', async () => {
    w.aws.apiGateway.refusals = 1;
    const { code, stderr } = await w.run('deploy');
    expect(code).toBe(1);
    expect(stderr).toContain('it may have open work');
  });
});

describe('a stack from before there were versions', () => {
  beforeEach(async () => {
    await packed(undefined);
    await w.deployed();
    await packed(SCHEMA_VERSION);
  });

  it('is of version 1, which does not tell what is open: it is updated with --drained alone', async () => {
    const { code, stderr } = await w.run('deploy --yes');
    expect(code).toBe(1);
    expect(stderr).toContain(`from schema version 1 to ${SCHEMA_VERSION}: it may have open work`);
    expect(stderr).toContain('version 1 does not tell what is open');
    expect(stderr).toContain('the same command with --drained');
    expect((await w.run('deploy --drained')).code).toBe(0);
    expect(versionOf()).toBe(String(SCHEMA_VERSION));
  });
});

it('the same schema version is not asked for: open work goes on through an update', async () => {
  await w.deployed();
  w.aws.apiGateway.open = { ...NOTHING, batches: 1 };
  await w.package(templateCopy(), 'two');
  const { code, stderr } = await w.run('deploy --batch-size 100');
  expect([code, stderr]).toEqual([0, stderr]);
  expect(stderr).not.toContain('schema version');
});
