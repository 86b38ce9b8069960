/**
 * The pipeline over a real ledger and real objects, with transform jobs in memory, a clock that the test moves and bells
 * that it answers: everything between acceptance and results, and nothing that takes time.
 */
import { formatWireLine } from '../../backend/core/chunk.ts';
import { type JobRef, parseJobId } from '../../backend/core/ids.ts';
import type { Trigger } from '../../backend/core/schedule.ts';
import { DEFAULT_SETTINGS, type Pin, type Settings } from '../../backend/core/settings.ts';
import {
  isFinished,
  type StatusCounts,
  type Submission,
  statusCounts,
} from '../../backend/core/submission.ts';
import { acceptChunk, acceptJob } from '../../backend/pipeline/accept.ts';
import { advance } from '../../backend/pipeline/advance.ts';
import { reconcile } from '../../backend/pipeline/reconcile.ts';
import type { Bell } from '../../backend/ports/bells.ts';
import type { Ports } from '../../backend/ports/index.ts';
import type { JobView } from '../../backend/ports/ledger.ts';
import { localBackend, type OpenBackend } from './backends.ts';
import { BellQueue, ManualClock } from './bell-queue.ts';
import { FakeTransforms, type Model } from './fake-transforms.ts';

export const MINUTE = 60_000;
export const HOUR = 3_600_000;
/** Waits before a failed step is tried again; a lost bell is made good by reconcile. */
const AGAIN_MS = 1000;

export interface SubmitOptions {
  readonly chunkSize?: number;
  readonly settings?: Partial<Settings>;
  readonly model?: string;
  /** Leaves the submission open. */
  readonly open?: boolean;
}

export class MemoryPipeline {
  /** As the pipeline gets them; a test may put its own between. */
  ports: Ports;
  readonly clock: ManualClock;
  readonly bells: BellQueue;
  readonly transforms: FakeTransforms;
  /** Steps that failed. */
  readonly failures: Error[] = [];
  /** Bells that are answered at once. */
  together = 1;
  /** When waiting batches are started. */
  trigger: Trigger = 's3';
  /** Called after each step. */
  afterStep: () => Promise<void> = async () => undefined;
  /** The ledger itself, for what the test looks at. */
  readonly #ledger: Ports['ledger'];
  readonly #close: () => void;

  /** Where state is kept. A test file that runs the others' tests over another backend sets it before. */
  static backend: OpenBackend = localBackend;

  static async open(model: Model): Promise<MemoryPipeline> {
    const clock = new ManualClock(Date.UTC(2026, 10, 22, 10));
    const bells = new BellQueue(clock);
    const { ledger, objects, close } = await MemoryPipeline.backend(clock);
    const transforms = new FakeTransforms(model, {
      readBatch: objects.readBatch,
      onOutput: (transform, batch) => bells.ring({ kind: 'output', transform, batch }),
      onEnd: (name) => bells.ring({ kind: 'transform', name }),
    });
    let ids = 0;
    const random = () => `r${String(ids++).padStart(6, '0')}`;
    const ports = { ledger, objects, transforms, bells, clock, random };
    return new MemoryPipeline({ ports, clock, bells, transforms }, close);
  }

  private constructor(
    { ports, clock, bells, transforms }: Pick<MemoryPipeline, 'ports' | 'clock' | 'bells' | 'transforms'>,
    close: () => void,
  ) {
    this.ports = ports;
    this.#ledger = ports.ledger;
    this.clock = clock;
    this.bells = bells;
    this.transforms = transforms;
    this.#close = close;
  }

  close(): void {
    this.#close();
  }

  /** Sends records (JSON text each) by chunks, and closes the submission. */
  async submit(id: string, records: readonly string[], options: SubmitOptions = {}): Promise<void> {
    const { chunkSize = 500, open = false } = options;
    for (let n = 0; n * chunkSize < records.length; n++) {
      const lines = records
        .slice(n * chunkSize, (n + 1) * chunkSize)
        .map((record, i) => formatWireLine(n * chunkSize + i + 1, undefined, record));
      const body = Buffer.from(`${lines.join('\n')}\n`);
      await acceptChunk(this.ports, pinOf(options), id, n, body);
    }
    if (open) return;
    const outcome = await this.ports.ledger.closeSubmission(id, records.length);
    if (outcome.kind !== 'closed') throw new Error(`${id} was not closed: ${outcome.kind}`);
    this.bells.ring({ kind: 'gather' });
  }

  /** Sends one record as `POST /job` does; gives the job's place. */
  async post(record: string, options: SubmitOptions = {}, key?: string): Promise<JobRef> {
    const id = await acceptJob(this.ports, pinOf(options), Buffer.from(record), key);
    return parseJobId(id) as JobRef;
  }

  /** Lets this time go by: answers bells until none rings any more. */
  async settle(withinMs = 15 * MINUTE): Promise<void> {
    const end = this.clock.now() + withinMs;
    for (;;) {
      for (let bells = this.#take(); bells.length > 0; bells = this.#take())
        await Promise.all(bells.map((bell) => this.#answer(bell)));
      const next = this.bells.nextAt();
      this.clock.moveTo(Math.min(next ?? end, end));
      if (next === undefined || next > end) return;
    }
  }

  #take(): Bell[] {
    return Array.from({ length: this.together }, () => this.bells.take()).filter(
      (bell) => bell !== undefined,
    );
  }

  async #answer(bell: Bell): Promise<void> {
    try {
      await advance(this.ports, bell, { trigger: this.trigger });
    } catch (error) {
      this.failures.push(error as Error);
      this.bells.ringAt(this.clock.now() + AGAIN_MS, bell);
    }
    await this.afterStep();
  }

  /** Moves the clock on and lets reconcile look, as it does every minute; its bells don't get lost. */
  async reconcile(afterMs = MINUTE): Promise<void> {
    this.clock.moveTo(this.clock.now() + afterMs);
    const { trouble } = this.bells;
    if (trouble) this.bells.trouble = { ...trouble, lose: 0 };
    try {
      await reconcile(this.ports);
    } catch (error) {
      this.failures.push(error as Error);
    }
    this.bells.trouble = trouble;
  }

  /** Settles, with reconcile in between, until every job of these submissions is final. */
  async finish(ids: readonly string[], rounds = 60): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      await this.settle(MINUTE);
      const all = await Promise.all(ids.map((id) => this.submission(id)));
      if (all.every(isFinished)) return;
      await this.reconcile();
    }
    throw new Error(`not finished after ${rounds} rounds; last failure: ${this.failures.at(-1)?.stack}`);
  }

  async submission(id: string): Promise<Submission> {
    const submission = await this.#ledger.submission(id);
    if (!submission) throw new Error(`no submission ${id}`);
    return submission;
  }

  async counts(id: string): Promise<StatusCounts> {
    return statusCounts((await this.submission(id)).counters);
  }

  async jobs(id: string): Promise<JobView[]> {
    return (await this.#ledger.chunks(id, 0, 10_000)).flatMap(({ jobs }) => jobs);
  }

  async job(ref: JobRef): Promise<JobView> {
    const [job] = await this.#ledger.jobs([ref]);
    if (!job) throw new Error('no such job');
    return job;
  }

  /** Number of jobs by error code. */
  async errors(id: string): Promise<Record<string, number>> {
    const codes: Record<string, number> = {};
    for (const { error } of await this.jobs(id)) if (error) codes[error.code] = (codes[error.code] ?? 0) + 1;
    return codes;
  }
}

function pinOf({ model = 'http://model', settings }: SubmitOptions): Pin {
  return { model, settings: { ...DEFAULT_SETTINGS, ...settings } };
}

/** Records `{"n":0}`, `{"n":1}`, ... */
export function records(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `{"n":${from + i}}`);
}

export const numberOf = (record: string): number => (JSON.parse(record) as { n: number }).n;

/** A model that doubles `n`, and refuses the records whose number is among these. */
export function doubling(refuses: (n: number) => boolean = () => false): Model {
  return (record) => {
    const n = numberOf(record);
    return refuses(n) ? { status: 400, message: `record ${n} is poison` } : `{"twice":${n * 2}}`;
  };
}
