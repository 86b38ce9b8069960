/**
 * JSON as text: checked and cut into pieces where it stands, never parsed and written again, so that numbers, spacing
 * and the order of keys stay as they were.
 */
import { afterColon, codeAt, fault, keyEnd, MAX_DEPTH, skipSpace, valueEnd } from './json-scan.ts';

export { JsonTextError, MAX_DEPTH, valueEnd } from './json-scan.ts';

const COMMA = 44;
const OPEN_ARRAY = 91;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** Where a value stands in a text, without the white space around it. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * Checks that the text is one JSON value, with white space around it or not.
 * @param maxDepth most arrays and objects around a value of it
 * @throws JsonTextError
 */
export function spanOf(text: string, maxDepth = MAX_DEPTH): Span {
  const from = skipSpace(text, 0);
  const to = valueEnd(text, from, maxDepth);
  expectEnd(text, to);
  return { from, to };
}

/**
 * Where the values of an object's members stand, by key; of equal keys the last counts, as in JSON.parse.
 * @param maxDepth as of `spanOf`, for each value by itself
 * @returns undefined when the text is JSON, but no object
 * @throws JsonTextError
 */
export function membersOf(text: string, maxDepth = MAX_DEPTH): Map<string, Span> | undefined {
  let at = skipSpace(text, 0);
  if (codeAt(text, at) !== OPEN_OBJECT) {
    spanOf(text, maxDepth);
    return undefined;
  }
  const members = new Map<string, Span>();
  at = skipSpace(text, at + 1);
  if (codeAt(text, at) !== CLOSE_OBJECT)
    for (; ; at = skipSpace(text, at + 1)) {
      const keyTo = keyEnd(text, at);
      const from = afterColon(text, keyTo);
      const to = valueEnd(text, from, maxDepth);
      members.set(unquoted(text.slice(at, keyTo)), { from, to });
      at = skipSpace(text, to);
      const char = codeAt(text, at);
      if (char === CLOSE_OBJECT) break;
      if (char !== COMMA) throw fault(text, at, 'expected "," or "}"');
    }
  expectEnd(text, at + 1);
  return members;
}

/**
 * Texts of an array's elements.
 * @param maxDepth as of `spanOf`, for each element by itself
 * @returns undefined when the text is JSON, but no array
 * @throws JsonTextError
 */
export function elementsOf(text: string, maxDepth = MAX_DEPTH): string[] | undefined {
  let at = skipSpace(text, 0);
  if (codeAt(text, at) !== OPEN_ARRAY) {
    spanOf(text, maxDepth);
    return undefined;
  }
  const elements: string[] = [];
  at = skipSpace(text, at + 1);
  if (codeAt(text, at) !== CLOSE_ARRAY)
    for (; ; at = skipSpace(text, at + 1)) {
      const to = valueEnd(text, at, maxDepth);
      elements.push(text.slice(at, to));
      at = skipSpace(text, to);
      const char = codeAt(text, at);
      if (char === CLOSE_ARRAY) break;
      if (char !== COMMA) throw fault(text, at, 'expected "," or "]"');
    }
  expectEnd(text, at + 1);
  return elements;
}

/** A valid JSON text on one line: a raw line break stands between its tokens only, and goes with the indentation after it. */
export function onOneLine(json: string): string {
  return json.includes('\n') || json.includes('\r') ? json.replace(/[\r\n]\s*/g, '') : json;
}

/** What a valid string literal reads. */
function unquoted(literal: string): string {
  return literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1);
}

function expectEnd(text: string, at: number): void {
  const end = skipSpace(text, at);
  if (end < text.length) throw fault(text, end, 'expected nothing more');
}
