/**
 * Transform jobs in memory. What it does, as Batch Transform does it:
 *
 * - `create` of a name that exists changes nothing. A created transform job runs at once, or while `holding` when
 *   `finish` is called.
 * - Its objects go through the model in order, record by record. The unit of failure is the object: when the model
 *   refuses a record, the object gets no output but an entry in the data log, and the other objects go on. Every record
 *   of an object counts as sent, as a request carries many.
 * - It ends as Completed, or as Failed for `records` when an object failed, and then says so by `onEnd`; each output is
 *   told by `onOutput`.
 * - `stop` ends it as Stopped at once. `forget` drops all but the data log: it is then unknown, and its outputs can't be
 *   read.
 *
 * What goes wrong is set by the fields of `trouble`; by default nothing does.
 */
import type { DataLogEntry } from '../../backend/core/data-log.ts';
import type { JobError } from '../../backend/core/job.ts';
import { joinOutputLine, linesOf, recordOfInputLine } from '../../backend/core/object-lines.ts';
import { hasEnded } from '../../backend/core/transform-job.ts';
import {
  type CreateOutcome,
  OUTPUT_PART_BYTES,
  type Output,
  type TransformDescription,
  type TransformFault,
  type TransformSpec,
  type Transforms,
} from '../../backend/ports/transforms.ts';

export interface Refusal {
  /** HTTP status; 0: the model died and answered nothing. */
  readonly status: number;
  readonly message: string;
}

/** What a model makes of a record (JSON text, or a CSV row): a result of the same kind, or a refusal. */
export type Model = (record: string) => string | Refusal;

export class Trouble {
  /** Transform jobs end only when `finish` is called. */
  holding = false;
  /** The next so many creates are throttled. */
  throttles = 0;
  /** The next so many creates are done, but the answer is lost. */
  lostAnswers = 0;
  /** Creates can never work. */
  never: JobError | undefined;
  /** The next so many transform jobs end with this fault before they read an object. */
  fault: { times: number; kind: TransformFault; reason: string } | undefined;
  /** Outputs that get lost. */
  dropOutput: (batch: string, attempt: number) => boolean = () => false;
  /** What becomes of an output's text. */
  spoil: (text: string, batch: string) => string | Uint8Array = (text) => text;
  /** An output is read in parts of so many bytes. */
  partBytes = OUTPUT_PART_BYTES;
  /** The data log says nothing. */
  dropLog = false;
}

interface Run {
  readonly spec: TransformSpec;
  description: TransformDescription;
  readonly outputs: Map<string, Buffer>;
  readonly log: DataLogEntry[];
  /** Batches whose object is missing or not whole. */
  readonly lost: string[];
}

export interface FakeTransformsOptions {
  readonly readBatch: (batch: string) => Promise<string | undefined>;
  readonly onOutput: (name: string, batch: string) => void;
  readonly onEnd: (name: string) => void;
}

export class FakeTransforms implements Transforms {
  readonly trouble = new Trouble();
  model: Model;
  /** Transform jobs created, in order. */
  readonly created: TransformSpec[] = [];
  /** How often each record was sent to the model. */
  readonly sent = new Map<string, number>();
  readonly #options: FakeTransformsOptions;
  readonly #runs = new Map<string, Run>();
  readonly #logs = new Map<string, DataLogEntry[]>();
  readonly #tries = new Map<string, number>();

  constructor(model: Model, options: FakeTransformsOptions) {
    this.model = model;
    this.#options = options;
  }

  /** Names of the transform jobs that run. */
  get inProgress(): string[] {
    return [...this.#runs]
      .filter(([, { description }]) => !hasEnded(description.status))
      .map(([name]) => name);
  }

  /** Records sent, over all. */
  get totalSent(): number {
    return [...this.sent.values()].reduce((sum, n) => sum + n, 0);
  }

  async create(spec: TransformSpec): Promise<CreateOutcome> {
    const { trouble } = this;
    if (trouble.never) return { kind: 'never', error: trouble.never };
    if (trouble.throttles > 0) {
      trouble.throttles--;
      return { kind: 'later', reason: 'ResourceLimitExceeded: no instance is free' };
    }
    if (!this.#runs.has(spec.name)) {
      const log: DataLogEntry[] = [];
      this.#runs.set(spec.name, {
        spec,
        description: { status: 'InProgress' },
        outputs: new Map(),
        log,
        lost: [],
      });
      this.#logs.set(spec.name, log);
      this.created.push(spec);
      if (!trouble.holding) await this.finish(spec.name);
    }
    if (trouble.lostAnswers > 0) {
      trouble.lostAnswers--;
      throw new Error('the connection was reset');
    }
    return { kind: 'created' };
  }

  /** Runs a transform job to its end, unless it has ended. */
  async finish(name: string): Promise<void> {
    const run = this.#runs.get(name);
    if (!run || hasEnded(run.description.status)) return;
    const { fault } = this.trouble;
    if (fault && fault.times > 0) {
      fault.times--;
      run.description = { status: 'Failed', fault: fault.kind, reason: fault.reason };
    } else {
      for (const batch of run.spec.batches) await this.#transform(run, batch);
      if (hasEnded(run.description.status)) return;
      run.description =
        run.log.length > 0
          ? { status: 'Failed', fault: 'records', reason: 'ClientError: See job logs for more information' }
          : run.lost.length > 0
            ? { status: 'Failed', fault: 'platform', reason: `the object of ${run.lost[0]} is not whole` }
            : { status: 'Completed' };
      if (run.lost.length > 0) run.description = { ...run.description, lost: run.lost };
    }
    this.#options.onEnd(name);
  }

  async #transform(run: Run, batch: string): Promise<void> {
    const { contentType } = run.spec.pin.settings;
    const text = await this.#options.readBatch(batch);
    const lines = linesOf(text ?? '');
    if (!text?.endsWith('\n') || lines.length !== (run.spec.jobs?.[batch] ?? lines.length)) {
      run.lost.push(batch);
      return;
    }
    const attempt = (this.#tries.get(batch) ?? 0) + 1;
    this.#tries.set(batch, attempt);
    let refusal: Refusal | undefined;
    const outputs = lines.map((line) => {
      const record = recordOfInputLine(contentType, line);
      this.sent.set(record, (this.sent.get(record) ?? 0) + 1);
      const answer = this.model(record);
      if (typeof answer !== 'string') refusal ??= answer;
      return typeof answer === 'string' ? joinOutputLine(contentType, line, answer) : '';
    });
    if (refusal) {
      const { status, message } = refusal;
      const kind = status === 0 ? 'ModelDisconnected' : status < 500 ? 'ClientError' : 'ServerError';
      run.log.push({ batch, kind, status: status === 0 ? undefined : status, message });
    } else if (!this.trouble.dropOutput(batch, attempt)) {
      run.outputs.set(batch, Buffer.from(this.trouble.spoil(`${outputs.join('\n')}\n`, batch)));
      this.#options.onOutput(run.spec.name, batch);
    }
  }

  async describe(name: string): Promise<TransformDescription | undefined> {
    return this.#runs.get(name)?.description;
  }

  async stop(name: string): Promise<void> {
    const run = this.#runs.get(name);
    if (!run || hasEnded(run.description.status)) return;
    run.description = { status: 'Stopped' };
    this.#options.onEnd(name);
  }

  async outputs(name: string): Promise<readonly string[]> {
    return [...(this.#runs.get(name)?.outputs.keys() ?? [])];
  }

  async readOutput(name: string, batch: string): Promise<Output> {
    const bytes = this.#runs.get(name)?.outputs.get(batch);
    if (bytes === undefined) throw new Error(`there is no output of ${batch} in ${name}`);
    const { partBytes } = this.trouble;
    return {
      object: `${name}/${batch}.out`,
      size: bytes.length,
      async *read() {
        for (let at = 0; at < bytes.length; at += partBytes) yield bytes.subarray(at, at + partBytes);
      },
    };
  }

  async dataLog(name: string): Promise<readonly DataLogEntry[]> {
    return this.trouble.dropLog ? [] : (this.#logs.get(name) ?? []);
  }

  async forget(name: string): Promise<void> {
    this.#runs.delete(name);
  }
}
