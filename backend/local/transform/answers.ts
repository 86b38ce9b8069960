/** Results in a model's answer: as many as there were records, each on one line, each checked. */
import { linesOf } from '../../core/object-lines.ts';
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
  const lines = linesOf(text);
  if (lines.length !== records) return wrongCount(lines.length, records);
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string;
    if (line.charCodeAt(line.length - 1) === 13) lines[i] = line.slice(0, -1);
  }
  return lines;
}

function wrongCount(lines: number, records: number): BadAnswer {
  return { problem: `the model answered ${plural(lines, 'line')} for ${plural(records, 'record')}` };
}

function plural(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}

function csvLines(text: string, records: number): string[] | BadAnswer {
  const lines = linesFor(text, records);
  if ('problem' in lines) return lines;
  const blank = lines.findIndex((line) => line.trim() === '');
  return blank < 0 ? lines : { problem: `line ${blank + 1} of the model's answer is blank` };
}

function jsonLines(text: string, records: number): string[] | BadAnswer {
  const lines = linesFor(text, records);
  if ('problem' in lines) return lines;
  let at = 0;
  try {
    for (; at < lines.length; at++) JSON.parse(lines[at] as string);
  } catch (error) {
    return { problem: `line ${at + 1} of the model's answer is not JSON: ${(error as Error).message}` };
  }
  return lines;
}

/**
 * One JSON document, put on one line. In valid JSON a raw line break stands between tokens only, so taking it out (with
 * the indentation after it) leaves every number and string as the model wrote it.
 */
function jsonDocument(text: string): string[] | BadAnswer {
  const document = text.trim();
  if (document === '') return wrongCount(0, 1);
  try {
    JSON.parse(document);
  } catch (error) {
    return { problem: `the model's answer is not JSON: ${(error as Error).message}` };
  }
  return [/[\r\n]/.test(document) ? document.replace(/[\r\n]\s*/g, '') : document];
}

/** Elements of a JSON array of exactly `records` elements; undefined when the text is anything else. */
function jsonArray(text: string, records: number): string[] | undefined {
  const document = jsonDocument(text);
  if ('problem' in document) return undefined;
  const [array = ''] = document;
  if (!array.startsWith('[')) return undefined;
  const elements = splitElements(array);
  return elements.length === records ? elements : undefined;
}

/** Texts of a (valid) JSON array's elements, split at the commas of its first level. */
function splitElements(array: string): string[] {
  const elements: string[] = [];
  let depth = 0;
  let start = 1;
  for (let i = 0; i < array.length; i++) {
    const char = array[i];
    if (char === '"') {
      // To the closing quote; a backslash takes the next character with it.
      for (i++; array[i] !== '"'; i++) if (array[i] === '\\') i++;
    } else if (char === '[' || char === '{') depth++;
    else if (char === ']' || char === '}') depth--;
    if ((char === ',' && depth === 1) || depth === 0) {
      const element = array.slice(start, i).trim();
      if (element !== '') elements.push(element);
      start = i + 1;
    }
  }
  return elements;
}
