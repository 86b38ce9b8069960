/**
 * Keys as bytes: a partition, NUL, a place in it. SQLite compares bytes as DynamoDB compares texts, as UTF-8, and the WebAssembly
 * driver would end a text at its first NUL.
 */
import type { Item, Key } from '../../core/items.ts';

/** Names an item; in the order of sort keys within a partition. */
export function idOf({ pk, sk }: Key): string {
  return `${escaped(pk)}\0${whole(sk)}`;
}

/** An item's place in the index of open work, if it has one. Ends with its ID, so that each is of one item alone. */
export function openOf(item: Item): string | undefined {
  const { openKey, openAt } = item;
  if (openKey === undefined || openAt === undefined) return undefined;
  return `${escaped(openKey)}\0${escaped(openAt)}\0${idOf(item as Key)}`;
}

/** The bounds of a range of IDs: from the first, inclusive, to the second, exclusive. */
export function idBounds(pk: string, from = '', to?: string): readonly [string, string] {
  const partition = escaped(pk);
  return [
    `${partition}\0${from}`,
    to === undefined ? `${partition}\u0001` : justAfter(`${partition}\0${to}`),
  ];
}

/** The bounds of a range of places in the index. */
export function openBounds(openKey: string, from = '', to?: string): readonly [string, string] {
  const partition = escaped(openKey);
  const end = to === undefined ? '' : `\0${escaped(to)}`;
  return [`${partition}\0${escaped(from, true)}`, `${partition}${end}\u0001`];
}

/** The first key after this one. */
export const justAfter = (key: string): string => `${key}\0`;

/** Text without NUL; keeps texts in their order, and none begins with another and U+0001. */
function escaped(text: string, mayBeEmpty = false): string {
  if (text !== '' || !mayBeEmpty) whole(text);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what is escaped
  return text.replace(/[\0\u0001]/g, (character) => (character === '\0' ? '\u0001\u0001' : '\u0001\u0002'));
}

/** @throws for what DynamoDB takes for no key: nothing, and text that is not Unicode */
function whole(text: string): string {
  if (typeof text !== 'string' || text === '' || /\p{Surrogate}/u.test(text))
    throw new TypeError(`not a key: ${JSON.stringify(text)}`);
  return text;
}
