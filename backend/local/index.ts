/** The local engine's one entry: the whole pipeline on this machine. */
import type { BatchStrategy, ContentType, Pin } from '../core/settings.ts';

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
    }
  /** A bell's step failed and will be tried again. */
  | { readonly type: 'step-failed'; readonly bell: string; readonly message: string };

export interface LocalOptions {
  /** Folder for the database, objects and logs; made if absent (mode 0700). */
  readonly dataDir: string;
  /** Model and settings that accepted work is pinned to; undefined: work is accepted by pins already there only. */
  readonly pin: Pin;
  /** The key that requests must carry in `x-api-key`. */
  readonly apiKey: string;
  /** Work for this submission alone (`batchml run`). */
  readonly submission?: string;
  /** How long the model may take to answer `GET /ping`, in ms. @default 60_000 */
  readonly pingTimeoutMs?: number;
  readonly onEvent?: (event: LocalEvent) => void;
}

export interface LocalPipeline {
  /** The HTTP API without a socket. */
  fetch(request: Request): Promise<Response>;
  /** Waits until the model answers ping and tells what it takes by the sample records (JSON texts). Throws ModelNotReadyError. */
  prepare(sample: readonly string[]): Promise<void>;
  /** Listens on 127.0.0.1; port 0 takes a free one. Gives the endpoint URL. Throws PortInUseError. */
  listen(port: number): Promise<string>;
  /** Resolves when there may be news of the submission (or after `maxMs`): await instead of polling. */
  news(maxMs: number): Promise<void>;
  /** Stops taking requests, stops transforms and models, and leaves a state to go on from. */
  close(): Promise<void>;
}
