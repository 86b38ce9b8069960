/** Results in a model's answer: as many as there were records, each on one line, each checked. */
import { elementsOf, JsonTextError, onOneLine, spanOf } from '../../core/json-text.ts';
import { answeredLinesOf, withoutLineEnd } from '../../core/object-lines.ts';
import type { BatchStrategy, ContentType } from '../../core/settings.ts';

/** Why an answer can't be taken; becomes the message of a BadOutput. */
export interface BadAnswer {
  readonly problem: string;
}

/** The results (one line of text each, as the model wrote it) of an answer to `records` records, in order. */
export function readAnswer(
  text: string,
  records: number,
  contentType: ContentType,
  strategy: BatchStrategy,
): readonly string[] | BadAnswer {
  if (contentType === 'text/csv') return csvLines(text, records);
  if (contentType === 'application/jsonlines') return jsonLines(text, records);
  if (strategy === 'SingleRecord') return jsonDocument(text);
  const lines = jsonLines(text, records);
  return 'problem' in lines ? (jsonArray(text, records) ?? lines) : lines;
}

function linesFor(text: string, records: number): string[] | BadAnswer {
  const lines = answeredLinesOf(text);
  return lines.length === records ? lines : wrongCount(lines.length, records);
}

/** Why another number of lines than of records is no answer. */
export function wrongCount(lines: number, records: number): BadAnswer {
  return { problem: `the model answered ${plural(lines, 'line')} for ${plural(records, 'record')}` };
}

function plural(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}

function csvLines(text: string, records: number): string[] | BadAnswer {
  return resultsOf(linesFor(text, records), 'text/csv');
}

function jsonLines(text: string, records: number): string[] | BadAnswer {
  return resultsOf(linesFor(text, records), 'application/jsonlines');
}

function resultsOf(lines: string[] | BadAnswer, contentType: ContentType): string[] | BadAnswer {
  if ('problem' in lines) return lines;
  for (let at = 0; at < lines.length; at++) {
    const result = resultOfLine(lines[at] as string, at, contentType);
    if (typeof result !== 'string') return result;
    lines[at] = result;
  }
  return lines;
}

/** The result on a line of an answer; `at` counts the lines. */
export function resultOfLine(line: string, at: number, contentType: ContentType): string | BadAnswer {
  const name = `line ${at + 1} of the model's answer`;
  if (contentType === 'text/csv')
    return line.trim() === '' ? { problem: `${name} is blank` } : withoutLineEnd(line);
  try {
    return jsonOnOneLine(line);
  } catch (error) {
    return notJson(error, name);
  }
}

function jsonDocument(text: string): string[] | BadAnswer {
  if (text.trim() === '') return wrongCount(0, 1);
  try {
    return [jsonOnOneLine(text)];
  } catch (error) {
    return notJson(error, "the model's answer");
  }
}

/** One JSON value, every number and string as the model wrote it. It may be nested to any depth: it was paid for. */
function jsonOnOneLine(text: string): string {
  const { from, to } = spanOf(text, Number.POSITIVE_INFINITY);
  return onOneLine(text.slice(from, to));
}

function notJson(error: unknown, what: string): BadAnswer {
  if (error instanceof JsonTextError) return { problem: `${what} is ${error.message}` };
  throw error;
}

/** Elements of a JSON array of exactly `records` elements; undefined when the text is anything else. */
function jsonArray(text: string, records: number): string[] | undefined {
  try {
    const elements = elementsOf(text, Number.POSITIVE_INFINITY);
    return elements?.length === records ? elements.map(onOneLine) : undefined;
  } catch (error) {
    if (error instanceof JsonTextError) return undefined;
    throw error;
  }
}
