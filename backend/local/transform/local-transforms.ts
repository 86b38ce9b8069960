/** The local twin of SageMaker Batch Transform: transform jobs that run in this process. */
import { type DataLogEntry, parseDataLog } from '../../core/data-log.ts';
import type { Clock } from '../../ports/clock.ts';
import type {
  CreateOutcome,
  Output,
  TransformDescription,
  TransformSpec,
  Transforms,
} from '../../ports/transforms.ts';
import type { LocalEvent } from '../events.ts';
import type { ModelHost } from './model-host.ts';
import { modelProblem } from './model-name.ts';
import { systemClock } from './time.ts';
import { TransformFiles } from './transform-files.ts';
import { type RunContext, TransformRun } from './transform-run.ts';

export interface LocalTransformsOptions {
  /** Folder that `result` and `logs` are made in. */
  readonly root: string;
  /** Text of a batch's object; undefined when there is none. */
  readonly readBatch: (id: string) => Promise<string | undefined>;
  readonly host: ModelHost;
  /** How long a model may take to answer ping, in ms: at the start of a transform job and whenever it is gone. */
  readonly pingTimeoutMs: number;
  readonly clock?: Clock;
  /** Called right after a batch's output has appeared. */
  readonly onOutput: (name: string, batch: string) => void;
  /** Called once a transform job has ended and says so. */
  readonly onEnd: (name: string) => void;
  readonly onEvent?: (event: LocalEvent) => void;
}

interface Running {
  readonly run: TransformRun;
  ended: Promise<void>;
}

export class LocalTransforms implements Transforms {
  readonly #files: TransformFiles;
  readonly #context: RunContext;
  readonly #onEnd: (name: string) => void;
  readonly #onEvent: (event: LocalEvent) => void;
  readonly #running = new Map<string, Running>();
  #closed = false;

  constructor(options: LocalTransformsOptions) {
    const { root, readBatch, host, pingTimeoutMs, clock = systemClock, onOutput } = options;
    this.#files = new TransformFiles(root);
    this.#context = { files: this.#files, host, readBatch, pingTimeoutMs, clock, onOutput };
    this.#onEnd = options.onEnd;
    this.#onEvent = options.onEvent ?? (() => undefined);
  }

  async create(spec: TransformSpec): Promise<CreateOutcome> {
    const problem = modelProblem(spec.pin.model);
    if (problem) return { kind: 'never', error: { code: 'model_unavailable', message: problem } };
    if (this.#closed) return { kind: 'later', reason: 'this process is ending' };
    const { name } = spec;
    if (this.#running.has(name)) return { kind: 'created' };
    // Entered before its folder is there: a folder of a job that isn't running means that its process has ended.
    const running: Running = { run: new TransformRun(spec, this.#context), ended: Promise.resolve() };
    this.#running.set(name, running);
    let claimed = false;
    try {
      claimed = await this.#files.claim(spec);
    } finally {
      if (!claimed) this.#running.delete(name);
    }
    if (claimed) running.ended = this.#follow(spec, running.run);
    return { kind: 'created' };
  }

  async describe(name: string): Promise<TransformDescription | undefined> {
    const running = this.#running.get(name);
    if (running) return { status: running.run.stopping ? 'Stopping' : 'InProgress' };
    const status = await this.#files.status(name);
    if (status) return status;
    if (!(await this.#files.exists(name))) return undefined;
    return { status: 'Failed', fault: 'interrupted', reason: 'the process that ran it ended' };
  }

  async stop(name: string): Promise<void> {
    this.#running.get(name)?.run.stop();
  }

  outputs(name: string): Promise<readonly string[]> {
    return this.#files.outputs(name);
  }

  readOutput(name: string, batch: string): Promise<Output> {
    return this.#files.readOutput(name, batch);
  }

  async dataLog(name: string): Promise<readonly DataLogEntry[]> {
    return parseDataLog(await this.#files.log(name));
  }

  async forget(name: string): Promise<void> {
    const running = this.#running.get(name);
    running?.run.abandon();
    await running?.ended;
    await this.#files.remove(name);
  }

  /** Drops what runs, without a status: it is then described as ended with this process. */
  async close(): Promise<void> {
    this.#closed = true;
    const running = [...this.#running.values()];
    for (const { run } of running) run.abandon();
    await Promise.all(running.map(({ ended }) => ended));
  }

  async #follow(spec: TransformSpec, run: TransformRun): Promise<void> {
    const { name } = spec;
    this.#onEvent({ type: 'transform-started', name, batches: spec.batches.length });
    const ending = await run.run();
    if (ending) {
      // A status that can't be written leaves it described as a job whose process ended, which is requeued.
      await this.#files.writeStatus(name, ending).catch(() => undefined);
    }
    this.#running.delete(name);
    if (!ending) return;
    this.#onEvent({ type: 'transform-ended', name, ...ending });
    this.#onEnd(name);
  }
}
