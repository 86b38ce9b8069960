/** The double itself, where others rely on it: what it refuses, and that a stack's events and states go together. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeClients } from '../../../cli/src/deploy/clients.ts';
import { Stacks } from '../../../cli/src/deploy/stacks.ts';
import { FakeAws } from '../../support/fake-aws/index.ts';

const BUCKET = {
  Type: 'AWS::S3::Bucket',
  DeletionPolicy: 'Retain',
  Properties: { BucketName: { Ref: 'Name' } },
};
const TEMPLATE = {
  Parameters: {
    Name: { Type: 'String', AllowedPattern: '^[a-z]+$' },
    Size: { Type: 'Number', Default: 1, MaxValue: 3 },
  },
  Resources: {
    Bucket: BUCKET,
    Queue: { Type: 'AWS::SQS::Queue', Properties: { DelaySeconds: { Ref: 'Size' } } },
  },
};

let aws: FakeAws;
let stacks: Stacks;
let clients: ReturnType<typeof makeClients>;
beforeEach(async () => {
  aws = await FakeAws.start();
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  clients = makeClients({ endpoint: aws.endpoint, credentials, region: 'eu-west-1' } as never);
  stacks = new Stacks(clients.cloudFormation);
});
afterEach(async () => {
  clients.close();
  await aws.stop();
});

const draft = (type: 'CREATE' | 'UPDATE', values: Record<string, string>, template: object = TEMPLATE) =>
  stacks.createChangeSet({
    stack: 's',
    name: `c${aws.log.length}`,
    type,
    template: { body: JSON.stringify(template) },
    parameters: Object.entries(values).map(([ParameterKey, ParameterValue]) => ({
      ParameterKey,
      ParameterValue,
    })),
  });
const apply = async (type: 'CREATE' | 'UPDATE', values: Record<string, string>, template?: object) => {
  const { stackId, id } = await draft(type, values, template);
  await stacks.changeSet(stackId, id);
  await stacks.execute(stackId, id, 't');
  for (let look = 0; look < 20; look++) if (aws.cloudFormation.stack('s')?.moving) await stacks.find('s');
  return stackId;
};

describe('the double of CloudFormation', () => {
  it.each([
    [{}, 'Parameters: [Name] must have values'],
    [{ Name: 'a', Odd: '1' }, 'do not exist in the template'],
    [{ Name: 'A' }, 'failed to satisfy constraint'],
    [{ Name: 'a', Size: '4' }, 'not greater than 3'],
  ])('refuses %j', async (values, text) => {
    await expect(draft('CREATE', values)).rejects.toThrow(text);
  });

  it('refuses large bodies, updates of nothing, creations of what is there', async () => {
    const large = { ...TEMPLATE, Description: 'x'.repeat(60_000) };
    await expect(draft('CREATE', { Name: 'a' }, large)).rejects.toThrow('51200');
    await expect(draft('UPDATE', { Name: 'a' })).rejects.toThrow('does not exist');
    await apply('CREATE', { Name: 'a' });
    await expect(draft('CREATE', { Name: 'a' })).rejects.toThrow('already exists');
  });

  it('tells no change from a change, and what replaces', async () => {
    await apply('CREATE', { Name: 'a' });
    const same = await draft('UPDATE', { Name: 'a' });
    expect(same.status).toBe('CREATE_PENDING');
    expect((await stacks.changeSet('s', same.id)).status).toBe('FAILED');
    const other = await draft('UPDATE', { Name: 'b', Size: '2' });
    const { changes } = await stacks.changeSet('s', other.id);
    expect(
      changes.map(({ ResourceChange }) => [ResourceChange?.LogicalResourceId, ResourceChange?.Replacement]),
    ).toEqual([
      ['Bucket', 'True'],
      ['Queue', 'False'],
    ]);
  });

  it('deletes stacks by what their resources want, and remembers them by their ARN', async () => {
    const id = await apply('CREATE', { Name: 'a' });
    await stacks.delete(id);
    for (let look = 0; look < 5; look++) await stacks.find(id);
    expect(await stacks.find('s')).toBeUndefined();
    expect((await stacks.find(id))?.status).toBe('DELETE_COMPLETE');
    expect(aws.s3.buckets.has('a')).toBe(true);
    expect((await stacks.resources(id)).map(({ id: name, status }) => [name, status])).toEqual([
      ['Bucket', 'DELETE_SKIPPED'],
    ]);
    expect(await stacks.lastDeleted('s')).toBe(id);
  });
});
