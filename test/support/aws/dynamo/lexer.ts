/** Tokens of DynamoDB's expressions. */
import { validation } from './errors.ts';

export interface Token {
  readonly kind: 'word' | 'name' | 'value' | 'number' | 'sign' | 'end';
  readonly text: string;
}

/** Longest expression: 4 KB (DynamoDB quotas). */
const MAX_EXPRESSION = 4096;
const TOKEN =
  /\s*(?:(?<name>#[A-Za-z0-9_]+)|(?<value>:[A-Za-z0-9_]+)|(?<word>[A-Za-z_][A-Za-z0-9_]*)|(?<number>\d+)|(?<sign><>|<=|>=|[-=<>(),.[\]+]))/y;

export class Lexer {
  /** What the expression is called in messages, such as `ConditionExpression`. */
  readonly what: string;
  readonly #tokens: Token[] = [];
  #at = 0;

  constructor(what: string, text: string) {
    this.what = what;
    if (text.trim() === '') throw this.error('The expression can not be empty;');
    if (Buffer.byteLength(text) > MAX_EXPRESSION)
      throw this.error('Expression size has exceeded the maximum allowed size;');
    TOKEN.lastIndex = 0;
    const end = text.trimEnd().length;
    while (TOKEN.lastIndex < end) {
      const from = TOKEN.lastIndex;
      const groups = TOKEN.exec(text)?.groups;
      if (!groups) throw this.error(`Syntax error; token: "${text.slice(from, from + 10).trim()}"`);
      for (const kind of ['name', 'value', 'word', 'number', 'sign'] as const)
        if (groups[kind] !== undefined) this.#tokens.push({ kind, text: groups[kind] });
    }
  }

  error(message: string): Error {
    return validation(`Invalid ${this.what}: ${message}`);
  }

  peek(ahead = 0): Token {
    return this.#tokens[this.#at + ahead] ?? { kind: 'end', text: '<EOF>' };
  }

  next(): Token {
    const token = this.peek();
    this.#at++;
    return token;
  }

  /** Whether the next token is this sign or keyword, which it then takes. */
  take(text: string): boolean {
    const { kind, text: found } = this.peek();
    const same = kind === 'word' ? found.toUpperCase() === text : kind === 'sign' && found === text;
    if (same) this.#at++;
    return same;
  }

  expect(text: string): void {
    if (!this.take(text)) throw this.syntax();
  }

  syntax(): Error {
    return this.error(`Syntax error; token: "${this.peek().text}", near: "${this.peek(1).text}"`);
  }
}
