/** Names and values that an expression refers to by `#name` and `:value`; each must be defined, and used. */

import { validation } from './errors.ts';
import type { Lexer } from './lexer.ts';
import { RESERVED_WORDS } from './reserved-words.ts';
import { checkValue, type Item, type Value } from './values.ts';

/** Steps from an item to a value: attribute names and list indexes. */
export type Path = readonly (string | number)[];

export interface Placeholders {
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>> | undefined;
  readonly ExpressionAttributeValues?: Item | undefined;
}

export class Scope {
  readonly #names: Readonly<Record<string, string>>;
  readonly #values: Item;
  readonly #used = new Set<string>();

  constructor({ ExpressionAttributeNames: names, ExpressionAttributeValues: values }: Placeholders) {
    if (names && Object.keys(names).length === 0)
      throw validation('ExpressionAttributeNames must not be empty');
    if (values && Object.keys(values).length === 0)
      throw validation('ExpressionAttributeValues must not be empty');
    for (const [key, value] of Object.entries(values ?? {})) {
      if (!key.startsWith(':')) throw validation(`ExpressionAttributeValues contains invalid key: "${key}"`);
      if (value === undefined)
        throw validation(`ExpressionAttributeValues contains invalid value for key ${key}`);
      checkValue(value);
    }
    this.#names = names ?? {};
    this.#values = values ?? {};
  }

  name(lexer: Lexer): string {
    const { kind, text } = lexer.next();
    if (kind === 'word') {
      if (RESERVED_WORDS.has(text.toUpperCase()))
        throw lexer.error(`Attribute name is a reserved keyword; reserved keyword: ${text}`);
      return text;
    }
    if (kind !== 'name') throw lexer.error(`Syntax error; token: "${text}"`);
    const name = this.#names[text];
    if (name === undefined)
      throw lexer.error(
        `An expression attribute name used in the document path is not defined; attribute name: ${text}`,
      );
    this.#used.add(text);
    return name;
  }

  value(lexer: Lexer): Value {
    const { text } = lexer.next();
    const value = this.#values[text];
    if (value === undefined)
      throw lexer.error(
        `An expression attribute value used in expression is not defined; attribute value: ${text}`,
      );
    this.#used.add(text);
    return value;
  }

  path(lexer: Lexer): Path {
    const path: (string | number)[] = [this.name(lexer)];
    for (;;) {
      if (lexer.take('.')) path.push(this.name(lexer));
      else if (lexer.take('[')) {
        const { kind, text } = lexer.next();
        if (kind !== 'number') throw lexer.error(`Syntax error; token: "${text}"`);
        path.push(Number(text));
        lexer.expect(']');
      } else return path;
    }
  }

  /** Throws unless every name and value was used: called after all expressions of a request were read. */
  end(): void {
    for (const [what, keys] of [
      ['Names', Object.keys(this.#names)],
      ['Values', Object.keys(this.#values)],
    ] as const) {
      const unused = keys.filter((key) => !this.#used.has(key));
      if (unused.length > 0)
        throw validation(
          `Value provided in ExpressionAttribute${what} unused in expressions: keys: {${unused.join(', ')}}`,
        );
    }
  }
}

/** The value at a path; undefined when there is none. */
export function valueAt(item: Item, path: Path): Value | undefined {
  let value: Value | undefined = { M: item };
  for (const step of path) value = typeof step === 'number' ? value?.L?.[step] : value?.M?.[step];
  return value;
}
