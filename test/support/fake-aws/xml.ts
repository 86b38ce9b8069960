/** XML of plain values. In a query answer lists are `<member>`s; `many` makes repeated elements, as S3 wants them. */

export class Many {
  readonly items: readonly Xml[];
  constructor(items: readonly Xml[]) {
    this.items = items;
  }
}

export const many = (items: readonly Xml[]): Many => new Many(items);

export type Xml =
  | string
  | number
  | boolean
  | undefined
  | Many
  | readonly Xml[]
  | { readonly [name: string]: Xml };

const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function inner(value: Xml): string {
  if (value === undefined || value instanceof Many) return '';
  if (typeof value !== 'object') return escapeText(String(value));
  if (Array.isArray(value)) return value.map((item) => `<member>${inner(item as Xml)}</member>`).join('');
  return Object.entries(value)
    .map(([name, child]) => element(name, child as Xml))
    .join('');
}

function element(name: string, value: Xml): string {
  if (value === undefined) return '';
  if (value instanceof Many) return value.items.map((item) => element(name, item)).join('');
  return `<${name}>${inner(value)}</${name}>`;
}

export function xml(root: { readonly [name: string]: Xml }): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${inner(root)}`;
}

/** A page of a list: its items, and the token of the next one. */
export function page<T>(
  items: readonly T[],
  token: string | undefined,
  size: number,
): { items: T[]; next: string | undefined } {
  const from = Number(token ?? 0);
  const to = from + size;
  return { items: items.slice(from, to), next: to < items.length ? String(to) : undefined };
}
