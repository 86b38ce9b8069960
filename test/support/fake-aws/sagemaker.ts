/** Models and transform jobs. */
import { type Call, type Reply, ServiceError } from './http.ts';
import { page } from './xml.ts';

export class SageMaker {
  /** Roles of models by their names, oldest first. */
  readonly models = new Map<string, string>();
  /** Statuses of transform jobs by their names. */
  readonly jobs = new Map<string, string>();
  /** Called before jobs are listed. */
  onList: () => void = () => {};

  handle({ action, params }: Call): Reply {
    switch (action) {
      case 'DescribeModel': {
        const role = this.models.get(params.ModelName);
        if (role === undefined)
          throw new ServiceError(
            'ValidationException',
            `Could not find model "arn:aws:sagemaker:eu-west-1:123456789012:model/${params.ModelName}".`,
          );
        return {
          json: { ModelName: params.ModelName, ExecutionRoleArn: role, CreationTime: 1, ModelArn: 'x' },
        };
      }
      case 'ListModels': {
        const { items, next } = page([...this.models.keys()].reverse(), params.NextToken, 5);
        return {
          json: {
            Models: items.map((ModelName) => ({ ModelName, ModelArn: 'x', CreationTime: 1 })),
            NextToken: next,
          },
        };
      }
      case 'ListTransformJobs': {
        this.onList();
        const found = [...this.jobs].filter(
          ([name, status]) => name.includes(params.NameContains) && status === params.StatusEquals,
        );
        const { items, next } = page(found, params.NextToken, 5);
        for (const [name, status] of items) if (status === 'Stopping') this.jobs.set(name, 'Stopped');
        return {
          json: {
            TransformJobSummaries: items.map(([TransformJobName, TransformJobStatus]) => ({
              TransformJobName,
              TransformJobStatus,
              TransformJobArn: 'x',
              CreationTime: 1,
            })),
            NextToken: next,
          },
        };
      }
      case 'StopTransformJob':
        if (this.jobs.get(params.TransformJobName) !== 'InProgress')
          throw new ServiceError(
            'ValidationException',
            'The request was rejected because the job is not running',
          );
        this.jobs.set(params.TransformJobName, 'Stopping');
        return { json: {} };
      default:
        throw new ServiceError('UnknownOperationException', action);
    }
  }
}
