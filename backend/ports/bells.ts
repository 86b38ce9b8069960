/**
 * Bells say that something may have a next step, and nothing else: state lives in the ledger. A bell may ring twice,
 * late or never; `reconcile` rings for everything that is open.
 */
export type Bell =
  /** Chunks wait to be gathered; `submission` and `n` name the one that was just accepted. */
  | { readonly kind: 'gather'; readonly submission?: string; readonly n?: number }
  /** Batches wait to be started. */
  | { readonly kind: 'start' }
  /** The schedule's time has come: every batch that waits may be started. */
  | { readonly kind: 'schedule' }
  /** A batch is Forming or Held. */
  | { readonly kind: 'batch'; readonly id: string }
  /** A transform job may be created, has written an output, or has ended. */
  | { readonly kind: 'transform'; readonly name: string }
  /** An output object appeared. */
  | { readonly kind: 'output'; readonly transform: string; readonly batch: string }
  /**
   * A submission is being retried or cancelled. With `from`: chunks before that one are through with the cancelling in
   * that generation.
   */
  | {
      readonly kind: 'submission';
      readonly id: string;
      readonly from?: number;
      readonly generation?: number;
    };

export interface Bells {
  /** Rings soon. */
  ring(bell: Bell): void;
  /** Rings at a time (epoch ms) or a little later. */
  ringAt(at: number, bell: Bell): void;
}
