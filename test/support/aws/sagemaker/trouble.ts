/** What a test says of the transform jobs' service, and what that says of a job. */
import type { TransformJobStatus } from '@aws-sdk/client-sagemaker';

/** `detail` of the event "SageMaker Transform Job State Change". */
export type StateChange = Readonly<Record<string, unknown>> & {
  readonly TransformJobName: string;
  readonly TransformJobStatus: TransformJobStatus;
};

export interface SageMakerTrouble {
  /** Jobs end only when `finish` is called. */
  holding: boolean;
  /** The next so many creates are throttled. */
  throttles: number;
  /** Instances that all jobs together may have. */
  quota: number;
  /** The next so many jobs fail for this reason before they read an object. */
  fault: { times: number; reason: string } | undefined;
  /** Outputs that get lost, by base name without its ending and by how often it was tried. */
  dropOutput: (batch: string, attempt: number) => boolean;
  /** What becomes of an output's text. */
  spoil: (text: string, batch: string) => string;
  /** The data log says nothing. */
  dropLog: boolean;
}

export const NO_TROUBLE: SageMakerTrouble = {
  holding: false,
  throttles: 0,
  quota: Number.POSITIVE_INFINITY,
  fault: undefined,
  dropOutput: () => false,
  spoil: (text) => text,
  dropLog: false,
};
