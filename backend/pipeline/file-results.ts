/** File results: an output object is checked whole before its first row is written. */
import { type Batch, jobsOf } from '../core/batch.ts';
import { formatJobId } from '../core/ids.ts';
import { answeredLinesOf, parseOutputLine } from '../core/object-lines.ts';
import type { Ports } from '../ports/index.ts';
import type { FiledResult } from '../ports/ledger.ts';
import type { Output } from '../ports/transforms.ts';

/** From this length on (characters) a result's place is told, so that a ledger may leave the text where it is. */
const LARGE_RESULT = 64 * 1024;

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
  await ledger.fileResults(batchId, results, clock.now(), transform);
  return 'filed';
}

/** Results of a batch's output object, or undefined unless it holds every job of the batch exactly once. */
export function parseOutput(batch: Batch, { object, text }: Output): FiledResult[] | undefined {
  const lines = answeredLinesOf(text);
  if (lines.length !== batch.jobs) return undefined;
  const results = new Map<string, Omit<FiledResult, 'ref'>>();
  const offsetOf = byteOffsets(lines);
  for (const [i, line] of lines.entries()) {
    const parsed = parseOutputLine(batch.pin.settings.contentType, line);
    if (!parsed) return undefined;
    const { id, result } = parsed;
    const place = result.length < LARGE_RESULT ? undefined : placeOf(line, result, offsetOf(i));
    results.set(id, place ? { result, place: { object, ...place } } : { result });
  }
  const filed: FiledResult[] = [];
  for (const ref of jobsOf(batch.members)) {
    const found = results.get(formatJobId(ref));
    if (found === undefined) return undefined;
    filed.push({ ref, ...found });
  }
  return filed;
}

/** Where a result's text stands in its object; undefined when it isn't there as it is (a CSV row becomes a JSON string). */
function placeOf(line: string, result: string, offset: number): { from: number; to: number } | undefined {
  const at = line.lastIndexOf(result);
  if (at < 0) return undefined;
  const from = offset + Buffer.byteLength(line.slice(0, at));
  return { from, to: from + Buffer.byteLength(result) };
}

/** Byte at which a line begins; counts only as far as it is asked, in ascending order. */
function byteOffsets(lines: readonly string[]): (index: number) => number {
  let known = 0;
  let offset = 0;
  return (index) => {
    for (; known < index; known++) offset += Buffer.byteLength(lines[known] as string) + 1;
    return offset;
  };
}
