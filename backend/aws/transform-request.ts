/** A transform job as SageMaker is asked for it. Pure. */
import type { CreateTransformJobCommandInput } from '@aws-sdk/client-sagemaker';
import type { Settings } from '../core/settings.ts';
import type { TransformSpec } from '../ports/transforms.ts';
import { DATA_PREFIX, dataName, manifestKey, resultFolder } from './keys.ts';

/** MaxConcurrentTransforms times MaxPayloadInMB may be at most this; MaxPayloadInMB is 6 when left out (CreateTransformJob). */
const MB_IN_FLIGHT = 100;
const DEFAULT_PAYLOAD_MB = 6;

export interface TransformPlace {
  readonly bucket: string;
  /** Tells whose transform job it is. */
  readonly stack: string;
}

/** Which objects a transform job reads: their common prefix, and then their names (S3DataSource, ManifestFile). */
export function manifestText({ bucket }: TransformPlace, batches: readonly string[]): string {
  return JSON.stringify([{ prefix: `s3://${bucket}/${DATA_PREFIX}` }, ...batches.map(dataName)]);
}

export function manifestUri({ bucket }: TransformPlace, name: string): string {
  return `s3://${bucket}/${manifestKey(name)}`;
}

/** @param serviceName the job's name at SageMaker */
export function transformRequest(
  place: TransformPlace,
  spec: TransformSpec,
  serviceName: string,
): CreateTransformJobCommandInput {
  const { pin, name, alone = false } = spec;
  const { settings } = pin;
  const contentType = settings.contentType === 'auto' ? 'application/jsonlines' : settings.contentType;
  return {
    TransformJobName: serviceName,
    ModelName: pin.model,
    ...limits(settings, alone),
    BatchStrategy: alone || contentType === 'application/json' ? 'SingleRecord' : strategy(settings),
    ModelClientConfig: {
      InvocationsTimeoutInSeconds: settings.invocationsTimeoutSeconds,
      InvocationsMaxRetries: settings.invocationsMaxRetries,
    },
    TransformInput: {
      DataSource: { S3DataSource: { S3DataType: 'ManifestFile', S3Uri: manifestUri(place, name) } },
      ContentType: contentType,
      SplitType: 'Line',
    },
    TransformOutput: {
      S3OutputPath: `s3://${place.bucket}/${resultFolder(name)}`,
      Accept: contentType,
      AssembleWith: 'Line',
    },
    TransformResources: {
      InstanceType: settings.instanceType as never,
      InstanceCount: alone ? 1 : settings.instanceCount,
    },
    // The lines are those of core/object-lines.ts.
    DataProcessing:
      contentType === 'text/csv'
        ? { InputFilter: '$[2:]', JoinSource: 'Input' }
        : { InputFilter: '$.input', JoinSource: 'Input', OutputFilter: "$['id','SageMakerOutput']" },
    Tags: [{ Key: 'batchml:stack', Value: place.stack }],
  };
}

function strategy({ batchStrategy }: Settings): 'MultiRecord' | 'SingleRecord' {
  return batchStrategy === 'SingleRecord' ? 'SingleRecord' : 'MultiRecord';
}

/** 0 is left out: SageMaker then asks the container, or takes its own. */
function limits(
  { maxPayloadMb, maxConcurrentTransforms }: Settings,
  alone: boolean,
): Pick<CreateTransformJobCommandInput, 'MaxPayloadInMB' | 'MaxConcurrentTransforms'> {
  const most = Math.max(1, Math.floor(MB_IN_FLIGHT / (maxPayloadMb || DEFAULT_PAYLOAD_MB)));
  const concurrent = alone ? 1 : Math.min(maxConcurrentTransforms, most);
  return {
    ...(maxPayloadMb > 0 ? { MaxPayloadInMB: maxPayloadMb } : {}),
    ...(concurrent > 0 ? { MaxConcurrentTransforms: concurrent } : {}),
  };
}
