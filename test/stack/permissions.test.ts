import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { instantiate } from './instantiate.ts';
import { type Any, ofType } from './template.ts';

/** Everything is allowed that can be: what only some parameters allow is checked too. */
const { Resources } = instantiate({
  TracingMode: 'Active',
  ModelRoleArn: 'arn:aws:iam::123456789012:role/model',
  NoticeEmail: 'me@example.org',
  JobStreamShardCount: '1',
});

/** Actions that know no resource, or not one that can be named beforehand. */
const ANY_RESOURCE: Readonly<Record<string, string>> = {
  'xray:PutTelemetryRecords': 'X-Ray has no resources',
  'xray:PutTraceSegments': 'X-Ray has no resources',
};

/** Resources that end in a wildcard, and why no narrower one is known when the stack is made. */
const SOME_RESOURCES: readonly (readonly [RegExp, string])[] = [
  [
    /^<Bucket\.Arn>\/(chunks|data|manifest|result|result\/large)\/\*$/,
    'keys are made as work comes, each kind under its prefix',
  ],
  [
    /:transform-job\/batchml-5f0c3a1e-\*$/,
    'transform jobs of this stack are made as work comes, by its prefix',
  ],
  [
    /:log-group:\/aws\/sagemaker\/TransformJobs:\*$/,
    'the name that IAM knows the log group by in DescribeLogStreams',
  ],
  [
    /:log-group:\/aws\/sagemaker\/TransformJobs:log-stream:batchml-5f0c3a1e-\*$/,
    'streams are named by transform jobs',
  ],
];

interface Allowed {
  readonly where: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly statement: Any;
}

/** Every statement that allows something, of every policy of the stack. */
const allowed: Allowed[] = Object.entries(Resources).flatMap(([where, { Type, Properties }]) => {
  const documents =
    Type === 'AWS::IAM::Role'
      ? [
          Properties.AssumeRolePolicyDocument,
          ...Properties.Policies.map((policy: Any) => policy.PolicyDocument),
        ]
      : Properties.PolicyDocument
        ? [Properties.PolicyDocument]
        : [];
  return documents
    .flatMap(({ Statement }: Any) => Statement)
    .filter(({ Effect }: Any) => Effect === 'Allow')
    .map((statement: Any) => ({
      where,
      actions: [statement.Action].flat(),
      resources: [statement.Resource ?? []].flat(),
      statement,
    }));
});

/** Actions that a call needs, where it isn't the one of its name. */
const ACTIONS_OF: Readonly<Record<string, readonly string[]>> = {
  CreateTransformJob: ['CreateTransformJob', 'AddTags'],
  DeleteObjects: ['DeleteObject'],
  ListObjectsV2: ['ListBucket'],
  SendMessageBatch: ['SendMessage'],
  TransactWriteItems: ['PutItem', 'UpdateItem', 'ConditionCheckItem'],
};

/** What Lambda does in a role's name: it reads the event sources, and writes logs and traces. */
const BY_LAMBDA = [
  /^kinesis:(DescribeStream|DescribeStreamSummary|GetRecords|GetShardIterator|ListShards)$/,
  /^logs:(CreateLogStream|PutLogEvents)$/,
  /^sqs:(DeleteMessage|GetQueueAttributes|ReceiveMessage)$/,
  /^sts:AssumeRole$/,
  /^xray:/,
];

/** Calls that the functions' code makes, by the SDK's commands in it. */
function callsMade(): string[] {
  const calls = ['backend/aws', 'backend/handlers'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(/new (\w+)Command\(/g)]),
  );
  return [...new Set(calls.map(([, call]) => call as string))].sort();
}

describe('least privilege', () => {
  it('allows the calls that the code makes, and no others', () => {
    const roles = allowed.filter(({ where }) => where.endsWith('Role'));
    const granted = new Set(
      roles.flatMap(({ actions }) => actions).filter((action) => !BY_LAMBDA.some((own) => own.test(action))),
    );
    const needed = new Set(callsMade().flatMap((call) => ACTIONS_OF[call] ?? [call]));
    expect([...granted].map((action) => action.split(':')[1]).sort()).toEqual([...needed].sort());
  });

  it('looks at every policy there is', () => {
    expect(new Set(allowed.map(({ where }) => where)).size).toBe(6 + 5 + 2);
    for (const type of ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy', 'AWS::IAM::RolePolicy'])
      expect(ofType(type)).toEqual([]);
    for (const [, { Properties }] of ofType('AWS::IAM::Role'))
      expect(Object.keys(Properties).sort()).toEqual(['AssumeRolePolicyDocument', 'Description', 'Policies']);
  });

  it('allows no action by a wildcard, and nothing by exclusion', () => {
    for (const { where, actions, statement } of allowed) {
      expect(actions.length, where).toBeGreaterThan(0);
      for (const action of actions) expect(action, where).toMatch(/^[a-z0-9-]+:[A-Za-z]+$/);
      expect(statement).not.toHaveProperty('NotAction');
      expect(statement).not.toHaveProperty('NotResource');
      expect(statement).not.toHaveProperty('NotPrincipal');
    }
  });

  it('names resources, but where there is a reason not to', () => {
    const reasons = new Set<string>();
    for (const { where, actions, resources } of allowed)
      for (const resource of resources.filter((resource) => resource.includes('*'))) {
        if (resource === '*')
          for (const action of actions) {
            expect(Object.keys(ANY_RESOURCE), `${where}: ${action}`).toContain(action);
            reasons.add(action);
          }
        else {
          const known = SOME_RESOURCES.find(([pattern]) => pattern.test(resource));
          expect(known, `${where}: ${resource}`).toBeDefined();
          reasons.add(String(known?.[0]));
        }
      }
    // None of the reasons is out of date.
    expect([...reasons].sort()).toEqual(
      [...Object.keys(ANY_RESOURCE), ...SOME_RESOURCES.map(([pattern]) => String(pattern))].sort(),
    );
  });

  it('lets services in only on behalf of this stack', () => {
    const open = allowed
      .filter(({ statement }) => statement.Principal?.Service && !statement.Condition)
      .map(({ where, statement }) => `${where}: ${statement.Principal.Service} ${statement.Action}`);
    expect(open.filter((line) => !line.includes('lambda.amazonaws.com sts:AssumeRole'))).toEqual([
      'NoticeTopicPolicy: events.amazonaws.com sns:Publish',
    ]);
    expect(allowed.filter(({ statement }) => statement.Principal === '*')).toEqual([]);
    const bucket = Resources['ResultsQueuePolicy']?.Properties.PolicyDocument.Statement[1];
    expect(bucket.Condition).toEqual({
      ArnLike: { 'aws:SourceArn': ['arn:aws:s3:::batchml-sagemaker-5f0c3a1e-123456789012-eu-west-1'] },
      StringEquals: { 'aws:SourceAccount': '123456789012' },
    });
  });

  it('refuses plain HTTP at the bucket, the topic and every queue', () => {
    const refusing = Object.entries(Resources).filter(([, { Properties }]) =>
      Properties.PolicyDocument?.Statement.some(
        ({ Effect, Condition }: Any) =>
          Effect === 'Deny' && Condition?.Bool?.['aws:SecureTransport'] === 'false',
      ),
    );
    expect(refusing).toHaveLength(1 + 1 + ofType('AWS::SQS::Queue').length);
  });

  it.each([
    [
      'Api',
      'chunks/ result/',
      'chunks/ data/',
      '',
      'GatherQueue StartQueue SettleQueue',
      'kinesis:PutRecords',
    ],
    [
      'Gather',
      'chunks/',
      'data/',
      '',
      'GatherQueue StartQueue',
      'kinesis:DescribeStream kinesis:DescribeStreamSummary kinesis:GetRecords kinesis:GetShardIterator kinesis:ListShards',
    ],
    [
      'Start',
      '',
      'manifest/',
      'data/',
      'StartQueue SettleQueue',
      'sagemaker:AddTags sagemaker:CreateTransformJob sagemaker:DescribeTransformJob',
    ],
    ['FileResults', 'result/', 'result/large/', '', 'SettleQueue', ''],
    [
      'Settle',
      'chunks/ result/',
      'data/ manifest/ result/large/',
      'data/ manifest/',
      'SettleQueue StartQueue',
      'logs:DescribeLogStreams logs:GetLogEvents sagemaker:AddTags sagemaker:CreateTransformJob sagemaker:DescribeTransformJob sagemaker:StopTransformJob',
    ],
    ['Reconcile', '', '', '', 'GatherQueue ResultsQueue SettleQueue StartQueue', 'events:PutEvents'],
  ])('lets %s read %s, write %s, remove %s, ring %s', (id, read, write, remove, ring, others) => {
    const mine = allowed.filter(({ where }) => where === `${id}Role`);
    const resourcesOf = (action: string, pattern: RegExp) =>
      mine
        .filter(({ actions }) => actions.includes(action))
        .flatMap(({ resources }) => resources.map((resource) => pattern.exec(resource)?.[1]))
        .filter((found) => found !== undefined)
        .join(' ');
    const KEY = /^<Bucket\.Arn>\/(.*)\*$/;
    expect(resourcesOf('s3:GetObject', KEY)).toBe(read);
    expect(resourcesOf('s3:PutObject', KEY)).toBe(write);
    expect(resourcesOf('s3:DeleteObject', KEY)).toBe(remove);
    expect(resourcesOf('sqs:SendMessage', /^<(\w+Queue)\.Arn>$/)).toBe(ring);
    const COMMON = /^(dynamodb|s3|sqs|sts|xray):|^logs:(CreateLogStream|PutLogEvents)$/;
    const rest = mine.flatMap(({ actions }) => actions).filter((action) => !COMMON.test(action));
    expect(rest.sort().join(' ')).toBe(others);
    expect(resourcesOf('logs:PutLogEvents', /^<(\w+)\.Arn>$/)).toBe(`${id}Logs`);
    expect(resourcesOf('dynamodb:Query', /^(.*)$/)).toBe('<Table.Arn> <Table.Arn>/index/open');
  });
});
