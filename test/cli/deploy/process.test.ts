/** The real program against the fake, by AWS_ENDPOINT_URL: signals, exit codes, and what it loads. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
// @ts-expect-error: a script without types
import { buildStack } from '../../../scripts/synth.mjs';
import { type Home, makeHome } from '../../support/cli-process.ts';
import { FakeAws } from '../../support/fake-aws/index.ts';

const STACK = fileURLToPath(new URL('../../../cli/dist/stack/template.json', import.meta.url));

let aws: FakeAws;
let home: Home;
beforeEach(async () => {
  if (!existsSync(STACK)) await buildStack();
  aws = await FakeAws.start();
  aws.sageMaker.models.set('my-model', 'arn:aws:iam::123456789012:role/model-role');
  aws.iam.roles.set('model-role', 'sagemaker.amazonaws.com');
  home = makeHome();
}, 60_000);
afterEach(async () => {
  await home.dispose();
  await aws.stop();
});

const env = () => ({
  AWS_ENDPOINT_URL: aws.endpoint,
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
});

describe('the real program', () => {
  it('deploys, finds nothing to change, and destroys', async () => {
    aws.cloudFormation.pace = 1000;
    const made = await home.run(['deploy', '--model', 'my-model'], { env: env() });
    expect([made.code, made.stderr]).toEqual([0, expect.stringContaining('ok the endpoint answers')]);
    // Nothing of the SDK's own gets through.
    expect(made.stderr).not.toMatch(/Warning|node:/);
    const again = await home.run(['deploy'], { env: env() });
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('nothing changes')]);
    const info = await home.run(['info', '--json']);
    expect(JSON.parse(info.stdout)).toMatchObject({ profile: 'batchml' });
    const gone = await home.run(['destroy', '--yes', '--delete-data'], { env: env() });
    expect([gone.code, aws.cloudFormation.stack('batchml')]).toEqual([0, undefined]);
  });

  it('stops at Ctrl-C before it changes anything, and detaches after', async () => {
    aws.faults = (action) => (action === 'cloudformation.CreateChangeSet' ? 'hang' : undefined);
    const before = home.start(['deploy', '--model', 'my-model'], { env: env() });
    await before.says('asking CloudFormation what will change');
    before.child.kill('SIGINT');
    // A request that hangs is given up with the time for cleaning up.
    const stopped = await before.ended;
    expect([stopped.code, stopped.stderr]).toEqual([
      130,
      expect.stringContaining('stopping; nothing was changed'),
    ]);
    aws.faults = () => undefined;
    aws.cloudFormation.pace = 2;
    const after = home.start(['deploy', '--model', 'my-model'], { env: env() });
    await after.says('GatherQueue');
    after.child.kill('SIGINT');
    const detached = await after.ended;
    expect(detached.code).toBe(130);
    expect(detached.stderr.trimEnd()).toMatch(/batchml deploy --cancel$/);
    expect(aws.cloudFormation.stack('batchml')?.moving).toBe(true);
  }, 60_000);
});
