import type { DataLogEntry } from '../core/data-log.ts';
import type { JobError } from '../core/job.ts';
import type { Pin } from '../core/settings.ts';
import type { TransformStatus } from '../core/transform-job.ts';

/** What a transform job is to do: its batches' objects, through this model, with these settings. */
export interface TransformSpec {
  readonly name: string;
  readonly batches: readonly string[];
  readonly pin: Pin;
  /**
   * Its objects go to the model one request at a time, with nothing else of this transform job in flight, whatever the
   * pin says.
   */
  readonly alone?: boolean;
}

/**
 * `created` also when the same job exists already. `later`: a throttle or a quota, wait and try again. `never`: it
 * can't work however often it is tried (no such model, no permission).
 */
export type CreateOutcome =
  | { readonly kind: 'created' }
  | { readonly kind: 'later'; readonly reason: string }
  | { readonly kind: 'never'; readonly error: JobError };

/**
 * Whose fault an ended transform job's failure is.
 *
 * - `records`: objects failed; the data log says which
 * - `platform`: capacity or an internal error; nothing is said of the records
 * - `interrupted`: the process that ran it ended (local)
 * - `model`: the model never became ready
 * - `access`: no such model or no permission; trying again is of no use
 */
export type TransformFault = 'records' | 'platform' | 'interrupted' | 'model' | 'access';

export interface TransformDescription {
  readonly status: TransformStatus;
  readonly fault?: TransformFault;
  /** The service's own words for a failure. */
  readonly reason?: string;
}

/** An output object: its text, and its name where the objects are. */
export interface Output {
  readonly object: string;
  readonly text: string;
}

/** The service that runs transform jobs: SageMaker Batch Transform, or its local twin. */
export interface Transforms {
  create(spec: TransformSpec): Promise<CreateOutcome>;
  /** Undefined when there is no transform job of that name. */
  describe(name: string): Promise<TransformDescription | undefined>;
  /** Asks it to stop; it ends as `Stopped` later. Unknown and ended ones are left alone. */
  stop(name: string): Promise<void>;
  /** IDs of the batches that it has written a whole output object for. */
  outputs(name: string): Promise<readonly string[]>;
  readOutput(name: string, batch: string): Promise<Output>;
  /** Failures by object; empty where the log says nothing. */
  dataLog(name: string): Promise<readonly DataLogEntry[]>;
  /** Frees what it kept, once its batches are judged. The data log stays. */
  forget(name: string): Promise<void>;
}
