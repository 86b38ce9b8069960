/**
 * One pass over the characters of JSON text, without recursion and without making values: it takes what JSON.parse takes,
 * in about its time (less for many short values, more for long strings) and without its garbage. `json-text.ts` is what
 * others use of it.
 */

/** Most arrays and objects around any value of a record: parsers that recurse fail somewhere above. */
export const MAX_DEPTH = 512;

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const BACKSLASH = 92;
const OPEN_ARRAY = 91;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** Why a text isn't JSON, or isn't taken. `message` fits after "the body is " and after "line 3: ". */
export class JsonTextError extends Error {
  /** `ended`: the text ends before its value does. */
  readonly kind: 'invalid' | 'ended' | 'deep';
  /** What is wrong and where, without saying that it isn't JSON. */
  readonly detail: string;
  constructor(kind: JsonTextError['kind'], detail: string) {
    super(kind === 'deep' ? detail : `not JSON: ${detail}`);
    this.kind = kind;
    this.detail = detail;
  }
}

/** Characters of the text that a message quotes. */
const QUOTED = 20;

/** What was expected at an index where something else stands, or nothing any more. */
export function fault(text: string, at: number, what: string): JsonTextError {
  if (at >= text.length) return new JsonTextError('ended', 'it ends before the value does');
  const found = text.slice(at, at + QUOTED);
  return new JsonTextError('invalid', `${what} at column ${at + 1}, found ${JSON.stringify(found)}`);
}

/** A character's code; 0, which JSON has nowhere, at the text's end (reading past it, V8 would turn to slower code for good). */
export function codeAt(text: string, at: number): number {
  return at < text.length ? text.charCodeAt(at) : 0;
}

/** Levels whose kind one small integer holds. */
const LEVELS = 30;

/**
 * The index after the value that begins at `start`, where no white space may stand.
 * @param maxDepth as of `spanOf`
 * @throws JsonTextError
 */
export function valueEnd(text: string, start: number, maxDepth = MAX_DEPTH): number {
  let at = start;
  let depth = 0;
  // Whether each open level is an object, innermost in the lowest bit; outer levels are put aside.
  let kinds = 0;
  let outer: number[] | undefined;
  for (;;) {
    const first = codeAt(text, at);
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
      // Any limit is MAX_DEPTH, counted from one level or another.
      if (depth === maxDepth)
        throw new JsonTextError('deep', `nested deeper than ${MAX_DEPTH} levels at column ${at + 1}`);
      if (depth > 0 && depth % LEVELS === 0) {
        outer ??= [];
        outer.push(kinds);
        kinds = 0;
      }
      depth++;
      kinds = (kinds << 1) | (first === OPEN_OBJECT ? 1 : 0);
      at = skipSpace(text, at + 1);
      // Each closing bracket is the character but one after its opening bracket.
      if (codeAt(text, at) !== first + 2) {
        if (first === OPEN_OBJECT) at = afterColon(text, keyEnd(text, at));
        continue;
      }
    } else at = scalarEnd(text, at, first);
    // After a value, or at the bracket that closes an empty one.
    for (;;) {
      if (depth === 0) return at;
      at = skipSpace(text, at);
      const next = codeAt(text, at);
      if (next === COMMA) {
        at = skipSpace(text, at + 1);
        if (kinds & 1) at = afterColon(text, keyEnd(text, at));
        break;
      }
      if (next !== (kinds & 1 ? CLOSE_OBJECT : CLOSE_ARRAY))
        throw fault(text, at, kinds & 1 ? 'expected "," or "}"' : 'expected "," or "]"');
      at++;
      depth--;
      kinds >>= 1;
      if (depth > 0 && depth % LEVELS === 0) kinds = outer?.pop() ?? 0;
    }
  }
}

function scalarEnd(text: string, at: number, first: number): number {
  if (first === QUOTE) return stringEnd(text, at);
  if (first === 116 && text.startsWith('true', at)) return at + 4;
  if (first === 102 && text.startsWith('false', at)) return at + 5;
  if (first === 110 && text.startsWith('null', at)) return at + 4;
  if (first === 45 || (first >= 48 && first <= 57)) return numberEnd(text, at, first);
  throw literalFault(text, at);
}

/** `tru}` is wrong at its `}`. */
function literalFault(text: string, at: number): JsonTextError {
  for (const literal of ['true', 'false', 'null'])
    for (let length = literal.length - 1; length > 0; length--)
      if (text.startsWith(literal.slice(0, length), at))
        return fault(text, at + length, `expected ${literal}`);
  return fault(text, at, 'expected a value');
}

function numberEnd(text: string, start: number, first: number): number {
  let at = first === 45 ? start + 1 : start;
  at = codeAt(text, at) === 48 ? at + 1 : digitsEnd(text, at);
  let next = codeAt(text, at);
  if (next === 46) {
    at = digitsEnd(text, at + 1);
    next = codeAt(text, at);
  }
  if (next === 101 || next === 69) {
    const sign = codeAt(text, at + 1);
    at = digitsEnd(text, sign === 43 || sign === 45 ? at + 2 : at + 1);
  }
  return at;
}

function digitsEnd(text: string, start: number): number {
  for (let at = start; ; at++) {
    const char = codeAt(text, at);
    if (char >= 48 && char <= 57) continue;
    if (at === start) throw fault(text, at, 'expected a digit');
    return at;
  }
}

/** The index after the key whose opening quote should stand at `at`. */
export function keyEnd(text: string, at: number): number {
  if (codeAt(text, at) !== QUOTE) throw fault(text, at, 'expected a key in double quotes');
  return stringEnd(text, at);
}

/** Where a member's value begins, from the index after its key. */
export function afterColon(text: string, keyTo: number): number {
  const at = skipSpace(text, keyTo);
  if (codeAt(text, at) !== COLON) throw fault(text, at, 'expected ":"');
  return skipSpace(text, at + 1);
}

/** The first index from `start` on where no white space stands. */
export function skipSpace(text: string, start: number): number {
  let at = start;
  for (;;) {
    const char = codeAt(text, at);
    if (char !== SPACE && char !== LF && char !== CR && char !== TAB) return at;
    at++;
  }
}

/** So far a string is read character by character; the rest of a longer one is faster by what JavaScript has built in. */
const SHORT_STRING = 48;

/** The index after the closing quote of the string that opens at `open`. */
function stringEnd(text: string, open: number): number {
  const end = shortStringEnd(text, open, open + SHORT_STRING);
  if (end > 0) return end;
  const close = closingQuote(text, -end);
  try {
    JSON.parse(text.slice(open, close + 1));
    return close + 1;
  } catch {
    return shortStringEnd(text, open, Number.POSITIVE_INFINITY);
  }
}

/** As `stringEnd`; for a string that goes on at `limit`, minus the index that reading came to. */
function shortStringEnd(text: string, open: number, limit: number): number {
  let at = open + 1;
  while (at < limit) {
    const char = codeAt(text, at);
    if (char === QUOTE) return at + 1;
    if (char === BACKSLASH) at = escapeEnd(text, at + 1);
    else if (char >= SPACE) at++;
    else throw fault(text, at, 'expected no control character in a string');
  }
  return -at;
}

/** The index after an escape, from the index after its backslash. */
function escapeEnd(text: string, at: number): number {
  const char = text[at] ?? '';
  if (char === 'u') {
    for (let digit = at + 1; digit <= at + 4; digit++)
      if (!/^[\dA-Fa-f]/.test(text.slice(digit, digit + 1))) throw fault(text, digit, 'expected a hex digit');
    return at + 5;
  }
  if (char === '' || !'"\\/bfnrt'.includes(char)) throw fault(text, at, 'expected the letter of an escape');
  return at + 1;
}

/** The first quote from `from` on that no backslash escapes; the text's end where there is none. */
function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at - 1;
    while (codeAt(text, before) === BACKSLASH) before--;
    // An even number of backslashes escape each other and leave the quote alone.
    if ((at - before) % 2 === 1) return at;
  }
  return text.length;
}
