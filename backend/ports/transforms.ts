import type { DataLogEntry } from '../core/data-log.ts';
import type { JobError } from '../core/job.ts';
import type { Pin } from '../core/settings.ts';
import type { TransformStatus } from '../core/transform-job.ts';

/** What a transform job is to do: its batches' objects, through this model, with these settings. */
export interface TransformSpec {
  readonly name: string;
  readonly batches: readonly string[];
  /** How many jobs each has, where that is known: an object with fewer lines isn't whole. */
  readonly jobs?: Readonly<Record<string, number>>;
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
  /** Batches whose objects weren't there or not whole: they were not sent, and are to be written again. */
  readonly lost?: readonly string[];
}

/** Largest part that an output is read in, in bytes; one that isn't larger is read in one go. */
export const OUTPUT_PART_BYTES = 8 * 1024 * 1024;

/** An output object: its name where the objects are, and its bytes. */
export interface Output {
  readonly object: string;
  readonly size: number;
  /** Its bytes in parts of at most `OUTPUT_PART_BYTES`. May be called again. */
  read(): AsyncIterable<Uint8Array>;
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
  /** Opens an output; throws where there is none. */
  readOutput(name: string, batch: string): Promise<Output>;
  /** Failures by object; empty where the log says nothing. */
  dataLog(name: string): Promise<readonly DataLogEntry[]>;
  /** Frees what it kept, once its batches are judged. The data log stays. */
  forget(name: string): Promise<void>;
}
