/** File results: an output object is checked whole before its first row is written. */
import { type Batch, jobsOf } from '../core/batch.ts';
import { formatJobId } from '../core/ids.ts';
import { answeredLinesOf, parseOutputLine } from '../core/object-lines.ts';
import type { Ports } from '../ports/index.ts';
import type { FiledResult, Filing } from '../ports/ledger.ts';
import type { Output } from '../ports/transforms.ts';

/** From this length on (characters) a result's place is told, so that a ledger may leave the text where it is. */
const LARGE_RESULT = 4096;

/** An output object found unusable this often counts as missing. */
const MAX_UNUSABLE = 3;

/** Text of outputs that are filed together, in characters: what is read is in memory at once. */
const TOGETHER = 8 * 1024 * 1024;

type FilePorts = Pick<Ports, 'ledger' | 'transforms' | 'clock'>;

export interface Outputs {
  /** How many of the batches are done with, now or before. */
  readonly filed: number;
  /** Batches whose output is there, but not whole: now, or as often as it was looked at. */
  readonly unusable: ReadonlySet<string>;
}

/**
 * Files outputs of a transform job under their jobs. Those that are read together are filed together: batches of one chunk then
 * cost one change of it.
 * @param again looks at an output that is not whole as often as that may help
 */
export async function fileOutputs(
  { ledger, transforms, clock }: FilePorts,
  transform: string,
  ids: readonly string[],
  again = false,
): Promise<Outputs> {
  const unusable = new Set<string>();
  let filed = 0;
  let page: Filing[] = [];
  let chars = 0;
  const flush = async () => {
    if (page.length > 0) await ledger.fileResults(page, clock.now());
    filed += page.length;
    [page, chars] = [[], 0];
  };
  for (const id of ids) {
    const batch = await ledger.batch(id);
    if (!batch || batch.state === 'Done' || batch.state === 'Failed') {
      filed++;
      continue;
    }
    const read = await readWhole({ ledger, transforms }, transform, batch, again);
    if (!read) {
      unusable.add(id);
      continue;
    }
    page.push({ batch: id, results: read.results });
    chars += read.chars;
    if (chars >= TOGETHER) await flush();
  }
  await flush();
  return { filed, unusable };
}

async function readWhole(
  { ledger, transforms }: Pick<FilePorts, 'ledger' | 'transforms'>,
  transform: string,
  batch: Batch,
  again: boolean,
): Promise<{ results: readonly FiledResult[]; chars: number } | undefined> {
  for (;;) {
    const output = await transforms.readOutput(transform, batch.id);
    const results = parseOutput(batch, output);
    if (results) return { results, chars: output.text.length };
    if (!again || (await ledger.countUnusable(batch.id, transform)) >= MAX_UNUSABLE) return undefined;
  }
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
