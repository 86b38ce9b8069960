/** What CreateTransformJob refuses of a request, by the service's model and documentation. */
import type { CreateTransformJobCommandInput } from '@aws-sdk/client-sagemaker';

const NAME = /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/;
const LINE_TYPES = ['text/csv', 'application/jsonlines', 'application/json'];
const MAX_FILTER = 63;

/** Why the request can't be taken; undefined when it can. */
export function requestProblem(request: CreateTransformJobCommandInput): string | undefined {
  const {
    TransformJobName: name = '',
    ModelName,
    TransformInput: input,
    TransformOutput: output,
    TransformResources: resources,
    DataProcessing: processing,
  } = request;
  const { MaxConcurrentTransforms: concurrent = 1, MaxPayloadInMB: payload = 6 } = request;
  if (!NAME.test(name)) return `Value '${name}' at 'transformJobName' failed to satisfy constraint`;
  if (!ModelName || !input || !output || !resources) return 'a member that is required is missing';
  const source = input.DataSource?.S3DataSource;
  if (!source?.S3Uri?.startsWith('s3://') || !output.S3OutputPath?.startsWith('s3://'))
    return 'S3Uri and S3OutputPath must be S3 locations';
  if (payload < 0 || payload > 100) return 'MaxPayloadInMB must be from 0 to 100';
  if (Math.max(concurrent, 1) * payload > 100)
    return 'MaxConcurrentTransforms * MaxPayloadInMB must not exceed 100';
  if ((resources.InstanceCount ?? 0) < 1 || (resources.InstanceCount ?? 0) > 100)
    return 'InstanceCount must be from 1 to 100';
  if (request.BatchStrategy === 'MultiRecord' && input.SplitType !== 'Line')
    return 'BatchStrategy MultiRecord needs SplitType Line';
  const timeout = request.ModelClientConfig?.InvocationsTimeoutInSeconds ?? 600;
  const retries = request.ModelClientConfig?.InvocationsMaxRetries ?? 3;
  if (timeout < 1 || timeout > 3600 || retries < 0 || retries > 3) return 'ModelClientConfig is out of range';
  if (Object.keys(request.Environment ?? {}).length > 16) return 'Environment may have 16 entries';
  for (const filter of [processing?.InputFilter, processing?.OutputFilter])
    if (filter !== undefined && (filter.length > MAX_FILTER || !filter.startsWith('$')))
      return `${filter} is no JSONPath that data processing takes`;
  if (processing?.JoinSource !== 'Input') return undefined;
  if (input.ContentType !== output.Accept || !LINE_TYPES.includes(input.ContentType ?? ''))
    return 'JoinSource Input needs the same ContentType and Accept: text/csv, application/json or application/jsonlines';
  if (input.SplitType !== 'Line' || output.AssembleWith !== 'Line')
    return 'JoinSource Input needs SplitType Line and AssembleWith Line';
  return undefined;
}
