/** One batch's object on its way through the model: its lines cut into requests, its results joined to them again. */
import { joinOutputLine, linesOf, recordOfInputLine } from '../../core/object-lines.ts';
import { readAnswer } from './answers.ts';
import { cutMiniBatches, MB, type MiniBatch, requestBody } from './mini-batches.ts';
import type { ModelPlan } from './model-host.ts';
import type { ObjectFailure } from './refusal.ts';

export interface OpenObject {
  readonly batch: string;
  readonly lines: readonly string[];
  readonly records: readonly string[];
  readonly parts: readonly MiniBatch[];
  /** Output text of each part that is done. */
  readonly outputs: string[];
  /** No output will be written: a part failed, or the transform job was cut short. */
  spoilt: boolean;
}

/** Cuts an object into requests. A failure when one of its records can't be sent at all; throws if it isn't an object. */
export function openObject(batch: string, text: string, plan: ModelPlan): OpenObject | ObjectFailure {
  const lines = linesOf(text);
  const records = lines.map((line) => recordOfInputLine(plan.contentType, line));
  const maxBytes = plan.maxPayloadMb * MB;
  const parts = cutMiniBatches(records, plan.batchStrategy, maxBytes, Buffer.byteLength(text));
  if ('tooLong' in parts) {
    const message = `a record of ${parts.tooLong} bytes is over MaxPayloadInMB=${plan.maxPayloadMb}`;
    return { kind: 'ClientError', status: 413, message };
  }
  return { batch, lines, records, parts, outputs: new Array<string>(parts.length), spoilt: false };
}

/** Body of the request for a part. */
export function bodyOf(object: OpenObject, part: number, plan: ModelPlan): string {
  const { from, to } = object.parts[part] as MiniBatch;
  const whole = from === 0 && to === object.records.length;
  const records = whole ? object.records : object.records.slice(from, to);
  return requestBody(records, plan.contentType, plan.batchStrategy);
}

/** Takes in the model's answer to a part: results go beside their lines. A failure when it isn't the part's results. */
export function takeAnswer(
  object: OpenObject,
  part: number,
  answer: { readonly status: number; readonly text: string },
  plan: ModelPlan,
): ObjectFailure | undefined {
  const { from, to } = object.parts[part] as MiniBatch;
  const results = readAnswer(answer.text, to - from, plan.contentType, plan.batchStrategy);
  if ('problem' in results) return { kind: 'BadOutput', status: answer.status, message: results.problem };
  let output = '';
  for (let i = from; i < to; i++)
    output += `${joinOutputLine(plan.contentType, object.lines[i] as string, results[i - from] as string)}\n`;
  object.outputs[part] = output;
  return undefined;
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
