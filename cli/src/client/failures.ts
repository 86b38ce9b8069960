/** Why jobs failed, grouped. */
import type { ResultLine } from '@batchml/backend/wire';
import type { FailureGroup } from '../outcome.ts';
import type { ApiClient } from './client.ts';
import { splitLines } from './result-line.ts';

/** Failures looked at. */
const LOOK = 1000;
const GROUPS = 5;

export interface Failures {
  /** By code and message, most frequent first; the first five. */
  readonly groups: readonly FailureGroup[];
  /** How many failures were looked at. */
  readonly looked: number;
}

/** The submission's first failures by their messages. */
export async function readFailures(client: ApiClient, submission: string): Promise<Failures> {
  const groups = new Map<string, FailureGroup>();
  let looked = 0;
  let cursor: string | undefined;
  do {
    const page = await client.results(submission, { status: 'Failed', limit: 500, cursor });
    for (const text of splitLines(page.text)) {
      const { line, error } = JSON.parse(text) as ResultLine;
      const { code, message } = error ?? { code: 'unknown', message: 'no message' };
      const key = `${code} ${message}`;
      const known = groups.get(key);
      groups.set(key, { code, message, count: (known?.count ?? 0) + 1, firstLine: known?.firstLine ?? line });
      looked++;
    }
    cursor = page.cursor;
  } while (cursor !== undefined && looked < LOOK);
  const sorted = [...groups.values()].sort((a, b) => b.count - a.count);
  return { groups: sorted.slice(0, GROUPS), looked };
}
