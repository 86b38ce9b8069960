/**
 * SageMaker's transform jobs in this process, spoken to with the SDK's command objects. What it does, as the service does it:
 *
 * - CreateTransformJob refuses what the service's model refuses (ValidationException), a model that there is none of, a name
 *   that was ever used (ResourceInUse), more instances than the quota (ResourceLimitExceeded), and `throttles` requests
 *   (ThrottlingException). A new job is InProgress; its events are told by `onEvent`.
 * - A job ends `durationMs` after its creation, when `step` is called, or while `holding` when `finish` is. It reads its
 *   manifest and objects from S3 only then. An object's records go through the model by the job's data processing; when
 *   the model refuses one, the object has no `.out` but lines in the data log, and the others go on. Outputs appear
 *   under the output path as `{base name}.out`. The job is Completed, or Failed with "ClientError: See job logs for more
 *   information" when an object failed.
 * - StopTransformJob: Stopping, and at the next `step` Stopped; it writes no output. A job that has ended refuses it.
 * - Its log streams are `{job}/{instance}-{time}` and `{job}/{instance}-{time}/data-log`: see `FakeLogs`.
 *
 * What goes wrong besides is set by the fields of `trouble`.
 */
import {
  type CreateTransformJobCommandInput,
  ResourceInUse,
  ResourceLimitExceeded,
  type SageMakerClient,
  SageMakerServiceException,
  type TransformJobStatus,
} from '@aws-sdk/client-sagemaker';
import type { Clock } from '../../../backend/ports/clock.ts';
import type { Model } from '../fake-transforms.ts';
import { type Command, FakeClient } from './fake-client.ts';
import type { FakeLogs } from './fake-logs.ts';
import type { FakeS3 } from './fake-s3.ts';
import { Meter } from './meter.ts';
import { requestProblem } from './sagemaker/check-request.ts';
import { dataLogLines, inputObjects, parseUri, runObject } from './sagemaker/run-objects.ts';
import { NO_TROUBLE, type SageMakerTrouble, type StateChange } from './sagemaker/trouble.ts';

const $metadata = { httpStatusCode: 400 };
const ARN = 'arn:aws:sagemaker:us-east-1:123456789012:';
const ENDED: readonly TransformJobStatus[] = ['Completed', 'Failed', 'Stopped'];

interface Job {
  readonly request: CreateTransformJobCommandInput;
  readonly createdAt: number;
  status: TransformJobStatus;
  endedAt?: number;
  reason?: string;
}

export interface FakeSageMakerOptions {
  readonly s3: FakeS3;
  readonly logs: FakeLogs;
  readonly clock: Pick<Clock, 'now'>;
  readonly model: Model;
  /** Names of the models that there are. */
  readonly models: readonly string[];
}

const refusal = (name: string, message: string) =>
  new SageMakerServiceException({ name, $fault: 'client', message, $metadata });
const unknown = (name: string) =>
  refusal('ValidationException', `Could not find requested job with name: ${name}`);

export class FakeSageMaker extends FakeClient {
  readonly meter = new Meter();
  readonly trouble: SageMakerTrouble = { ...NO_TROUBLE };
  model: Model;
  durationMs = 0;
  onEvent: (detail: StateChange) => void = () => undefined;
  /** Requests that made a job, in order. */
  readonly created: CreateTransformJobCommandInput[] = [];
  /** How often each record was sent to the model. */
  readonly sent = new Map<string, number>();
  readonly #options: FakeSageMakerOptions;
  readonly #jobs = new Map<string, Job>();
  readonly #tries = new Map<string, number>();

  constructor(options: FakeSageMakerOptions) {
    super();
    this.#options = options;
    this.model = options.model;
  }

  get client(): Pick<SageMakerClient, 'send'> {
    return this as never;
  }

  /** Names of the jobs that have not ended. */
  get inProgress(): string[] {
    return [...this.#jobs].filter(([, { status }]) => !ENDED.includes(status)).map(([name]) => name);
  }

  get totalSent(): number {
    return [...this.sent.values()].reduce((sum, n) => sum + n, 0);
  }

  /** When the next job ends; undefined when none runs, or none by itself. */
  nextAt(): number | undefined {
    const open = [...this.#jobs.values()].filter(({ status }) => !ENDED.includes(status));
    const times = open
      .filter(({ status }) => status === 'Stopping' || !this.trouble.holding)
      .map(({ createdAt, status }) => (status === 'Stopping' ? createdAt : createdAt + this.durationMs));
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  /** Ends the jobs whose time has come; whether there were any. */
  step(): boolean {
    const now = this.#options.clock.now();
    let any = false;
    for (const [name, job] of this.#jobs) {
      const stopping = job.status === 'Stopping';
      const due =
        job.status === 'InProgress' && !this.trouble.holding && job.createdAt + this.durationMs <= now;
      if (!stopping && !due) continue;
      any = true;
      if (stopping) this.#end(name, job, 'Stopped');
      else this.finish(name);
    }
    return any;
  }

  /** Runs a job to its end, unless it has ended. */
  finish(name: string): void {
    const job = this.#jobs.get(name);
    if (job?.status !== 'InProgress') return;
    const { fault } = this.trouble;
    if (fault && fault.times > 0) {
      fault.times--;
      this.#end(name, job, 'Failed', fault.reason);
      return;
    }
    const objects = inputObjects(job.request, this.#options.s3);
    if (!objects) {
      this.#end(name, job, 'Failed', 'ClientError: The manifest or an object in it can not be downloaded');
      return;
    }
    const failed = objects.filter((object) => !this.#transform(name, job, object));
    if (failed.length === 0) this.#end(name, job, 'Completed');
    else this.#end(name, job, 'Failed', 'ClientError: See job logs for more information');
  }

  /** Whether the object has an output, though that may get lost. */
  #transform(name: string, { request }: Job, object: { bucket: string; key: string; text: string }): boolean {
    const { s3, logs, clock } = this.#options;
    const base = object.key.slice(object.key.lastIndexOf('/') + 1);
    const batch = base.replace(/\.[a-z]+$/, '');
    const attempt = (this.#tries.get(batch) ?? 0) + 1;
    this.#tries.set(batch, attempt);
    const end = runObject(object, request, this.model, (record) =>
      this.sent.set(record, (this.sent.get(record) ?? 0) + 1),
    );
    if (end.output === undefined) {
      const lines = this.trouble.dropLog ? [] : dataLogLines(end, new Date(clock.now()));
      logs.write(`${this.#stream(name)}/data-log`, lines);
    } else if (!this.trouble.dropOutput(batch, attempt)) {
      const { bucket, key } = parseUri(request.TransformOutput?.S3OutputPath ?? '');
      const folder = key.endsWith('/') || key === '' ? key : `${key}/`;
      s3.put(bucket, `${folder}${base}.out`, this.trouble.spoil(end.output, batch));
    }
    return end.output !== undefined;
  }

  #stream(name: string): string {
    return `${name}/i-0123456789abcdef0-1795341600`;
  }

  #end(name: string, job: Job, status: TransformJobStatus, reason?: string): void {
    job.status = status;
    job.endedAt = this.#options.clock.now();
    if (reason !== undefined) job.reason = reason;
    this.#options.logs.write(this.#stream(name), ['Starting the inference server', 'model ready']);
    this.onEvent(this.#detail(name, job));
  }

  #detail(name: string, { request, status, reason, createdAt, endedAt }: Job): StateChange {
    return {
      TransformJobName: name,
      TransformJobArn: `${ARN}transform-job/${name}`,
      TransformJobStatus: status,
      ...(reason === undefined ? {} : { FailureReason: reason }),
      ModelName: request.ModelName,
      TransformInput: request.TransformInput,
      TransformOutput: request.TransformOutput,
      CreationTime: createdAt,
      ...(endedAt === undefined ? {} : { TransformEndTime: endedAt }),
      Tags: {},
    };
  }

  protected override carryOut({ name, input }: Command): object {
    this.meter.call(name);
    const jobName = input['TransformJobName'] as string;
    const job = this.#jobs.get(jobName);
    switch (name) {
      case 'CreateTransformJob':
        return this.#create(input as never);
      case 'DescribeTransformJob':
        if (!job) throw unknown(jobName);
        return { ...job.request, ...this.#describe(jobName, job) };
      case 'StopTransformJob':
        if (!job) throw unknown(jobName);
        if (job.status !== 'InProgress')
          throw refusal(
            'ValidationException',
            `The request was rejected because the transform job is in status ${job.status}.`,
          );
        job.status = 'Stopping';
        this.onEvent(this.#detail(jobName, job));
        return {};
      default:
        throw new Error(`the SageMaker of the tests knows no ${name}`);
    }
  }

  #describe(name: string, { status, reason, createdAt, endedAt }: Job): object {
    return {
      TransformJobArn: `${ARN}transform-job/${name}`,
      TransformJobStatus: status,
      ...(reason === undefined ? {} : { FailureReason: reason }),
      CreationTime: new Date(createdAt),
      ...(endedAt === undefined
        ? {}
        : { TransformStartTime: new Date(createdAt), TransformEndTime: new Date(endedAt) }),
    };
  }

  #create(request: CreateTransformJobCommandInput): object {
    const { trouble } = this;
    const name = request.TransformJobName as string;
    const problem = requestProblem(request);
    if (problem !== undefined) throw refusal('ValidationException', problem);
    if (trouble.throttles > 0) {
      trouble.throttles--;
      throw refusal('ThrottlingException', 'Rate exceeded');
    }
    const arn = `${ARN}transform-job/${name}`;
    if (this.#jobs.has(name))
      throw new ResourceInUse({
        message: `Job name must be unique within an AWS account and region, and a job with this name already exists (${arn})`,
        $metadata,
      });
    if (!this.#options.models.includes(request.ModelName as string))
      throw refusal('ValidationException', `Could not find model "${ARN}model/${request.ModelName}".`);
    const { InstanceType: type, InstanceCount: delta = 1 } = request.TransformResources ?? {};
    const used = this.inProgress.reduce(
      (sum, each) => sum + (this.#jobs.get(each)?.request.TransformResources?.InstanceCount ?? 1),
      0,
    );
    if (used + delta > trouble.quota)
      throw new ResourceLimitExceeded({
        message: `The account-level service limit '${type} for transform job usage' is ${trouble.quota} Instances, with current utilization of ${used} Instances and a request delta of ${delta} Instances. Please use AWS Service Quotas to request an increase for this quota.`,
        $metadata,
      });
    const job: Job = { request, createdAt: this.#options.clock.now(), status: 'InProgress' };
    this.#jobs.set(name, job);
    this.created.push(request);
    this.onEvent(this.#detail(name, job));
    return { TransformJobArn: arn };
  }
}
