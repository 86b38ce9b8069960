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
  /** Batches to form now: their members, and of a chunk over the limit how many jobs each of the batches gets that it is cut into. */
  readonly batches: readonly { readonly members: readonly Member[]; readonly cut?: number }[];
  /** When the chunks left over must be gathered at the latest (epoch ms). */
  readonly due: number | undefined;
}

/**
 * Plans batches of at most `limits.jobs` jobs and `limits.bytes` bytes from chunks of one pin, oldest first. A chunk over
 * the limit is cut into fixed ranges. What doesn't fill a batch waits until its window is over or its submission closed.
 */
export function planGather(chunks: readonly Candidate[], limits: BatchLimits, now: number): GatherPlan {
  const batches: GatherPlan['batches'][number][] = [];
  let rest: Candidate[] = [];
  let jobs = 0;
  let bytes = 0;
  const flush = () => {
    if (rest.length > 0) batches.push({ members: rest.map(whole) });
    rest = [];
    jobs = 0;
    bytes = 0;
  };
  for (const chunk of chunks) {
    if (chunk.jobs > limits.jobs) {
      batches.push({ members: [whole(chunk)], cut: limits.jobs });
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

const whole = ({ submission, n, jobs }: Candidate): Member => ({ submission, chunk: n, from: 0, to: jobs });
