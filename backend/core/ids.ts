/**
 * IDs and what they carry. A job ID is `{submission}.{chunk}.{index}`, so a list of IDs folds into submissions and a
 * job is found without an index.
 */

/** Submission IDs: letters, digits, `-` and `_`, at most 64, never a dot (dots separate the parts of a job ID). */
const SUBMISSION_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const JOB_ID = /^([A-Za-z0-9][A-Za-z0-9_-]{0,63})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,3})$/;

/** Where a job stands: the chunk of its submission, and its index in the chunk, both from 0. */
export interface JobRef {
  readonly submission: string;
  readonly chunk: number;
  readonly index: number;
}

export function isSubmissionId(text: string): boolean {
  return SUBMISSION_ID.test(text);
}

export function formatJobId(ref: JobRef): string {
  return `${ref.submission}.${ref.chunk}.${ref.index}`;
}

/** The parts of a job ID, or undefined when the text isn't one. */
export function parseJobId(text: string): JobRef | undefined {
  const match = JOB_ID.exec(text);
  if (!match) return undefined;
  return { submission: match[1] as string, chunk: Number(match[2]), index: Number(match[3]) };
}

/** A new ID that sorts by time: `{prefix}-{UTC time}-{random}`. `random` gives at least 6 letters or digits. */
export function timedId(prefix: string, nowMs: number, random: string): string {
  const time = new Date(nowMs).toISOString().replace(/[-:T]/g, '').slice(0, 14);
  return `${prefix}-${time}-${random}`;
}

/** ID of the `index`th part of a split batch. */
export function childBatchId(parent: string, index: number): string {
  return `${parent}.${index}`;
}

/** ID of the `index`th batch of a cut chunk. */
export function cutBatchId(base: string, index: number): string {
  return `${base}_${String(index).padStart(4, '0')}`;
}
