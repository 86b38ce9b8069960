/**
 * The text of one field of a JSON object, as it stands there: parsing and writing it anew would change numbers such as
 * 12345678901234567890 or 1.0. Works on text that JSON.parse has accepted, so it looks for structure only.
 */

const QUOTE = 34;
const COMMA = 44;
const OPEN_ARRAY = 91;
const BACKSLASH = 92;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/**
 * The raw text of an object's top-level field; of several with the same key the last, as in JSON.parse.
 * @param json text of a valid JSON value
 * @returns undefined when the value isn't an object or has no such field
 */
export function rawField(json: string, key: string): string | undefined {
  let at = skipSpace(json, 0);
  if (json.charCodeAt(at) !== OPEN_OBJECT) return undefined;
  let found: string | undefined;
  at = skipSpace(json, at + 1);
  while (json.charCodeAt(at) === QUOTE) {
    const keyEnd = stringEnd(json, at);
    const matches = isKey(json, at, keyEnd, key);
    const start = skipSpace(json, skipSpace(json, keyEnd) + 1);
    const end = valueEnd(json, start);
    if (matches) found = json.slice(start, end);
    at = skipSpace(json, end);
    if (json.charCodeAt(at) !== COMMA) break;
    at = skipSpace(json, at + 1);
  }
  return found;
}

/** Whether the string literal in `json` from `start` to `end` (quotes included) reads `key`. */
function isKey(json: string, start: number, end: number, key: string): boolean {
  if (end - start === key.length + 2 && json.startsWith(key, start + 1) && !key.includes('\\')) return true;
  const literal = json.slice(start, end);
  return literal.includes('\\') && JSON.parse(literal) === key;
}

function skipSpace(json: string, start: number): number {
  let at = start;
  for (;;) {
    const char = json.charCodeAt(at);
    if (char !== 32 && char !== 9 && char !== 10 && char !== 13) return at;
    at++;
  }
}

/** The index after the closing quote of the string that opens at `open`. */
function stringEnd(json: string, open: number): number {
  let at = json.indexOf('"', open + 1);
  while (at >= 0) {
    let before = at - 1;
    while (json.charCodeAt(before) === BACKSLASH) before--;
    // An even number of backslashes escape each other and leave the quote alone.
    if ((at - before) % 2 === 1) return at + 1;
    at = json.indexOf('"', at + 1);
  }
  return json.length;
}

function valueEnd(json: string, start: number): number {
  const first = json.charCodeAt(start);
  if (first === QUOTE) return stringEnd(json, start);
  if (first === OPEN_OBJECT || first === OPEN_ARRAY) return nestedEnd(json, start);
  let at = start;
  while (at < json.length && !endsScalar(json.charCodeAt(at))) at++;
  return at;
}

function endsScalar(char: number): boolean {
  return char === COMMA || char === CLOSE_OBJECT || char === CLOSE_ARRAY || char <= 32;
}

/** The index after the bracket that closes the one at `start`. */
function nestedEnd(json: string, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; at++) {
    const char = json.charCodeAt(at);
    if (char === QUOTE) at = stringEnd(json, at) - 1;
    else if (char === OPEN_OBJECT || char === OPEN_ARRAY) depth++;
    else if ((char === CLOSE_OBJECT || char === CLOSE_ARRAY) && --depth === 0) return at + 1;
  }
  return json.length;
}
