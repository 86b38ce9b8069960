/** Which submission a run is: a new one, one to go on with, or one that is done. */
import { createHash } from 'node:crypto';
import type { SubmissionInfo } from '@batchml/backend/wire';
import { localSettings, type Settings } from '@batchml/backend/words';
import type { ApiClient } from '../../client/client.ts';
import { usageError } from '../../errors.ts';
import { isFinished } from '../../outcome.ts';

export interface RunWork {
  /** Fingerprint of the records. */
  readonly content: string;
  readonly model: string;
  readonly settings: Settings;
}

export interface RunPlan {
  readonly id: string;
  /** What is there already. */
  readonly known: SubmissionInfo | undefined;
}

export interface Difference {
  readonly field: string;
  readonly before: string;
  readonly now: string;
}

const show = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** What two runs under one name don't share. */
export function differences(known: SubmissionInfo, now: RunWork): Difference[] {
  const found: Difference[] = [];
  const compare = (field: string, a: unknown, b: unknown): void => {
    if (a !== b) found.push({ field, before: a === undefined ? 'unknown' : show(a), now: show(b) });
  };
  compare('content', known.content, now.content);
  compare('model', known.model, now.model);
  for (const key of Object.keys(localSettings(now.settings)) as (keyof Settings)[])
    compare(key, known.settings[key], now.settings[key]);
  return found;
}

function refuseDifferences(known: SubmissionInfo, work: RunWork): void {
  const found = differences(known, work);
  if (found.length === 0) return;
  const short = (text: string): string => (/^[0-9a-f]{64}$/.test(text) ? `${text.slice(0, 12)}…` : text);
  throw usageError(
    `submission ${known.submissionId} exists, with other ${found.map((one) => one.field).join(', ')}`,
    {
      code: 'conflict',
      why: found
        .map(({ field, before, now }) => `${field}: ${short(before)} then, ${short(now)} now`)
        .join('\n'),
      next: ['run it as it was then, or take another name: --submission-id NAME'],
      data: { differences: found },
    },
  );
}

/** The submission's ID without its number: the same records, model and settings always give the same. */
export function runIdBase({ content, model, settings }: RunWork): string {
  const sorted = Object.entries(localSettings(settings)).sort(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash('sha256').update(JSON.stringify([content, model, sorted]));
  return `run-${hash.digest('hex').slice(0, 12)}`;
}

/**
 * A named run is the submission of that name, if it is the same work. Otherwise it is the first of this work that isn't
 * finished: one that was interrupted, or a new one.
 */
export async function planRun(client: ApiClient, work: RunWork, name: string | undefined): Promise<RunPlan> {
  if (name !== undefined) {
    const known = await client.findSubmission(name);
    if (known !== undefined) refuseDifferences(known, work);
    return { id: name, known };
  }
  return firstUnfinished(client, runIdBase(work));
}

/** The first submission of `{base}-{number}` that isn't finished, or isn't there yet. */
export async function firstUnfinished(client: ApiClient, base: string): Promise<RunPlan> {
  for (let k = 0; ; k++) {
    const id = `${base}-${k}`;
    const known = await client.findSubmission(id);
    if (known === undefined || !isFinished(known)) return { id, known };
  }
}
