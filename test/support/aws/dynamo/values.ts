/** Attribute values in wire form: what is valid, how large they are, which are equal and which come first. */
import { validation } from './errors.ts';

export interface Value {
  readonly S?: string;
  readonly N?: string;
  readonly B?: Uint8Array;
  readonly BOOL?: boolean;
  readonly NULL?: boolean;
  readonly L?: readonly Value[];
  readonly M?: Item;
  readonly SS?: readonly string[];
  readonly NS?: readonly string[];
  readonly BS?: readonly Uint8Array[];
}
export interface Item {
  readonly [name: string]: Value;
}
export type Type = keyof Value;

/** Largest item: 400 KB, names included (DynamoDB quotas). */
export const MAX_ITEM_BYTES = 400 * 1024;
const TYPES: readonly Type[] = ['S', 'N', 'B', 'BOOL', 'NULL', 'L', 'M', 'SS', 'NS', 'BS'];
const NUMBER = /^-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/;

export function typeOf(value: Value): Type {
  const [type, more] = TYPES.filter((name) => value[name] !== undefined);
  if (type === undefined || more !== undefined)
    throw validation('Supplied AttributeValue is empty, must contain exactly one of the supported datatypes');
  return type;
}

/** Throws a ValidationException unless the value is one. */
export function checkValue(value: Value): void {
  const type = typeOf(value);
  if ((type === 'S' && typeof value.S !== 'string') || (type === 'BOOL' && typeof value.BOOL !== 'boolean'))
    throw validation(`a value of type ${type} is of another type`);
  if (type === 'N') checkNumber(value.N as string);
  for (const element of value.L ?? []) checkValue(element);
  for (const element of Object.values(value.M ?? {})) checkValue(element);
  const set: readonly unknown[] | undefined = value.SS ?? value.NS ?? value.BS;
  if (set?.length === 0)
    throw validation('One or more parameter values were invalid: An string set  may not be empty');
  if (set && new Set(set.map(String)).size < set.length)
    throw validation('One or more parameter values were invalid: Input collection contains duplicates.');
  for (const text of value.NS ?? []) checkNumber(text);
}

function checkNumber(text: string): void {
  if (typeof text !== 'string' || !NUMBER.test(text))
    throw validation(`The parameter cannot be converted to a numeric value: ${text}`);
  if (
    text
      .replace(/[eE].*$/, '')
      .replace(/[-.]/g, '')
      .replace(/^0+/, '').length > 38
  )
    throw validation('Attempting to store more than 38 significant digits in a Number');
}

/** An item without members that are undefined, as the SDK sends it; checked. */
export function checkItem(item: Item): Item {
  const entries = Object.entries(item).filter(([, value]) => value !== undefined);
  for (const [, value] of entries) checkValue(value);
  return Object.fromEntries(entries);
}

const bytesOf = (text: string) => Buffer.byteLength(text);
/** About a byte for two digits, and one more. */
const numberBytes = (text: string) => 1 + Math.ceil(text.replace(/^-?0*|[-.]/g, '').length / 2);

function valueBytes(value: Value): number {
  switch (typeOf(value)) {
    case 'S':
      return bytesOf(value.S as string);
    case 'N':
      return numberBytes(value.N as string);
    case 'B':
      return (value.B as Uint8Array).length;
    case 'L':
      return (value.L as readonly Value[]).reduce((sum, element) => sum + valueBytes(element) + 1, 3);
    case 'M':
      return Object.entries(value.M as Item).reduce(
        (sum, [name, element]) => sum + bytesOf(name) + valueBytes(element) + 1,
        3,
      );
    case 'SS':
      return (value.SS as readonly string[]).reduce((sum, text) => sum + bytesOf(text), 0);
    case 'NS':
      return (value.NS as readonly string[]).reduce((sum, text) => sum + numberBytes(text), 0);
    case 'BS':
      return (value.BS as readonly Uint8Array[]).reduce((sum, bytes) => sum + bytes.length, 0);
    default:
      return 1;
  }
}

/** Names and values, as DynamoDB counts them (developer guide, "Item sizes and formats"). */
export function itemBytes(item: Item): number {
  let sum = 0;
  for (const name in item) sum += bytesOf(name) + valueBytes(item[name] as Value);
  return sum;
}

export function equal(a: Value, b: Value): boolean {
  const type = typeOf(a);
  if (type !== typeOf(b)) return false;
  if (type === 'N') return Number(a.N) === Number(b.N);
  if (type === 'S') return a.S === b.S;
  const sorted = (value: Value) => ({
    ...value,
    ...(value.SS ? { SS: [...value.SS].sort() } : {}),
    ...(value.NS ? { NS: value.NS.map(Number).sort() } : {}),
  });
  return JSON.stringify(ordered(sorted(a))) === JSON.stringify(ordered(sorted(b)));
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, element]) => [name, ordered(element)]),
  );
}

/** Less than, equal to or greater than 0; undefined for values that have no order among each other. */
export function compare(a: Value, b: Value): number | undefined {
  if (a.N !== undefined && b.N !== undefined) return Number(a.N) - Number(b.N);
  if (a.S !== undefined && b.S !== undefined) return compareText(a.S, b.S);
  if (a.B !== undefined && b.B !== undefined) return Buffer.compare(a.B, b.B);
  return undefined;
}

/** Order of the texts' UTF-8 bytes. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  // Code units sort as UTF-8 does unless surrogates are among them.
  if (!/[\ud800-\udfff]/.test(a + b)) return a < b ? -1 : 1;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
