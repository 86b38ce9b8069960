/** Words for problems: what users read after `file:line:`. */

/** What a JSON value is, for "must be a string, not …". */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  return `a ${typeof value}`;
}

/** True for a JSON object: not null, not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Says that something takes more bytes than it may. */
export function tooLong(what: 'line' | 'record', bytes: number, limit: number): string {
  return `the ${what} is ${bytes} bytes long; the limit is ${limit}`;
}
