/** SageMaker models, and what is needed to run them. */
import { GetRoleCommand, type IAMClient } from '@aws-sdk/client-iam';
import { DescribeModelCommand, ListModelsCommand, type SageMakerClient } from '@aws-sdk/client-sagemaker';

export interface Model {
  readonly name: string;
  readonly roleArn: string;
}

/** Undefined: there is no such model. */
export async function findModel(client: SageMakerClient, name: string): Promise<Model | undefined> {
  try {
    const { ExecutionRoleArn = '' } = await client.send(new DescribeModelCommand({ ModelName: name }));
    return { name, roleArn: ExecutionRoleArn };
  } catch (error) {
    // "Could not find model": DescribeModel has no error of its own for it.
    if (error instanceof Error && /could not find model|does not exist|not found/i.test(error.message))
      return undefined;
    throw error;
  }
}

/** Models, newest first. @param limit so many at most */
export async function listModels(client: SageMakerClient, limit: number): Promise<string[]> {
  const names: string[] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.send(
      new ListModelsCommand({ SortBy: 'CreationTime', SortOrder: 'Descending', NextToken }),
    );
    names.push(...(page.Models ?? []).map(({ ModelName = '' }) => ModelName));
    NextToken = page.NextToken;
  } while (NextToken !== undefined && names.length < limit);
  return names.slice(0, limit);
}

export type RoleState = 'there' | 'missing' | 'not for SageMaker';

/** Whether a role exists and lets SageMaker take it. */
export async function findRole(client: IAMClient, arn: string): Promise<RoleState> {
  try {
    const RoleName = arn.split('/').at(-1) ?? arn;
    const { Role } = await client.send(new GetRoleCommand({ RoleName }));
    const trust = decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '');
    return trust === '' || trust.includes('sagemaker.amazonaws.com') ? 'there' : 'not for SageMaker';
  } catch (error) {
    if (error instanceof Error && /^NoSuchEntity/.test(error.name)) return 'missing';
    throw error;
  }
}

/** Names among which one may have been mistyped: those that share most with it. */
export function similar(name: string, names: readonly string[]): string[] {
  const low = name.toLowerCase();
  const pairs = (text: string): Set<string> =>
    new Set(Array.from({ length: Math.max(0, text.length - 1) }, (_, i) => text.slice(i, i + 2)));
  const mine = pairs(low);
  const score = (other: string): number => {
    const theirs = pairs(other.toLowerCase());
    const both = [...theirs].filter((pair) => mine.has(pair)).length;
    return (2 * both) / Math.max(1, theirs.size + mine.size);
  };
  return names
    .map((other) => ({ other, score: score(other) }))
    .filter((one) => one.score > 0.5)
    .sort((a, b) => b.score - a.score)
    .slice(0, 3)
    .map(({ other }) => other);
}
