/** Which open chunks make which batches. */
import type { Member } from './batch.ts';

/** What of a chunk decides where it goes. */
export interface Candidate {
  readonly submission: string;
  readonly n: number;
  readonly jobs: number;
  readonly bytes: number;
  readonly acceptedAt: number;
  /** Its submission takes no more chunks. */
  readonly closed: boolean;
}

export interface BatchLimits {
  readonly jobs: number;
  readonly bytes: number;
  readonly windowMs: number;
}

export interface GatherPlan {
  /** Members of each batch to form now. */
  readonly batches: readonly (readonly Member[])[];
  /** When the chunks left over must be gathered at the latest (epoch ms). */
  readonly due: number | undefined;
}

/**
 * Plans batches of at most `limits.jobs` jobs and `limits.bytes` bytes from chunks of one pin, oldest first. A chunk over
 * the limit is cut into fixed ranges. What doesn't fill a batch waits until its window is over or its submission closed.
 */
export function planGather(chunks: readonly Candidate[], limits: BatchLimits, now: number): GatherPlan {
  const batches: Member[][] = [];
  let rest: Candidate[] = [];
  let jobs = 0;
  let bytes = 0;
  const flush = () => {
    if (rest.length > 0) batches.push(rest.map((chunk) => range(chunk, 0, chunk.jobs)));
    rest = [];
    jobs = 0;
    bytes = 0;
  };
  for (const chunk of chunks) {
    if (chunk.jobs > limits.jobs) {
      for (let from = 0; from < chunk.jobs; from += limits.jobs)
        batches.push([range(chunk, from, Math.min(from + limits.jobs, chunk.jobs))]);
      continue;
    }
    if (jobs + chunk.jobs > limits.jobs || bytes + chunk.bytes > limits.bytes) flush();
    rest.push(chunk);
    jobs += chunk.jobs;
    bytes += chunk.bytes;
    if (jobs === limits.jobs) flush();
  }
  const oldest = rest.reduce((least, chunk) => Math.min(least, chunk.acceptedAt), Number.POSITIVE_INFINITY);
  const due = oldest + limits.windowMs;
  if (rest.length > 0 && (due <= now || rest.some((chunk) => chunk.closed))) flush();
  return { batches, due: rest.length > 0 ? due : undefined };
}

function range(chunk: Candidate, from: number, to: number): Member {
  return { submission: chunk.submission, chunk: chunk.n, from, to };
}
