/** Ctrl-C and SIGTERM: the first one says what happens and aborts what waits; a second one ends the process at once. */
import { InterruptedError, type SignalName } from './errors.ts';
import { EXIT } from './exit-codes.ts';

/** Where signals come from, and the way out. */
export interface SignalSource {
  /** Calls the listener for each SIGINT and SIGTERM until the function it gives is called. */
  readonly signals: (listener: (signal: SignalName) => void) => () => void;
  /** Ends the process at once: a second Ctrl-C. */
  readonly exit: (code: number) => void;
}

export class Interrupts {
  private readonly controller = new AbortController();
  private said: (() => void) | undefined;
  private readonly unsubscribe: () => void;

  constructor(deps: SignalSource) {
    this.unsubscribe = deps.signals((name) => this.receive(name, deps.exit));
  }

  /** Aborted by the first signal, with an InterruptedError as its reason. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Sets what is said at once when the first signal comes. */
  onInterrupt(say: () => void): void {
    this.said = say;
  }

  dispose(): void {
    this.unsubscribe();
  }

  private receive(name: SignalName, exit: SignalSource['exit']): void {
    if (this.signal.aborted) {
      exit(name === 'SIGINT' ? EXIT.sigint : EXIT.sigterm);
      return;
    }
    this.said?.();
    this.controller.abort(new InterruptedError(name));
  }
}

/** The promise, or the signal's reason as soon as it is aborted. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (abort) signal.removeEventListener('abort', abort);
  }
}
