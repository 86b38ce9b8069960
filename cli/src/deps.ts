/** What the command line takes from the world. Real ones are made in main.ts alone; tests bring their own. */
import type { LocalOptions, LocalPipeline } from '@batchml/backend/local';
import type { Fetch } from './client/client.ts';
import type { SignalSource } from './interrupts.ts';

export interface OutputStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export type InputStream = AsyncIterable<Uint8Array> & { readonly isTTY?: boolean };

export interface Deps extends SignalSource {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Epoch in ms. */
  readonly now: () => number;
  /** Resolves after `ms`, or at once when the signal is aborted. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** That many random bytes, in hex. */
  readonly randomHex: (bytes: number) => string;
  /** HTTP. */
  readonly fetch: Fetch;
  readonly tmpDir: string;
  readonly openLocal: (options: LocalOptions) => Promise<LocalPipeline>;
  /** Folder that holds the stack's template and the functions' zip files. */
  readonly stackDir: string;
  /** Where AWS is, instead of where the SDK finds it. */
  readonly aws?: {
    readonly endpoint: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
}
