/**
 * Items of the store, conditions on them and changes to them, as data: the DynamoDB driver renders them as expressions, the
 * SQLite driver evaluates them inside its transaction. Pure.
 */

export interface Key {
  readonly pk: string;
  readonly sk: string;
}

export type Value = string | number | boolean | Uint8Array | ReadonlySet<string>;

// biome-ignore lint/suspicious/noExplicitAny: attributes are read by the parts that wrote them
export type Item = Record<string, any>;

type Comparison = 'equal' | 'differs' | 'below' | 'atMost';

/** What must hold of an item, whose absence is an item without attributes. */
export type Condition =
  | { readonly is: Comparison; readonly attribute: string; readonly value: string | number | boolean }
  | { readonly is: 'oneOf'; readonly attribute: string; readonly values: readonly string[] }
  | { readonly is: 'absent'; readonly attribute: string }
  | { readonly is: 'present'; readonly attribute: string }
  /** A set of fewer elements. */
  | { readonly is: 'fewerThan'; readonly attribute: string; readonly count: number }
  | { readonly is: 'both'; readonly of: readonly Condition[] }
  | { readonly is: 'either'; readonly of: readonly Condition[] };

const comparison =
  (is: Comparison) =>
  (attribute: string, value: string | number | boolean): Condition => ({ is, attribute, value });

export const equal = comparison('equal');
/** True of an absent attribute, too. */
export const differs = comparison('differs');
export const below = comparison('below');
export const atMost = comparison('atMost');
export const oneOf = (attribute: string, values: readonly string[]): Condition => ({
  is: 'oneOf',
  attribute,
  values,
});
export const absent = (attribute: string): Condition => ({ is: 'absent', attribute });
export const present = (attribute: string): Condition => ({ is: 'present', attribute });
export const fewerThan = (attribute: string, count: number): Condition => ({
  is: 'fewerThan',
  attribute,
  count,
});
export const both = (...of: readonly Condition[]): Condition => ({ is: 'both', of });
export const either = (...of: readonly Condition[]): Condition => ({ is: 'either', of });

/** Whether a condition holds of an item; undefined: there is none. */
export function holds(condition: Condition, item: Item | undefined): boolean {
  if (condition.is === 'both') return condition.of.every((part) => holds(part, item));
  if (condition.is === 'either') return condition.of.some((part) => holds(part, item));
  const found: unknown = item?.[condition.attribute];
  switch (condition.is) {
    case 'equal':
      return found === condition.value;
    case 'differs':
      return found !== condition.value;
    case 'below':
      return compared(found, condition.value) < 0;
    case 'atMost':
      return compared(found, condition.value) <= 0;
    case 'oneOf':
      return condition.values.includes(found as string);
    case 'absent':
      return found === undefined;
    case 'present':
      return found !== undefined;
    case 'fewerThan':
      return found instanceof Set && found.size < condition.count;
  }
}

/** Negative, zero or positive; NaN for values of two types. Texts compare as DynamoDB does it, by their bytes in UTF-8. */
function compared(found: unknown, value: string | number | boolean): number {
  if (typeof found !== typeof value) return Number.NaN;
  if (typeof value === 'string') return Buffer.compare(Buffer.from(found as string), Buffer.from(value));
  return Number(found) - Number(value);
}

/** What an update does to an item; it makes the item if there is none. */
export interface Changes {
  /** Undefined values are left as they are. */
  readonly set?: Readonly<Record<string, Value | undefined>>;
  /** Adds to numbers (absent: 0) and to sets (absent: empty). */
  readonly add?: Readonly<Record<string, number | ReadonlySet<string>>>;
  /** Takes out of sets; a set that becomes empty is no attribute any more. */
  readonly take?: Readonly<Record<string, ReadonlySet<string>>>;
  readonly remove?: readonly string[];
}

/** An item after changes. */
export function changed(
  key: Key,
  item: Item | undefined,
  { set = {}, add = {}, take = {}, remove = [] }: Changes,
): Item {
  const after: Item = { ...item, ...key };
  for (const [attribute, value] of Object.entries(set)) if (value !== undefined) after[attribute] = value;
  for (const [attribute, value] of Object.entries(add))
    after[attribute] =
      typeof value === 'number'
        ? ((after[attribute] as number | undefined) ?? 0) + value
        : new Set([...((after[attribute] as Set<string> | undefined) ?? []), ...value]);
  for (const [attribute, value] of Object.entries(take)) {
    const left = [...((after[attribute] as Set<string> | undefined) ?? [])].filter(
      (each) => !value.has(each),
    );
    if (left.length > 0) after[attribute] = new Set(left);
    else delete after[attribute];
  }
  for (const attribute of remove) delete after[attribute];
  return after;
}
