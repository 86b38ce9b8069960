/** Words for problems: what users read after `file:line:`. */
import type { JsonTextError } from '@batchml/backend/words';
import { printable } from '../ui/printable.ts';

/** What the JSON value of a (valid) text is, for "must be a string, not …". */
export function kindOf(json: string): string {
  switch (json[0]) {
    case '{':
      return 'an object';
    case '[':
      return 'an array';
    case '"':
      return 'a string';
    case 't':
    case 'f':
      return 'a boolean';
    case 'n':
      return 'null';
    default:
      return 'a number';
  }
}

/** What is wrong with a line that can't be taken as JSON. */
export function jsonProblem(error: JsonTextError): string {
  if (error.kind === 'deep') return error.detail;
  if (error.kind === 'ended')
    return 'not valid JSON: the line ends before the value does (a record must be on one line)';
  return printable(`not valid JSON: ${error.detail}`);
}

/** Says that something takes more bytes than it may. */
export function tooLong(what: 'line' | 'record', bytes: number, limit: number): string {
  return `the ${what} is ${bytes} bytes long; the limit is ${limit}`;
}
