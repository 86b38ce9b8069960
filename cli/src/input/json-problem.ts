/**
 * What is wrong with a line that isn't JSON, from V8's message. V8 says "Expected ... in JSON at position 7", or for a
 * stray character quotes up to ten characters on both sides of it; both tell the column.
 */
import { printable } from '../ui/printable.ts';

const POSITION = / (?:in JSON )?at position (\d+)/;
const STRAY = /^(Unexpected token '[\s\S]{1,2}?'), (\.\.\.)?"([\s\S]*)"(\.\.\.)? is not valid JSON$/;
/** V8 quotes a text shorter than this whole, and else this many characters before and after the stray one. */
const QUOTED_WHOLE = 21;
const QUOTED_AROUND = 10;
const MAX_MESSAGE = 100;

/**
 * One sentence with the column where it can be known.
 * @param text the line that JSON.parse refused
 * @param error what it threw
 */
export function jsonProblem(text: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const position = POSITION.exec(message);
  const at = position ? Number(position[1]) : undefined;
  if (message.startsWith('Unexpected end of JSON') || at === text.length)
    return 'not valid JSON: the line ends before the value does (a record must be on one line)';
  if (position) return problemAt(at, message.slice(0, position.index));
  const stray = STRAY.exec(message);
  if (stray) return problemAt(strayAt(text, stray), stray[1] as string);
  return problemAt(undefined, message.endsWith(' is not valid JSON') ? '' : message);
}

function problemAt(index: number | undefined, what: string): string {
  const where = index === undefined ? '' : ` at column ${index + 1}`;
  const clipped = what.length > MAX_MESSAGE ? `${what.slice(0, MAX_MESSAGE)}...` : what;
  const why = clipped === '' ? '' : `: ${clipped.charAt(0).toLowerCase()}${clipped.slice(1)}`;
  return printable(`not valid JSON${where}${why}`);
}

/** Where the stray character stands; undefined when the quoted text occurs more than once. */
function strayAt(text: string, stray: RegExpExecArray): number | undefined {
  const quoted = stray[3] as string;
  const cutBefore = stray[2] !== undefined;
  const cutAfter = stray[4] !== undefined;
  let at: number | undefined;
  if (cutBefore && cutAfter) at = onlyIndex(text, quoted, QUOTED_AROUND);
  else if (cutBefore) at = text.length - quoted.length + QUOTED_AROUND;
  else if (cutAfter) at = quoted.length - QUOTED_AROUND;
  else if (text.length < QUOTED_WHOLE) at = onlyIndex(text, tokenOf(stray), 0);
  // Another V8 may quote otherwise: no column is better than a wrong one.
  return at !== undefined && text.startsWith(tokenOf(stray), at) ? at : undefined;
}

function tokenOf(stray: RegExpExecArray): string {
  return (stray[1] as string).slice("Unexpected token '".length, -1);
}

function onlyIndex(text: string, part: string, offset: number): number | undefined {
  const first = text.indexOf(part);
  return first >= 0 && text.indexOf(part, first + 1) < 0 ? first + offset : undefined;
}
