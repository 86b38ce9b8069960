/** Writes to a stream at the reader's pace, and turns a closed pipe into an error that says so. */
import type { OutputStream } from '../deps.ts';
import { ClosedPipeError } from '../errors.ts';

const CLOSED = new Set(['EPIPE', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END', 'ECONNRESET']);

export class Writer {
  readonly stream: OutputStream;
  private failure: Error | undefined;
  private readonly waiting = new Set<() => void>();

  constructor(stream: OutputStream) {
    this.stream = stream;
    // Stays for good: a late EPIPE without a listener would end the process.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.failure ??= CLOSED.has(error.code ?? '') ? new ClosedPipeError() : error;
      for (const wake of this.waiting) wake();
    });
  }

  /** Resolves when the stream takes more. Throws ClosedPipeError when nobody reads any more. */
  async write(data: string | Uint8Array): Promise<void> {
    if (this.failure) throw this.failure;
    if (data.length === 0) return;
    if (!this.stream.write(data) && !this.failure) await this.drained();
    if (this.failure) throw this.failure;
  }

  /** Writes without waiting and without complaint: for messages. */
  tell(text: string): void {
    if (this.failure) return;
    this.stream.write(text);
  }

  /** Resolves when all that was written is out. */
  async flush(): Promise<void> {
    if (this.failure) throw this.failure;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.waiting.delete(done);
        resolve();
      };
      this.waiting.add(done);
      this.stream.write('', done);
    });
    if (this.failure) throw this.failure;
  }

  private drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.stream.removeListener('drain', done);
        this.stream.removeListener('close', done);
        this.waiting.delete(done);
        resolve();
      };
      this.stream.on('drain', done);
      this.stream.on('close', done);
      this.waiting.add(done);
    });
  }
}
