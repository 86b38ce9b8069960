/** A large answer, in a file: checked and joined to its records' lines with a line or one JSON text in memory at a time. */
import { readFile, rm, stat } from 'node:fs/promises';
import { linesOfParts } from '../../pipeline/output-lines.ts';
import { decode, MAX_TEXT_BYTES } from './answer-body.ts';
import { type BadAnswer, readAnswer, resultOfLine, wrongCount } from './answers.ts';
import type { ModelPlan } from './model-host.ts';
import { BlockWriter, partsOf } from './output-file.ts';

export interface LargeAnswer {
  readonly file: string;
  /** How many records it answers. */
  readonly records: number;
  readonly plan: Pick<ModelPlan, 'contentType' | 'batchStrategy'>;
  /** The output's line for a result; `at` counts the records. */
  readonly join: (at: number, result: string) => string;
}

/**
 * Writes the output of an answer's records to the file `to`, unless it isn't their results: then nothing is there. The
 * answer's own file goes in any case.
 */
export async function joinLargeAnswer(answer: LargeAnswer, to: string): Promise<BadAnswer | undefined> {
  const output = new BlockWriter(to);
  let done = false;
  try {
    const problem = (await isOneText(answer))
      ? await joinText(answer, output)
      : await joinLines(answer, output);
    done = problem === undefined;
    if (done) await (await output.flush()).close();
    return problem;
  } finally {
    if (!done) await output.discard();
    await rm(answer.file, { force: true });
  }
}

/** It is to be read whole: a JSON document, or what may be an array of the results. */
async function isOneText({ file, plan }: LargeAnswer): Promise<boolean> {
  if (plan.contentType !== 'application/json') return false;
  return plan.batchStrategy === 'SingleRecord' || (await stat(file)).size <= MAX_TEXT_BYTES;
}

async function joinText(answer: LargeAnswer, output: BlockWriter): Promise<BadAnswer | undefined> {
  const { file, records, plan, join } = answer;
  const results = readAnswer(decode([await readFile(file)]), records, plan.contentType, plan.batchStrategy);
  if ('problem' in results) return results;
  for (const [at, result] of results.entries()) await output.append(join(at, result));
  return undefined;
}

async function joinLines(answer: LargeAnswer, output: BlockWriter): Promise<BadAnswer | undefined> {
  const { file, records, plan, join } = answer;
  let at = 0;
  let blanks = 0;
  let bad: BadAnswer | undefined;
  for await (const lines of linesOfParts(partsOf(file)))
    for (const { text } of lines) {
      const line = at === 0 ? text?.replace(/^\uFEFF/, '') : text;
      // Blank ones at the end are none.
      blanks = line?.trim() === '' ? blanks + 1 : 0;
      if (!bad && at < records) {
        const result = line === undefined ? notUtf8(at) : resultOfLine(line, at, plan.contentType);
        if (typeof result === 'string') await output.append(join(at, result));
        else bad = result;
      }
      at++;
    }
  const count = at - blanks;
  return count === records ? bad : wrongCount(count, records);
}

function notUtf8(at: number): BadAnswer {
  return { problem: `line ${at + 1} of the model's answer is not UTF-8` };
}
