/**
 * What of deploying a stock moto server can play the other side of. It can't: stacks made by a change set have neither
 * outputs nor events there, so that a deployment ends with the stack made and no endpoint to be had; a change set without
 * changes is not told apart from one with; SageMaker's quotas, and resources of deleted stacks, are errors.
 */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeMoto } from '../../support/aws/moto.ts';
import { DeployWorld } from './world.ts';

const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };

describeMoto('deploying to a stock moto server', (endpoint) => {
  let w: DeployWorld;
  beforeEach(async () => {
    w = await DeployWorld.create();
    await fetch(`${endpoint()}/moto-api/reset`, { method: 'POST' });
    await makeModel(endpoint());
  });
  afterEach(() => w.dispose());

  const run = (line: string) =>
    w.run(line, {
      deps: { aws: { endpoint: endpoint(), credentials: CREDENTIALS } },
    });

  it('checks, makes the assets bucket, uploads, makes the stack; then has no outputs', async () => {
    const dry = await run('deploy --model my-model --dry-run --exit-code');
    expect([dry.code, dry.stderr]).toEqual([10, expect.stringContaining('ok execution role of my-model')]);
    const { code, stderr } = await run('deploy --model my-model');
    expect(stderr).toContain('uploaded 6 zip files');
    expect(stderr).toContain('it has no outputs ApiEndpoint and ApiKeyId');
    expect(code).toBe(1);
    const changed = await run('deploy --batch-size 9 --dry-run --exit-code');
    expect(changed.code).toBe(10);
    expect(changed.stderr).toMatch(/--batch-size +5000 +9/);
    expect(changed.stderr).toContain('stack    batchml (CREATE_COMPLETE)');
  });

  it('names a model that is not there, cancels nothing, refuses settings', async () => {
    const { code, stderr } = await run('deploy --model my-modle');
    expect([code, stderr]).toEqual([2, expect.stringContaining('did you mean my-model?')]);
    expect((await run('deploy --cancel')).code).toBe(0);
  });

  it('destroys; it does not know RetainExceptOnCreate, and we do not say that data is kept that is gone', async () => {
    await run('deploy --model my-model');
    const { code, stderr } = await run('destroy --yes');
    expect([code, stderr]).toEqual([0, expect.stringContaining('stack batchml is gone')]);
    expect(stderr).not.toContain('kept:');
    await run('deploy --model my-model');
    const all = await run('destroy --yes --delete-data');
    expect([all.code, all.stderr]).toEqual([0, expect.stringContaining('was gone already')]);
  });
});

/** By hand: the SDK's clients belong to the program. */
async function makeModel(endpoint: string): Promise<void> {
  const authorization = (service: string) =>
    `AWS4-HMAC-SHA256 Credential=test/20260801/eu-west-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;
  const trust = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { Service: 'sagemaker.amazonaws.com' }, Action: 'sts:AssumeRole' },
    ],
  });
  await fetch(endpoint, {
    method: 'POST',
    headers: { authorization: authorization('iam') },
    body: new URLSearchParams({
      Action: 'CreateRole',
      Version: '2010-05-08',
      RoleName: 'model-role',
      AssumeRolePolicyDocument: trust,
    }),
  });
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: {
      authorization: authorization('sagemaker'),
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'SageMaker.CreateModel',
    },
    body: JSON.stringify({
      ModelName: 'my-model',
      ExecutionRoleArn: 'arn:aws:iam::123456789012:role/model-role',
      PrimaryContainer: { Image: 'x' },
    }),
  });
  if (!answer.ok) throw new Error(await answer.text());
}
