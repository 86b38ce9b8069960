/** File results: an output object is checked whole before its first row is written. */
import { type Batch, jobsOf } from '../core/batch.ts';
import { formatJobId } from '../core/ids.ts';
import { linesOf, parseOutputLine } from '../core/object-lines.ts';
import type { Ports } from '../ports/index.ts';
import type { FiledResult } from '../ports/ledger.ts';

/** An output object found unusable this often counts as missing. */
const MAX_UNUSABLE = 3;

type FilePorts = Pick<Ports, 'ledger' | 'transforms' | 'clock'>;

/**
 * Files a batch's output of a transform job under its jobs.
 * @returns `filed`, `unusable` (try again) or `missing` (nothing will come of it)
 */
export async function fileResults(
  { ledger, transforms, clock }: FilePorts,
  transform: string,
  batchId: string,
): Promise<'filed' | 'unusable' | 'missing'> {
  const batch = await ledger.batch(batchId);
  if (!batch || batch.state === 'Done' || batch.state === 'Failed') return 'filed';
  const results = parseOutput(batch, await transforms.readOutput(transform, batchId));
  if (!results)
    return (await ledger.countUnusable(batchId, transform)) >= MAX_UNUSABLE ? 'missing' : 'unusable';
  await ledger.fileResults(batchId, results, clock.now());
  return 'filed';
}

/** Results of a batch's output object, or undefined unless it holds every job of the batch exactly once. */
export function parseOutput(batch: Batch, text: string): FiledResult[] | undefined {
  const lines = linesOf(text);
  if (lines.length !== batch.jobs) return undefined;
  const results = new Map<string, string>();
  for (const line of lines) {
    const parsed = parseOutputLine(batch.pin.settings.contentType, line);
    if (!parsed) return undefined;
    results.set(parsed.id, parsed.result);
  }
  const filed: FiledResult[] = [];
  for (const ref of jobsOf(batch.members)) {
    const result = results.get(formatJobId(ref));
    if (result === undefined) return undefined;
    filed.push({ ref, result });
  }
  return filed;
}
