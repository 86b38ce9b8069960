/** Steps that bring a ledger into the states that its contract speaks of, in the port's words only. */
import { expect } from 'vitest';
import { type Batch, countJobs, jobsOf, type Member } from '../../backend/core/batch.ts';
import { formatJobId, type JobRef } from '../../backend/core/ids.ts';
import type { JobError, JobStatus } from '../../backend/core/job.ts';
import { DEFAULT_SETTINGS, type Pin, type Settings } from '../../backend/core/settings.ts';
import { statusCounts } from '../../backend/core/submission.ts';
import type { TransformJob } from '../../backend/core/transform-job.ts';
import type {
  AcceptOutcome,
  ChunkDraft,
  JobView,
  Ledger,
  SubmissionDraft,
} from '../../backend/ports/ledger.ts';

export const HOUR = 3_600_000;
export const T0 = Date.UTC(2026, 10, 22, 10);
export const REASON: JobError = { code: 'model_error', message: 'no text' };

export function pinOf(settings: Partial<Settings> = {}, model = 'http://model'): Pin {
  return { model, settings: { ...DEFAULT_SETTINGS, ...settings } };
}

export function draftOf(id: string, more: Partial<SubmissionDraft> = {}): SubmissionDraft {
  const draft = {
    id,
    kind: 'batch',
    pin: pinOf(),
    content: undefined,
    name: undefined,
    createdAt: T0,
  } as const;
  return { ...draft, ...more };
}

export function chunkOf(
  submission: string,
  n: number,
  jobs: number,
  more: Partial<ChunkDraft> = {},
): ChunkDraft {
  const lines = Array.from(
    { length: jobs },
    (_, index) => `{"id":"${formatJobId({ submission, chunk: n, index })}","input":${n}}\n`,
  );
  return {
    submission,
    n,
    sha256: `hash-${n}-${jobs}`,
    directory: { lines: [[n * 1000 + 1, jobs]] },
    lines: lines.join(''),
    jobs,
    acceptedAt: T0 + n,
    ...more,
  };
}

export function batchOf(id: string, members: readonly Member[], more: Partial<Batch> = {}): Batch {
  return {
    id,
    root: id,
    parent: undefined,
    round: 0,
    owner: members[0]?.submission,
    members,
    jobs: countJobs(members),
    pin: pinOf(),
    generation: 0,
    state: 'Forming',
    attempts: 0,
    requeues: 0,
    suspect: false,
    transformJob: undefined,
    scout: undefined,
    notBefore: 0,
    createdAt: T0,
    waitDeadline: T0 + 24 * HOUR,
    reason: undefined,
    ...more,
  };
}

export function transformOf(name: string, batches: readonly string[]): TransformJob {
  const times = { claimedAt: T0, deadline: T0 + HOUR, notBefore: 0 };
  return { name, batches, state: 'Claimed', ...times, reason: undefined };
}

export const refsOf = (submission: string, chunk: number, indexes: readonly number[]): JobRef[] =>
  indexes.map((index) => ({ submission, chunk, index }));

export class Steps {
  readonly ledger: Ledger;
  #next = 0;

  constructor(ledger: Ledger) {
    this.ledger = ledger;
  }

  accept(chunk: ChunkDraft, more: Partial<SubmissionDraft> = {}): Promise<AcceptOutcome> {
    return this.ledger.acceptChunk(chunk, draftOf(chunk.submission, more));
  }

  /** A closed submission of one chunk of so many jobs for each number. */
  async submission(
    id: string,
    chunks: readonly number[],
    more: Partial<SubmissionDraft> = {},
  ): Promise<void> {
    for (const [n, jobs] of chunks.entries()) await this.accept(chunkOf(id, n, jobs), more);
    await this.ledger.closeSubmission(
      id,
      chunks.reduce((sum, jobs) => sum + jobs, 0),
    );
  }

  /** A batch of these members; Forming. */
  async formed(members: readonly Member[], more: Partial<Batch> = {}): Promise<Batch> {
    const [batch] = await this.ledger.formBatches([batchOf(`b-${this.#next++}`, members, more)]);
    return batch as Batch;
  }

  async waiting(members: readonly Member[], more: Partial<Batch> = {}): Promise<Batch> {
    const { id } = await this.formed(members, more);
    await this.ledger.markWaiting([id]);
    return this.batch(id);
  }

  /** Claims Waiting batches for a transform job of a new name. */
  async claim(...batches: readonly string[]): Promise<string> {
    const name = `t-${this.#next++}`;
    expect(await this.ledger.claimTransformJob(transformOf(name, batches), 1000)).toBe('claimed');
    return name;
  }

  /** A submission of one chunk, its only batch Running. */
  async running(
    id: string,
    jobs: number,
    more: Partial<Batch> = {},
  ): Promise<{ batch: Batch; name: string }> {
    await this.submission(id, [jobs]);
    const { id: batch } = await this.waiting([{ submission: id, chunk: 0, from: 0, to: jobs }], more);
    const name = await this.claim(batch);
    return { batch: await this.batch(batch), name };
  }

  /** One whose jobs have all failed. */
  async failed(id: string, jobs: number): Promise<Batch> {
    const { batch, name } = await this.running(id, jobs);
    await this.ledger.applyVerdict(batch.id, name, { kind: 'fail', error: REASON }, T0);
    await this.ledger.endTransformJob(name, undefined);
    return batch;
  }

  /** A Running batch split into children at these lines, which are Forming. */
  async split(batch: Batch, name: string, ...cuts: readonly number[]): Promise<Batch[]> {
    const children = childrenOf(batch, cuts);
    const verdict = { kind: 'split', children, budget: 100, reason: REASON } as const;
    expect(await this.ledger.applyVerdict(batch.id, name, verdict, T0)).toBe(true);
    return children;
  }

  async file(batch: Batch, result = '1', at = T0): Promise<void> {
    const results = [...jobsOf(batch.members)].map((ref) => ({ ref, result }));
    await this.ledger.fileResults([{ batch: batch.id, results }], at);
  }

  async batch(id: string): Promise<Batch> {
    return (await this.ledger.batch(id)) as Batch;
  }

  async jobs(id: string): Promise<JobView[]> {
    return (await this.ledger.chunks(id, 0, 1000)).flatMap((chunk) => chunk.jobs);
  }

  async statuses(id: string): Promise<JobStatus[]> {
    return (await this.jobs(id)).map((job) => job.status);
  }

  /** How many jobs have each status that occurs; checked to be the same by counters and by the listing. */
  async counts(id: string): Promise<Partial<Record<JobStatus, number>>> {
    const counters = (await this.ledger.submission(id))?.counters;
    if (!counters) throw new Error(`no submission ${id}`);
    const counted = Object.entries(statusCounts(counters)).filter(([, n]) => n !== 0);
    const listed: Partial<Record<JobStatus, number>> = {};
    for (const status of await this.statuses(id)) listed[status] = (listed[status] ?? 0) + 1;
    expect(Object.fromEntries(counted)).toEqual(listed);
    return listed;
  }
}

/** Children of a batch, cut before these lines. */
export function childrenOf(batch: Batch, cuts: readonly number[]): Batch[] {
  const jobs = [...jobsOf(batch.members)];
  const borders = [0, ...cuts, jobs.length];
  return borders.slice(1).map((to, i) => {
    const members = jobs
      .slice(borders[i], to)
      .map(({ submission, chunk, index }) => ({ submission, chunk, from: index, to: index + 1 }));
    const { pin, root, generation } = batch;
    const line = {
      root,
      generation,
      pin,
      parent: batch.id,
      round: batch.round + 1,
      suspect: true,
      scout: batch.id,
    };
    return batchOf(`${batch.id}.${i}`, members, { ...line, reason: REASON });
  });
}
