/** Transform jobs of a stack that run, by their names. */
import {
  ListTransformJobsCommand,
  type SageMakerClient,
  StopTransformJobCommand,
} from '@aws-sdk/client-sagemaker';

/** What their names begin with: the first eight hex digits of the UUID in the stack's ARN say which stack's they are. */
export function transformPrefix(stackId: string): string {
  const uuid = stackId.split('/')[2] ?? '';
  return `batchml-${uuid.split('-')[0]}-`;
}

/** @param statuses being stopped counts as running, unless it is left out */
export async function runningJobs(
  client: SageMakerClient,
  prefix: string,
  statuses: readonly ('InProgress' | 'Stopping')[] = ['InProgress', 'Stopping'],
): Promise<string[]> {
  const names: string[] = [];
  for (const StatusEquals of statuses) {
    let NextToken: string | undefined;
    do {
      const page = await client.send(
        new ListTransformJobsCommand({ NameContains: prefix, StatusEquals, NextToken }),
      );
      names.push(...(page.TransformJobSummaries ?? []).map(({ TransformJobName = '' }) => TransformJobName));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
  }
  return names.filter((name) => name.startsWith(prefix));
}

/** Stopping one that has just ended, or is being stopped, is refused: it is as it should be. */
export async function stopJobs(client: SageMakerClient, names: readonly string[]): Promise<void> {
  for (const TransformJobName of names) {
    try {
      await client.send(new StopTransformJobCommand({ TransformJobName }));
    } catch (error) {
      if (!(error instanceof Error && error.name === 'ValidationException')) throw error;
    }
  }
}
