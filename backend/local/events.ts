import type { BatchStrategy, ContentType } from '../core/settings.ts';
import type { TransformFault } from '../ports/transforms.ts';

/** What happens inside, for whoever shows it. */
export type LocalEvent =
  /** The model answered ping. */
  | { readonly type: 'model-ready'; readonly model: string; readonly waitedMs: number }
  /** What the model takes, by probe or as set. `why` is a short phrase. */
  | {
      readonly type: 'choice';
      readonly contentType: ContentType;
      readonly batchStrategy: BatchStrategy;
      readonly why: string;
    }
  | { readonly type: 'transform-started'; readonly name: string; readonly batches: number }
  | {
      readonly type: 'transform-ended';
      readonly name: string;
      readonly status: string;
      readonly reason?: string;
      /** Whose fault it is, where it failed. */
      readonly fault?: TransformFault;
    }
  /** A bell's step failed and will be tried again. */
  | { readonly type: 'step-failed'; readonly bell: string; readonly message: string };
