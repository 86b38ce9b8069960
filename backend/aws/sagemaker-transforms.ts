/** Transform jobs at SageMaker Batch Transform: objects in S3, the data log in CloudWatch Logs. */
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateTransformJobCommand,
  DescribeTransformJobCommand,
  type DescribeTransformJobCommandOutput,
  type SageMakerClient,
  StopTransformJobCommand,
} from '@aws-sdk/client-sagemaker';
import type { DataLogEntry } from '../core/data-log.ts';
import {
  type CreateOutcome,
  OUTPUT_PART_BYTES,
  type Output,
  type TransformDescription,
  type TransformSpec,
  type Transforms,
} from '../ports/transforms.ts';
import type { BucketBlobs } from './blobs.ts';
import { batchOfOutput, manifestKey, outputKey, resultFolder, serviceName } from './keys.ts';
import { faultOf, isInUse, isOver, isUnknownJob, refusalOf } from './transform-errors.ts';
import { readDataLog } from './transform-log.ts';
import { manifestText, manifestUri, transformRequest } from './transform-request.ts';

export interface SageMakerTransformsOptions {
  readonly sagemaker: Pick<SageMakerClient, 'send'>;
  readonly logs: Pick<CloudWatchLogsClient, 'send'>;
  readonly blobs: BucketBlobs;
  readonly bucket: string;
  readonly stack: string;
  /** What names at SageMaker begin with. */
  readonly namePrefix: string;
  readonly now: () => number;
}

export class SageMakerTransforms implements Transforms {
  readonly #options: SageMakerTransformsOptions;

  constructor(options: SageMakerTransformsOptions) {
    this.#options = options;
  }

  async create(spec: TransformSpec): Promise<CreateOutcome> {
    const { sagemaker, blobs } = this.#options;
    const { name } = spec;
    await blobs.put(manifestKey(name), manifestText(this.#options, spec.batches));
    const request = transformRequest(this.#options, spec, this.#serviceName(name));
    try {
      await sagemaker.send(new CreateTransformJobCommand(request));
      return { kind: 'created' };
    } catch (error) {
      if (isInUse(error)) return this.#inUse(name, error as Error);
      const refusal = refusalOf(error);
      if (!refusal) throw error;
      return refusal;
    }
  }

  async describe(name: string): Promise<TransformDescription | undefined> {
    const job = await this.#describe(name);
    if (!job?.TransformJobStatus || !this.#isOurs(name, job)) return undefined;
    const { TransformJobStatus: status, FailureReason: reason } = job;
    const fault = faultOf(status, reason);
    return { status, ...(fault ? { fault } : {}), ...(reason ? { reason } : {}) };
  }

  async stop(name: string): Promise<void> {
    try {
      await this.#options.sagemaker.send(
        new StopTransformJobCommand({ TransformJobName: this.#serviceName(name) }),
      );
    } catch (error) {
      if (!isUnknownJob(error) && !isOver(error)) throw error;
    }
  }

  async outputs(name: string): Promise<readonly string[]> {
    const keys = await this.#outputKeys(name);
    return [...new Set(keys.map((key) => batchOfOutput(key) as string))];
  }

  async readOutput(name: string, batch: string): Promise<Output> {
    const likely = await this.#open(outputKey(name, batch));
    if (likely) return likely;
    for (const object of await this.#outputKeys(name)) {
      const found = batchOfOutput(object) === batch ? await this.#open(object) : undefined;
      if (found) return found;
    }
    throw new Error(`${name} has no output of ${batch}`);
  }

  /** Its first part tells its size, and is kept: most outputs are no larger, and cost one request. */
  async #open(object: string): Promise<Output | undefined> {
    const { blobs } = this.#options;
    const first = await blobs.part(object, 0, OUTPUT_PART_BYTES);
    if (!first) return undefined;
    const { bytes, size } = first;
    return {
      object,
      size,
      async *read() {
        yield bytes;
        for (let at = bytes.length; at < size; ) {
          const part = await blobs.part(object, at, Math.min(at + OUTPUT_PART_BYTES, size));
          if (!part || part.bytes.length === 0) throw new Error(`${object} ends before byte ${size}`);
          yield part.bytes;
          at += part.bytes.length;
        }
      },
    };
  }

  dataLog(name: string): Promise<readonly DataLogEntry[]> {
    return readDataLog(this.#options.logs, this.#serviceName(name), this.#options.now);
  }

  /** The outputs stay: large results are read from them, until the bucket's lifecycle removes them. */
  async forget(name: string): Promise<void> {
    await this.#options.blobs.remove([manifestKey(name)]);
  }

  #serviceName(name: string): string {
    return serviceName(this.#options.namePrefix, name);
  }

  /** A name that is taken is a repeat's; only if the job reads our manifest it is ours. */
  async #inUse(name: string, error: Error): Promise<CreateOutcome> {
    const job = await this.#describe(name);
    if (!job) return { kind: 'later', reason: error.message };
    if (this.#isOurs(name, job)) return { kind: 'created' };
    return { kind: 'never', error: { code: 'transform_failed', message: error.message } };
  }

  #isOurs(name: string, job: DescribeTransformJobCommandOutput): boolean {
    return job.TransformInput?.DataSource?.S3DataSource?.S3Uri === manifestUri(this.#options, name);
  }

  async #describe(name: string): Promise<DescribeTransformJobCommandOutput | undefined> {
    try {
      return await this.#options.sagemaker.send(
        new DescribeTransformJobCommand({ TransformJobName: this.#serviceName(name) }),
      );
    } catch (error) {
      if (isUnknownJob(error)) return undefined;
      throw error;
    }
  }

  async #outputKeys(name: string): Promise<string[]> {
    const keys = await this.#options.blobs.list(`${resultFolder(name)}/`);
    return keys.filter((key) => batchOfOutput(key) !== undefined);
  }
}
