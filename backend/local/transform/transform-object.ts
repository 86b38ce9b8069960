/** One batch's object on its way through the model: its lines cut into requests, its results joined to them again. */
import { joinOutputLine, linesOf, recordOfInputLine } from '../../core/object-lines.ts';
import type { Expected } from './answer-body.ts';
import { type BadAnswer, readAnswer } from './answers.ts';
import { joinLargeAnswer } from './large-answer.ts';
import { cutMiniBatches, MB, type MiniBatch, requestBody } from './mini-batches.ts';
import type { ModelPlan } from './model-host.ts';
import type { OrderedOutput, Piece } from './ordered-output.ts';
import type { ObjectFailure } from './refusal.ts';
import type { Answer } from './send.ts';

export interface OpenObject {
  readonly batch: string;
  readonly lines: readonly string[];
  readonly records: readonly string[];
  readonly parts: readonly MiniBatch[];
  readonly output: OrderedOutput;
  /** No output will be written: a part failed, or the transform job was cut short. */
  spoilt: boolean;
}

/** An object that isn't as it was written: cut off, empty, or with other lines than a batch's. */
export class DamagedError extends Error {}

/**
 * Cuts an object into requests. A failure when one of its records can't be sent at all.
 * @param jobs how many lines it must have, where that is known
 * @throws DamagedError
 */
export function openObject(
  batch: string,
  text: string,
  jobs: number | undefined,
  plan: ModelPlan,
  output: () => OrderedOutput,
): OpenObject | ObjectFailure {
  const lines = linesOf(text);
  if (!text.endsWith('\n') || (jobs !== undefined && lines.length !== jobs))
    throw new DamagedError(`the object of ${batch} is not whole`);
  const records = recordsOf(batch, lines, plan);
  const maxBytes = plan.maxPayloadMb * MB;
  const parts = cutMiniBatches(records, plan.batchStrategy, maxBytes, Buffer.byteLength(text));
  if ('tooLong' in parts) {
    const message = `a record of ${parts.tooLong} bytes is over MaxPayloadInMB=${plan.maxPayloadMb}`;
    return { kind: 'ClientError', status: 413, message };
  }
  return { batch, lines, records, parts, output: output(), spoilt: false };
}

function recordsOf(batch: string, lines: readonly string[], { contentType }: ModelPlan): string[] {
  try {
    return lines.map((line) => recordOfInputLine(contentType, line));
  } catch {
    throw new DamagedError(`the object of ${batch} is damaged`);
  }
}

/** Body of the request for a part. */
export function bodyOf(object: OpenObject, part: number, plan: ModelPlan): string {
  const { from, to } = object.parts[part] as MiniBatch;
  const whole = from === 0 && to === object.records.length;
  const records = whole ? object.records : object.records.slice(from, to);
  return requestBody(records, plan.contentType, plan.batchStrategy);
}

/** What the answer to a part will be; `file` is where a large one goes. */
export function expectedOf({ parts }: OpenObject, part: number, plan: ModelPlan, file: string): Expected {
  const { from, to } = parts[part] as MiniBatch;
  const lines = plan.contentType !== 'application/json' || plan.batchStrategy === 'MultiRecord';
  return { records: to - from, lines, file };
}

/** The part's piece of the output, results beside their lines; a failure when the answer isn't the part's results. */
export async function takeAnswer(
  object: OpenObject,
  part: number,
  { status, text, file }: Answer,
  plan: ModelPlan,
): Promise<Piece | ObjectFailure> {
  const { from, to } = object.parts[part] as MiniBatch;
  const records = to - from;
  const join = (at: number, result: string) =>
    `${joinOutputLine(plan.contentType, object.lines[from + at] as string, result)}\n`;
  const bad = ({ problem }: BadAnswer): ObjectFailure => ({ kind: 'BadOutput', status, message: problem });
  if (file !== undefined) {
    const joined = `${file}.joined`;
    const problem = await joinLargeAnswer({ file, records, plan, join }, joined);
    return problem ? bad(problem) : { file: joined };
  }
  const results = readAnswer(text, records, plan.contentType, plan.batchStrategy);
  if ('problem' in results) return bad(results);
  let output = '';
  for (let at = 0; at < records; at++) output += join(at, results[at] as string);
  return output;
}

/** Up to three records of an object, from its beginning, middle and end; none if it isn't an object. */
export function sampleOf(text: string): string[] {
  const lines = linesOf(text);
  const picked = new Set([0, lines.length >> 1, lines.length - 1]);
  try {
    return [...picked].flatMap((at) => {
      const line = lines[at];
      return line === undefined ? [] : [recordOfInputLine('application/json', line)];
    });
  } catch {
    return [];
  }
}
