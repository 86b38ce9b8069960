/**
 * The API keys of a stack's usage plan. One is the stack's own (CloudFormation made it, and deletes it with the stack);
 * others were put beside it by `batchml key --rotate`, or by hand. Loads the SDK: only by `import()`.
 */
import {
  type APIGatewayClient,
  ConflictException,
  CreateApiKeyCommand,
  CreateUsagePlanKeyCommand,
  DeleteApiKeyCommand,
  DeleteUsagePlanKeyCommand,
  GetApiKeyCommand,
  GetApiKeysCommand,
  GetUsagePlanKeysCommand,
  NotFoundException,
  UpdateApiKeyCommand,
} from '@aws-sdk/client-api-gateway';

export interface PlanKey {
  readonly id: string;
  readonly value: string;
  readonly enabled: boolean;
  /** Epoch in ms. */
  readonly createdAt: number;
  /** `batchml key --rotate` made it: CloudFormation doesn't know of it. */
  readonly rotated: boolean;
}

/** Ends the description of keys that a rotation makes. */
export const MADE_BY_ROTATE = 'made by batchml key --rotate';

/** CloudFormation's type of what the keys are on. */
export const USAGE_PLAN = 'AWS::ApiGateway::UsagePlan';

/** Keys of one page (GetUsagePlanKeys, at most 500). */
const PAGE = 500;

export class ApiKeys {
  private readonly client: Pick<APIGatewayClient, 'send'>;
  private readonly plan: string;

  /** @param plan ID of the usage plan */
  constructor(client: Pick<APIGatewayClient, 'send'>, plan: string) {
    this.client = client;
    this.plan = plan;
  }

  /** All keys that the plan takes. */
  async all(): Promise<PlanKey[]> {
    const ids: string[] = [];
    let position: string | undefined;
    do {
      const page = await this.client.send(
        new GetUsagePlanKeysCommand({ usagePlanId: this.plan, limit: PAGE, position }),
      );
      ids.push(...(page.items ?? []).flatMap(({ id }) => (id === undefined ? [] : [id])));
      position = page.position;
    } while (position !== undefined);
    const found: PlanKey[] = [];
    for (const id of ids) {
      const key = await this.read(id);
      if (key !== undefined) found.push(key);
    }
    return found;
  }

  /**
   * Makes a key. The value is ours: where an answer got lost and the request is repeated, API Gateway refuses the second
   * key of that value, and the first is found by its name.
   */
  async create(name: string, value: string, description: string): Promise<string> {
    try {
      const { id } = await this.client.send(
        new CreateApiKeyCommand({ name, value, description, enabled: true }),
      );
      if (id !== undefined) return id;
    } catch (error) {
      if (!(error instanceof ConflictException)) throw error;
      const { items = [] } = await this.client.send(new GetApiKeysCommand({ nameQuery: name }));
      const made = items.find((key) => key.name === name);
      if (made?.id !== undefined) return made.id;
      throw error;
    }
    throw new Error('API Gateway gave no ID for the new key');
  }

  /** Puts it on the plan. Doing it twice is no error. */
  async attach(id: string): Promise<void> {
    try {
      await this.client.send(
        new CreateUsagePlanKeyCommand({ usagePlanId: this.plan, keyId: id, keyType: 'API_KEY' }),
      );
    } catch (error) {
      if (!(error instanceof ConflictException)) throw error;
    }
  }

  async disable(id: string): Promise<void> {
    await this.client.send(
      new UpdateApiKeyCommand({
        apiKey: id,
        patchOperations: [{ op: 'replace', path: '/enabled', value: 'false' }],
      }),
    );
  }

  /** Takes it off the plan and deletes it. One that is gone is no error. */
  async remove(id: string): Promise<void> {
    for (const command of [
      new DeleteUsagePlanKeyCommand({ usagePlanId: this.plan, keyId: id }),
      new DeleteApiKeyCommand({ apiKey: id }),
    ]) {
      try {
        await this.client.send(command as DeleteApiKeyCommand);
      } catch (error) {
        if (!(error instanceof NotFoundException)) throw error;
      }
    }
  }

  private async read(id: string): Promise<PlanKey | undefined> {
    try {
      const key = await this.client.send(new GetApiKeyCommand({ apiKey: id, includeValue: true }));
      return {
        id,
        value: key.value ?? '',
        enabled: key.enabled !== false,
        createdAt: key.createdDate?.getTime() ?? 0,
        rotated: key.description?.endsWith(MADE_BY_ROTATE) ?? false,
      };
    } catch (error) {
      if (error instanceof NotFoundException) return undefined;
      throw error;
    }
  }
}

/** The key that opens the pipeline: the stack's own while it is enabled, else the newest enabled one of its plan. */
export function keyInUse(keys: readonly PlanKey[], stackKey: string): PlanKey | undefined {
  const enabled = keys.filter((key) => key.enabled).sort((a, b) => b.createdAt - a.createdAt);
  return enabled.find(({ id }) => id === stackKey) ?? enabled[0];
}
