/** The requests of CloudFormation; stacks move in `stack.ts`. */
import type { ApiGateway } from './api-gateway.ts';
import type { Clock } from './clock.ts';
import type { DynamoDb } from './dynamo.ts';
import { type Call, type Reply, ServiceError } from './http.ts';
import type { S3 } from './s3.ts';
import { FakeStack, type Phase, type Providers } from './stack.ts';
import {
  type Difference,
  differences,
  evaluate,
  parameterValues,
  resourcesOf,
  type Template,
} from './template.ts';
import { page, type Xml } from './xml.ts';

// biome-ignore lint/suspicious/noExplicitAny: members of any request
type Any = any;

interface ChangeSet {
  readonly id: string;
  readonly name: string;
  readonly type: 'CREATE' | 'UPDATE';
  readonly createdAt: string;
  readonly template: Template;
  readonly parameters: Record<string, string>;
  readonly changes: readonly Difference[];
  status: string;
  reason: string | undefined;
}

export interface World {
  readonly account: string;
  readonly region: string;
  readonly clock: Clock;
  readonly s3: S3;
  readonly dynamo: DynamoDb;
  readonly apiGateway: ApiGateway;
  readonly endpointOf: (apiId: string) => string;
}

const MOST_BODY = 51_200;
const EVENTS = 5;
const CHANGES = 10;
const UPDATABLE =
  /^(CREATE_COMPLETE|UPDATE_COMPLETE|UPDATE_ROLLBACK_COMPLETE|IMPORT_COMPLETE|UPDATE_FAILED)$/;

const refuse = (message: string, code = 'ValidationError'): never => {
  throw new ServiceError(code, message, code === 'ChangeSetNotFound' ? 404 : 400);
};

export class CloudFormation {
  /** All that ever were, oldest first. */
  readonly stacks: FakeStack[] = [];
  readonly changeSets = new Map<string, ChangeSet[]>();
  /** Events per look. */
  pace = 40;
  /** Resources that a change is said to replace. */
  readonly forced = new Map<string, 'True' | 'Conditional'>();
  /** A change set's own failure. */
  changeSetFailure: string | undefined;
  private readonly failures = new Map<string, { reason: string; times: number }>();
  private readonly world: World;
  private made = 0;

  constructor(world: World) {
    this.world = world;
  }

  /** Has a resource fail, so many times. */
  fail(id: string, phase: Phase, reason: string, times = 1): void {
    this.failures.set(`${phase} ${id}`, { reason, times });
  }

  /** The stack of that name, unless it is deleted. */
  stack(name: string): FakeStack | undefined {
    return this.stacks.findLast(
      (stack) => stack.id === name || (stack.name === name && stack.status !== 'DELETE_COMPLETE'),
    );
  }

  handle({ action, params }: Call): Reply {
    const handler = this.handlers[action];
    if (handler === undefined) throw new ServiceError('InvalidAction', action);
    return { result: handler(params) };
  }

  private readonly handlers: Readonly<Record<string, (params: Any) => Xml>> = {
    DescribeStacks: ({ StackName }) => {
      const stack = this.need(StackName);
      stack.advance(this.pace);
      return { Stacks: [this.describe(stack)] };
    },
    DescribeStackEvents: ({ StackName, NextToken }) => {
      const stack = this.need(StackName);
      const { items, next } = page([...stack.events].reverse(), NextToken, EVENTS);
      const StackEvents = items.map((event) => ({ StackId: stack.id, StackName: stack.name, ...event }));
      return { StackEvents, NextToken: next };
    },
    ListStackResources: ({ StackName, NextToken }) => {
      const stack = this.need(StackName);
      const { items, next } = page([...stack.resources], NextToken, 30);
      return {
        StackResourceSummaries: items.map(([LogicalResourceId, { type, physicalId, status }]) => ({
          LogicalResourceId,
          PhysicalResourceId: physicalId,
          ResourceType: type,
          ResourceStatus: status,
          LastUpdatedTimestamp: this.world.clock.now(),
        })),
        NextToken: next,
      };
    },
    ListStacks: ({ StackStatusFilter = [], NextToken }) => {
      const found = this.stacks.filter(({ status }) => StackStatusFilter.includes(status)).reverse();
      const { items, next } = page(found, NextToken, 5);
      return {
        StackSummaries: items.map(({ id, name, status, createdAt }) => ({
          StackId: id,
          StackName: name,
          StackStatus: status,
          CreationTime: createdAt,
        })),
        NextToken: next,
      };
    },
    CreateStack: ({ StackName, TemplateBody, Parameters = [] }) => {
      if (this.stack(StackName) !== undefined)
        refuse(`Stack [${StackName}] already exists`, 'AlreadyExistsException');
      const template = JSON.parse(TemplateBody) as Template;
      const stack = this.newStack(StackName);
      stack.create(template, parameterValues(template, Parameters, {}));
      return { StackId: stack.id };
    },
    DeleteStack: ({ StackName }) => {
      this.stack(StackName)?.delete();
      this.changeSets.delete(this.stack(StackName)?.id ?? '');
      return {};
    },
    CancelUpdateStack: ({ StackName }) => {
      const stack = this.need(StackName);
      if (stack.status !== 'UPDATE_IN_PROGRESS')
        refuse(`CancelUpdateStack cannot be called from current stack status`);
      stack.cancel();
      return {};
    },
    ContinueUpdateRollback: ({ StackName }) => {
      const stack = this.need(StackName);
      if (stack.status !== 'UPDATE_ROLLBACK_FAILED')
        refuse(`Stack:${stack.id} is in ${stack.status} state and can not continue rolling back`);
      stack.continueRollback();
      return {};
    },
    CreateChangeSet: (params) => this.createChangeSet(params),
    DescribeChangeSet: ({ StackName, ChangeSetName, NextToken }) => {
      const { stack, set } = this.needSet(StackName, ChangeSetName);
      const answer = this.describeSet(stack, set, NextToken);
      if (set.status === 'CREATE_PENDING')
        set.status = set.reason === undefined ? 'CREATE_COMPLETE' : 'FAILED';
      return answer;
    },
    ListChangeSets: ({ StackName }) => ({
      Summaries: (this.changeSets.get(this.need(StackName).id) ?? []).map(({ id, name }) => ({
        ChangeSetId: id,
        ChangeSetName: name,
      })),
    }),
    DeleteChangeSet: ({ StackName, ChangeSetName }) => {
      const { stack, set } = this.needSet(StackName, ChangeSetName);
      this.changeSets.set(
        stack.id,
        (this.changeSets.get(stack.id) ?? []).filter((other) => other !== set),
      );
      return {};
    },
    ExecuteChangeSet: ({ StackName, ChangeSetName }) => {
      const { stack, set } = this.needSet(StackName, ChangeSetName);
      if (set.status !== 'CREATE_COMPLETE')
        refuse(
          `ChangeSet [${set.id}] cannot be executed in its current status of [${set.status}]`,
          'InvalidChangeSetStatus',
        );
      this.changeSets.delete(stack.id);
      if (set.type === 'CREATE') stack.create(set.template, set.parameters);
      else stack.update(set.template, set.parameters, set.changes);
      return {};
    },
  };

  private createChangeSet(params: Any): Xml {
    const { StackName, ChangeSetName, ChangeSetType = 'UPDATE', Parameters = [], Capabilities = [] } = params;
    const template = this.readTemplate(params);
    const found = this.stack(StackName);
    if (ChangeSetType === 'UPDATE' && found === undefined) refuse(`Stack [${StackName}] does not exist`);
    if (ChangeSetType === 'CREATE' && found !== undefined && found.status !== 'REVIEW_IN_PROGRESS')
      refuse(
        `Stack [${StackName}] already exists and cannot be created again with the changeSet [${ChangeSetName}].`,
      );
    if (ChangeSetType === 'UPDATE' && found !== undefined && !UPDATABLE.test(found.status))
      refuse(`Stack:${found.id} is in ${found.status} state and can not be updated.`);
    const parameters = parameterValues(template, Parameters, found?.parameters ?? {});
    const needsIam = Object.values(template.Resources).some(({ Type }) => Type.startsWith('AWS::IAM::'));
    if (needsIam && Capabilities.length === 0)
      refuse('Requires capabilities : [CAPABILITY_IAM]', 'InsufficientCapabilitiesException');
    const stack = found ?? this.newStack(StackName);
    const before = resourcesOf(stack.scope());
    const changes = differences(before, resourcesOf(stack.scope(template, parameters)), this.forced);
    const nothing =
      "The submitted information didn't contain changes. Submit different information to create a change set.";
    const set: ChangeSet = {
      id: `arn:aws:cloudformation:${this.world.region}:${this.world.account}:changeSet/${ChangeSetName}/${this.uuid()}`,
      name: ChangeSetName,
      type: ChangeSetType,
      createdAt: this.world.clock.tick(),
      template,
      parameters,
      changes,
      status: 'CREATE_PENDING',
      reason: this.changeSetFailure ?? (changes.length === 0 ? nothing : undefined),
    };
    this.changeSets.set(stack.id, [...(this.changeSets.get(stack.id) ?? []), set]);
    return { Id: set.id, StackId: stack.id };
  }

  private readTemplate({ TemplateBody, TemplateURL }: Any): Template {
    if (TemplateBody !== undefined && Buffer.byteLength(TemplateBody) > MOST_BODY)
      refuse(
        "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to 51200",
      );
    if (TemplateBody !== undefined) return JSON.parse(TemplateBody);
    const [, bucket = '', key = ''] =
      /^https:\/\/([^.]+)\.s3\.[^/]+\.amazonaws\.com\/(.+)$/.exec(TemplateURL) ?? [];
    const text = this.world.s3.read(bucket, key);
    if (text === undefined) refuse('S3 error: Access Denied');
    return JSON.parse(String(text));
  }

  private describe(stack: FakeStack): Xml {
    const { id, name, status, reason, createdAt, updatedAt, parameters, template } = stack;
    const outputs = /^(CREATE|UPDATE|UPDATE_ROLLBACK)_COMPLETE/.test(status) ? (template.Outputs ?? {}) : {};
    const value = (key: string, text: Any): string =>
      key === 'ApiEndpoint'
        ? this.world.endpointOf(stack.resources.get('RestApi')?.physicalId ?? '')
        : evaluate(text, stack.scope());
    return {
      StackId: id,
      StackName: name,
      StackStatus: status,
      StackStatusReason: reason,
      CreationTime: createdAt,
      LastUpdatedTime: updatedAt,
      Parameters: Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
        ParameterKey,
        ParameterValue,
      })),
      Outputs: Object.entries(outputs).map(([OutputKey, { Value }]) => ({
        OutputKey,
        OutputValue: value(OutputKey, Value),
      })),
    };
  }

  private describeSet(stack: FakeStack, set: ChangeSet, token: string | undefined): Xml {
    const { items, next } = page(set.status === 'CREATE_COMPLETE' ? set.changes : [], token, CHANGES);
    return {
      ChangeSetId: set.id,
      ChangeSetName: set.name,
      StackId: stack.id,
      StackName: stack.name,
      CreationTime: set.createdAt,
      Status: set.status,
      StatusReason: set.status === 'FAILED' ? set.reason : undefined,
      ExecutionStatus: set.status === 'CREATE_COMPLETE' ? 'AVAILABLE' : 'UNAVAILABLE',
      Parameters: Object.entries(set.parameters).map(([ParameterKey, ParameterValue]) => ({
        ParameterKey,
        ParameterValue,
      })),
      Changes: items.map(({ names, ...change }) => ({
        Type: 'Resource',
        ResourceChange: {
          ...change,
          Details: names.map((Name) => ({ Target: { Attribute: 'Properties', Name }, Evaluation: 'Static' })),
        },
      })),
      NextToken: next,
    };
  }

  private need(name: string): FakeStack {
    return this.stack(name) ?? refuse(`Stack with id ${name} does not exist`);
  }

  private needSet(stackName: string, name: string): { stack: FakeStack; set: ChangeSet } {
    const stack = this.need(stackName);
    const set = this.changeSets.get(stack.id)?.find((one) => one.id === name || one.name === name);
    return { stack, set: set ?? refuse(`ChangeSet [${name}] does not exist`, 'ChangeSetNotFound') };
  }

  private uuid(): string {
    return `${String(++this.made).padStart(8, '0')}-0000-4000-8000-000000000000`;
  }

  private newStack(name: string): FakeStack {
    const { account, region, clock } = this.world;
    const id = `arn:aws:cloudformation:${region}:${account}:stack/${name}/${this.uuid()}`;
    const pseudo = {
      'AWS::AccountId': account,
      'AWS::Region': region,
      'AWS::Partition': 'aws',
      'AWS::URLSuffix': 'amazonaws.com',
    };
    const stack = new FakeStack(id, name, clock, this.providers, pseudo);
    this.stacks.push(stack);
    return stack;
  }

  private readonly providers: Providers = {
    physicalId: (stack, id, { Type, Properties }) => {
      if (Type === 'AWS::S3::Bucket')
        return Properties.BucketName ?? `${stack.name}-${id}-${String(++this.made)}abcdef`.toLowerCase();
      return `${stack.name}-${id}-${++this.made}`;
    },
    make: (stack, id, { Type, Properties }) => {
      const { s3, dynamo, apiGateway } = this.world;
      const physicalId = stack.resources.get(id)?.physicalId ?? '';
      if (Type === 'AWS::S3::Bucket') {
        if (s3.buckets.has(physicalId)) return `${physicalId} already exists`;
        s3.create(physicalId);
      }
      if (Type === 'AWS::DynamoDB::Table') dynamo.tables.set(physicalId, 0);
      if (Type === 'AWS::ApiGateway::ApiKey') apiGateway.keys.set(physicalId, `value-of-${physicalId}`);
      const code = Properties.Code;
      if (Type === 'AWS::Lambda::Function' && s3.read(code.S3Bucket, code.S3Key) === undefined)
        return 'Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.';
      return undefined;
    },
    unmake: (_id, type, physicalId) => {
      const { s3, dynamo, apiGateway } = this.world;
      if (type === 'AWS::S3::Bucket') s3.buckets.delete(physicalId);
      if (type === 'AWS::DynamoDB::Table') dynamo.tables.delete(physicalId);
      if (type === 'AWS::ApiGateway::ApiKey') apiGateway.keys.delete(physicalId);
    },
    failure: (phase, id) => {
      const failure = this.failures.get(`${phase} ${id}`);
      if (failure === undefined || failure.times-- <= 0) return undefined;
      return failure.reason;
    },
  };
}
