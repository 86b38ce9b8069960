/** What we ask of CloudFormation, in our words. */
import {
  CancelUpdateStackCommand,
  type CloudFormationClient,
  ContinueUpdateRollbackCommand,
  CreateChangeSetCommand,
  DeleteChangeSetCommand,
  DeleteStackCommand,
  DescribeChangeSetCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
  ListChangeSetsCommand,
  ListStackResourcesCommand,
  ListStacksCommand,
  type Parameter,
  type Change as RawChange,
  type Stack,
} from '@aws-sdk/client-cloudformation';
import type { EventPage, ReadPage } from './stack-events.ts';

export interface StackView {
  /** ARN. */
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly reason: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
}

function view(stack: Stack): StackView {
  const { StackId = '', StackName = '', StackStatus = '', StackStatusReason = '' } = stack;
  return {
    id: StackId,
    name: StackName,
    status: StackStatus,
    reason: StackStatusReason,
    parameters: valuesOf(stack.Parameters),
    outputs: Object.fromEntries(
      (stack.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
    ),
  };
}

export function valuesOf(parameters: readonly Parameter[] = []): Record<string, string> {
  return Object.fromEntries(
    parameters.map(({ ParameterKey = '', ParameterValue = '' }) => [ParameterKey, ParameterValue]),
  );
}

const says = (error: unknown, sign: RegExp): boolean => error instanceof Error && sign.test(error.message);

export interface StackResource {
  /** Logical ID. */
  readonly id: string;
  readonly type: string;
  readonly status: string;
  /** Physical ID. */
  readonly name: string;
}

export interface ChangeSetView {
  readonly id: string;
  readonly stackId: string;
  readonly status: string;
  readonly reason: string;
  /** ISO 8601, by CloudFormation's clock. */
  readonly createdAt: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly changes: readonly RawChange[];
}

export interface NewChangeSet {
  readonly stack: string;
  readonly name: string;
  readonly type: 'CREATE' | 'UPDATE';
  readonly template: { readonly url: string } | { readonly body: string };
  readonly parameters: readonly Parameter[];
}

export class Stacks {
  private readonly client: CloudFormationClient;

  constructor(client: CloudFormationClient) {
    this.client = client;
  }

  /** @param name or ARN; only by its ARN a deleted stack is found */
  async find(name: string): Promise<StackView | undefined> {
    try {
      const { Stacks: [stack] = [] } = await this.client.send(new DescribeStacksCommand({ StackName: name }));
      return stack === undefined ? undefined : view(stack);
    } catch (error) {
      if (says(error, /does not exist/)) return undefined;
      throw error;
    }
  }

  async createChangeSet({ stack, name, type, template, parameters }: NewChangeSet): Promise<ChangeSetView> {
    const { Id = name } = await this.client.send(
      new CreateChangeSetCommand({
        StackName: stack,
        ChangeSetName: name,
        ChangeSetType: type,
        Description: 'made by batchml deploy',
        ...('url' in template ? { TemplateURL: template.url } : { TemplateBody: template.body }),
        Parameters: [...parameters],
        // Roles of the functions, without names of their own.
        Capabilities: ['CAPABILITY_IAM'],
      }),
    );
    return this.changeSet(stack, Id);
  }

  /** The change set with the first page of its changes; with all of them where it is complete. */
  async changeSet(stack: string, name: string): Promise<ChangeSetView> {
    const changes: RawChange[] = [];
    let NextToken: string | undefined;
    for (;;) {
      const page = await this.client.send(
        new DescribeChangeSetCommand({ StackName: stack, ChangeSetName: name, NextToken }),
      );
      changes.push(...(page.Changes ?? []));
      NextToken = page.NextToken;
      if (NextToken !== undefined) continue;
      return {
        id: page.ChangeSetId ?? name,
        stackId: page.StackId ?? stack,
        status: page.Status ?? '',
        reason: page.StatusReason ?? '',
        createdAt: (page.CreationTime ?? new Date(0)).toISOString(),
        parameters: valuesOf(page.Parameters),
        changes,
      };
    }
  }

  async deleteChangeSet(stack: string, name: string): Promise<void> {
    await this.client.send(new DeleteChangeSetCommand({ StackName: stack, ChangeSetName: name }));
  }

  /**
   * Removes what a change set of type CREATE left: a stack in review. Not where it has other change sets, which are
   * somebody else's.
   * @param mine name of the one that was just removed, and may be listed for a moment more
   */
  async deleteStub(stack: string, mine: string): Promise<boolean> {
    const found = await this.find(stack);
    if (found?.status !== 'REVIEW_IN_PROGRESS') return false;
    const { Summaries = [] } = await this.client.send(new ListChangeSetsCommand({ StackName: found.id }));
    if (Summaries.some(({ ChangeSetName }) => ChangeSetName !== mine)) return false;
    await this.client.send(new DeleteStackCommand({ StackName: found.id }));
    return true;
  }

  async execute(stack: string, name: string, token: string): Promise<void> {
    await this.client.send(
      new ExecuteChangeSetCommand({ StackName: stack, ChangeSetName: name, ClientRequestToken: token }),
    );
  }

  async delete(stack: string): Promise<void> {
    await this.client.send(new DeleteStackCommand({ StackName: stack }));
  }

  async continueRollback(stack: string): Promise<void> {
    await this.client.send(new ContinueUpdateRollbackCommand({ StackName: stack }));
  }

  async cancelUpdate(stack: string): Promise<void> {
    await this.client.send(new CancelUpdateStackCommand({ StackName: stack }));
  }

  /** Reads events by page, newest first. */
  eventPages(stack: string): ReadPage {
    return async (next): Promise<EventPage> => {
      const page = await this.client.send(
        new DescribeStackEventsCommand({ StackName: stack, NextToken: next }),
      );
      const events = (page.StackEvents ?? []).map((event) => ({
        eventId: event.EventId ?? '',
        time: (event.Timestamp ?? new Date(0)).toISOString(),
        id: event.LogicalResourceId ?? '',
        resourceType: event.ResourceType ?? '',
        status: event.ResourceStatus ?? '',
        reason: event.ResourceStatusReason ?? '',
        ofStack: event.PhysicalResourceId !== undefined && event.PhysicalResourceId === event.StackId,
      }));
      return { events, next: page.NextToken };
    };
  }

  /** The ARN of the stack of that name that was deleted last. CloudFormation remembers 90 days. */
  async lastDeleted(name: string): Promise<string | undefined> {
    let NextToken: string | undefined;
    do {
      const page = await this.client.send(
        new ListStacksCommand({ StackStatusFilter: ['DELETE_COMPLETE'], NextToken }),
      );
      const found = page.StackSummaries?.find(({ StackName }) => StackName === name);
      if (found?.StackId !== undefined) return found.StackId;
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    return undefined;
  }

  /** Physical IDs by type. Of a deleted stack, by its ARN, those that it left behind too. */
  async resources(stack: string): Promise<StackResource[]> {
    const found: StackResource[] = [];
    let NextToken: string | undefined;
    do {
      // DescribeStackResources gives a hundred at most.
      const page = await this.client.send(new ListStackResourcesCommand({ StackName: stack, NextToken }));
      for (const resource of page.StackResourceSummaries ?? [])
        found.push({
          id: resource.LogicalResourceId ?? '',
          type: resource.ResourceType ?? '',
          status: resource.ResourceStatus ?? '',
          name: resource.PhysicalResourceId ?? '',
        });
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    return found;
  }
}
