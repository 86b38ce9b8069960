/** A transform job as the ledger knows it: which batches it carries and where it stands. */

/** Claimed: its slot and batches are taken. Running: the transform service has it. Ended: judged, its slot is free. */
export const TRANSFORM_STATES = ['Claimed', 'Running', 'Ended'] as const;
export type TransformState = (typeof TRANSFORM_STATES)[number];

const NEXT: Record<TransformState, readonly TransformState[]> = {
  Claimed: ['Running', 'Ended'],
  Running: ['Ended'],
  Ended: [],
};

export function transformMayBecome(from: TransformState, to: TransformState): boolean {
  return NEXT[from].includes(to);
}

export interface TransformJob {
  /** Its name at SageMaker, made of its batches and their attempts: creating it twice makes one. */
  readonly name: string;
  readonly batches: readonly string[];
  readonly state: TransformState;
  readonly claimedAt: number;
  /** Time (epoch ms) by which it must have ended, else it is stopped and its jobs fail. */
  readonly deadline: number;
  /** Not to be created before this time (epoch ms), after a throttle or a quota. */
  readonly notBefore: number;
  readonly reason: string | undefined;
}

/** How the transform service's own status ends. */
export type TransformStatus = 'InProgress' | 'Completed' | 'Failed' | 'Stopping' | 'Stopped';

export function hasEnded(status: TransformStatus): boolean {
  return status === 'Completed' || status === 'Failed' || status === 'Stopped';
}
