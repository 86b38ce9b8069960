/**
 * How a submission's jobs are to be run. Pinned when the submission is accepted, so that work already accepted keeps
 * the model and settings it was accepted with.
 */

export const CONTENT_TYPES = ['application/jsonlines', 'application/json', 'text/csv'] as const;
export type ContentType = (typeof CONTENT_TYPES)[number];

export const BATCH_STRATEGIES = ['MultiRecord', 'SingleRecord'] as const;
export type BatchStrategy = (typeof BATCH_STRATEGIES)[number];

/** How records are written in objects and requests; all but `text/csv` are JSON. */
export type RecordFormat = ContentType | 'auto';

export interface Settings {
  /** Sent to the model as Content-Type and Accept. `auto`: JSON, by what a few records show that the model takes. */
  readonly contentType: RecordFormat;
  /** Whether one request to the model carries many records or one. `auto`: by what a few records show. */
  readonly batchStrategy: BatchStrategy | 'auto';
  /** Largest request body in MB; 0 asks the container's execution parameters, then 6 (SageMaker's default). */
  readonly maxPayloadMb: number;
  /** Requests in flight; 0 asks the container's execution parameters, then 4. */
  readonly maxConcurrentTransforms: number;
  /** ModelClientConfig: seconds that one request may take, 1-3600. */
  readonly invocationsTimeoutSeconds: number;
  /** ModelClientConfig: repeats of a failed request, 0-3. 0, as a failed batch is tried again in smaller ones anyway. */
  readonly invocationsMaxRetries: number;
  /** Most jobs in one batch (the unit of failure), 1-10000. */
  readonly batchSize: number;
  /** Longest time in seconds that a job waits for its batch to fill, 0-300. */
  readonly batchWindowSeconds: number;
  /** Transform jobs that may run at a time. */
  readonly maxTransformJobs: number;
  /** Hours that an accepted job may wait before it is started. */
  readonly maxWaitHours: number;
  /** Hours that one transform job may run. */
  readonly maxTransformHours: number;
  /** SageMaker: instances of a transform job, and how many. On one machine they say nothing. */
  readonly instanceType: string;
  readonly instanceCount: number;
  /** Most single-job batches that a submission may cost while bad records are isolated. */
  readonly isolationBudget: number;
}

export const DEFAULT_SETTINGS: Settings = {
  contentType: 'auto',
  batchStrategy: 'auto',
  maxPayloadMb: 0,
  maxConcurrentTransforms: 0,
  invocationsTimeoutSeconds: 600,
  invocationsMaxRetries: 0,
  batchSize: 5000,
  batchWindowSeconds: 5,
  maxTransformJobs: 2,
  maxWaitHours: 24,
  maxTransformHours: 24,
  instanceType: 'ml.m5.large',
  instanceCount: 1,
  isolationBudget: 10_000,
};

/** Settings that say something on one machine; the others are SageMaker's. */
export function localSettings<T extends Partial<Settings>>(
  settings: T,
): Omit<T, 'instanceType' | 'instanceCount'> {
  const { instanceType, instanceCount, ...rest } = settings;
  return rest;
}

/** The model and the settings that a submission was accepted with. */
export interface Pin {
  /** A model server's URL, or `command:` and the command line that starts one; the name of a SageMaker model. */
  readonly model: string;
  readonly settings: Settings;
}

/** Stable text of a pin: two submissions may share a batch only if theirs are equal. */
export function pinKey(pin: Pin): string {
  const keys = Object.keys(DEFAULT_SETTINGS).sort() as (keyof Settings)[];
  return JSON.stringify([pin.model, ...keys.map((key) => pin.settings[key])]);
}

/** Bytes that a batch object may hold; bounds the memory of every step that reads one. */
export const MAX_BATCH_BYTES = 16 * 1024 * 1024;
