/** File results: an output object is checked whole before its first row is written. */
import { type Batch, jobsOf } from '../core/batch.ts';
import { formatJobId, type JobRef, parseJobId } from '../core/ids.ts';
import { type OutputLine, parseOutputLine } from '../core/object-lines.ts';
import type { RecordFormat } from '../core/settings.ts';
import type { Ports } from '../ports/index.ts';
import type { FiledResult, Filing } from '../ports/ledger.ts';
import { OUTPUT_PART_BYTES, type Output } from '../ports/transforms.ts';
import { type Line, outputLines } from './output-lines.ts';

/** From this length on (characters) a result's place is told, so that a ledger may leave the text where it is. */
const LARGE_RESULT = 4096;

/** An output object found unusable this often counts as missing. */
const MAX_UNUSABLE = 3;

/** Text of results that are filed together, in characters: what is read is in memory at once. */
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
    [page, chars] = [[], 0];
  };
  for (const id of ids) {
    const batch = await ledger.batch(id);
    if (!batch || batch.state === 'Done' || batch.state === 'Failed') {
      filed++;
      continue;
    }
    const parts = await readUsable({ ledger, transforms }, transform, batch, again);
    if (!parts) {
      unusable.add(id);
      continue;
    }
    for await (const results of parts) {
      // Parts of one batch are filed one after the other.
      if (page.at(-1)?.batch === id) await flush();
      page.push({ batch: id, results });
      chars += results.reduce((sum, { result }) => sum + result.length, 0);
      if (chars >= TOGETHER) await flush();
    }
    filed++;
  }
  await flush();
  return { filed, unusable };
}

async function readUsable(
  { ledger, transforms }: Pick<FilePorts, 'ledger' | 'transforms'>,
  transform: string,
  batch: Batch,
  again: boolean,
): Promise<AsyncIterable<FiledResult[]> | undefined> {
  for (;;) {
    const parts = await readWhole(batch, await transforms.readOutput(transform, batch.id));
    if (parts) return parts;
    if (!again || (await ledger.countUnusable(batch.id, transform)) >= MAX_UNUSABLE) return undefined;
  }
}

/**
 * Results of a batch's output object, in parts of about `OUTPUT_PART_BYTES`; undefined unless it holds every job of the
 * batch exactly once. One that is a single part is gone through once; a larger one is looked through before.
 */
export async function readWhole(
  batch: Pick<Batch, 'members' | 'pin'>,
  output: Output,
): Promise<AsyncIterable<FiledResult[]> | undefined> {
  const { contentType } = batch.pin.settings;
  const open = new Map<string, JobRef>();
  for (const ref of jobsOf(batch.members)) open.set(formatJobId(ref), ref);
  const single = output.size <= OUTPUT_PART_BYTES;
  const kept: FiledResult[] = [];
  for await (const lines of outputLines(output))
    for (const line of lines) {
      const parsed = parse(contentType, line);
      const ref = parsed && open.get(parsed.id);
      if (!ref) return undefined;
      open.delete(parsed.id);
      if (single) kept.push(filed(ref, output.object, line, parsed));
    }
  if (open.size > 0) return undefined;
  return single ? onePart(kept) : resultParts(contentType, output);
}

async function* onePart(results: FiledResult[]): AsyncGenerator<FiledResult[]> {
  yield results;
}

/** The same lines once more. */
async function* resultParts(contentType: RecordFormat, output: Output): AsyncGenerator<FiledResult[]> {
  for await (const lines of outputLines(output))
    yield lines.map((line) => {
      const parsed = parse(contentType, line);
      const ref = parsed && parseJobId(parsed.id);
      if (!ref) throw new Error(`${output.object} changed while it was read`);
      return filed(ref, output.object, line, parsed);
    });
}

function parse(contentType: RecordFormat, { text }: Line): OutputLine | undefined {
  return text === undefined ? undefined : parseOutputLine(contentType, text);
}

function filed(ref: JobRef, object: string, { text = '', at }: Line, parsed: OutputLine): FiledResult {
  const { result, from } = parsed;
  // It doesn't stand there as it is: a CSV row becomes a JSON string, for one.
  if (from === undefined || result.length < LARGE_RESULT) return { ref, result };
  const start = at + Buffer.byteLength(text.slice(0, from));
  return { ref, result, place: { object, from: start, to: start + Buffer.byteLength(result) } };
}
