/** Condition, filter and key condition expressions. */
import { Lexer } from './lexer.ts';
import { type Path, type Scope, valueAt } from './names.ts';
import { compare, equal, type Item, type Type, typeOf, type Value } from './values.ts';

/** Operands of one IN (DynamoDB quotas). */
const MAX_IN = 100;
const COMPARATORS = ['=', '<>', '<', '<=', '>', '>='] as const;
type Comparator = (typeof COMPARATORS)[number];

type Operand =
  | { readonly kind: 'path' | 'size'; readonly path: Path }
  | { readonly kind: 'value'; readonly value: Value };

export type Condition =
  | { readonly kind: 'and' | 'or'; readonly left: Condition; readonly right: Condition }
  | { readonly kind: 'not'; readonly inner: Condition }
  | { readonly kind: 'compare'; readonly by: Comparator; readonly left: Operand; readonly right: Operand }
  | { readonly kind: 'between'; readonly of: Operand; readonly from: Operand; readonly to: Operand }
  | { readonly kind: 'in'; readonly of: Operand; readonly list: readonly Operand[] }
  | { readonly kind: 'exists' | 'absent'; readonly path: Path }
  | { readonly kind: 'begins' | 'contains' | 'type'; readonly path: Path; readonly operand: Operand };

const FUNCTIONS: Record<string, 'exists' | 'absent' | 'begins' | 'contains' | 'type'> = {
  attribute_exists: 'exists',
  attribute_not_exists: 'absent',
  begins_with: 'begins',
  contains: 'contains',
  attribute_type: 'type',
};

export function parseCondition(what: string, text: string, scope: Scope): Condition {
  const lexer = new Lexer(what, text);
  const condition = parseOr(lexer, scope);
  if (lexer.peek().kind !== 'end') throw lexer.syntax();
  return condition;
}

function parseOr(lexer: Lexer, scope: Scope): Condition {
  let left = parseAnd(lexer, scope);
  while (lexer.take('OR')) left = { kind: 'or', left, right: parseAnd(lexer, scope) };
  return left;
}

function parseAnd(lexer: Lexer, scope: Scope): Condition {
  let left = parseNot(lexer, scope);
  while (lexer.take('AND')) left = { kind: 'and', left, right: parseNot(lexer, scope) };
  return left;
}

function parseNot(lexer: Lexer, scope: Scope): Condition {
  if (lexer.take('NOT')) return { kind: 'not', inner: parseNot(lexer, scope) };
  if (lexer.take('(')) {
    const inner = parseOr(lexer, scope);
    lexer.expect(')');
    return inner;
  }
  const { kind, text } = lexer.peek();
  const call = kind === 'word' && lexer.peek(1).text === '(' ? FUNCTIONS[text] : undefined;
  return call ? parseCall(lexer, scope, call) : parseComparison(lexer, scope);
}

function parseCall(lexer: Lexer, scope: Scope, kind: (typeof FUNCTIONS)[string]): Condition {
  lexer.next();
  lexer.expect('(');
  const path = scope.path(lexer);
  if (kind === 'exists' || kind === 'absent') {
    lexer.expect(')');
    return { kind, path };
  }
  lexer.expect(',');
  const operand = parseOperand(lexer, scope);
  lexer.expect(')');
  return { kind, path, operand };
}

function parseComparison(lexer: Lexer, scope: Scope): Condition {
  const left = parseOperand(lexer, scope);
  if (lexer.take('BETWEEN')) {
    const from = parseOperand(lexer, scope);
    lexer.expect('AND');
    return { kind: 'between', of: left, from, to: parseOperand(lexer, scope) };
  }
  if (lexer.take('IN')) {
    lexer.expect('(');
    const list = [parseOperand(lexer, scope)];
    while (lexer.take(',')) list.push(parseOperand(lexer, scope));
    lexer.expect(')');
    if (list.length > MAX_IN) throw lexer.error('The IN operator is provided with too many operands;');
    return { kind: 'in', of: left, list };
  }
  const by = COMPARATORS.find((sign) => lexer.take(sign));
  if (!by) throw lexer.syntax();
  return { kind: 'compare', by, left, right: parseOperand(lexer, scope) };
}

function parseOperand(lexer: Lexer, scope: Scope): Operand {
  const { kind, text } = lexer.peek();
  if (kind === 'value') return { kind: 'value', value: scope.value(lexer) };
  if (kind === 'word' && text === 'size' && lexer.peek(1).text === '(') {
    lexer.next();
    lexer.expect('(');
    const path = scope.path(lexer);
    lexer.expect(')');
    return { kind: 'size', path };
  }
  return { kind: 'path', path: scope.path(lexer) };
}

/** Whether the condition holds of an item; that of no item is that of an empty one. */
export function holds(condition: Condition, item: Item): boolean {
  switch (condition.kind) {
    case 'and':
      return holds(condition.left, item) && holds(condition.right, item);
    case 'or':
      return holds(condition.left, item) || holds(condition.right, item);
    case 'not':
      return !holds(condition.inner, item);
    case 'exists':
      return valueAt(item, condition.path) !== undefined;
    case 'absent':
      return valueAt(item, condition.path) === undefined;
    case 'compare':
      return compares(condition.by, read(condition.left, item), read(condition.right, item));
    case 'between': {
      const of = read(condition.of, item);
      return compares('>=', of, read(condition.from, item)) && compares('<=', of, read(condition.to, item));
    }
    case 'in': {
      const of = read(condition.of, item);
      return condition.list.some((operand) => compares('=', of, read(operand, item)));
    }
    default: {
      const value = valueAt(item, condition.path);
      const operand = read(condition.operand, item);
      return value !== undefined && operand !== undefined && calls(condition.kind, value, operand);
    }
  }
}

function calls(kind: 'begins' | 'contains' | 'type', value: Value, operand: Value): boolean {
  if (kind === 'type') return typeOf(value) === (operand.S as Type);
  if (kind === 'begins') return operand.S !== undefined && (value.S?.startsWith(operand.S) ?? false);
  if (value.S !== undefined) return operand.S !== undefined && value.S.includes(operand.S);
  if (value.SS) return operand.S !== undefined && value.SS.includes(operand.S);
  if (value.NS) return operand.N !== undefined && value.NS.map(Number).includes(Number(operand.N));
  return value.L?.some((element) => equal(element, operand)) ?? false;
}

function read(operand: Operand, item: Item): Value | undefined {
  if (operand.kind === 'value') return operand.value;
  const value = valueAt(item, operand.path);
  if (operand.kind === 'path' || value === undefined) return value;
  const size =
    value.S === undefined
      ? (value.L ?? value.SS ?? value.NS ?? value.B ?? (value.M && Object.keys(value.M)))?.length
      : Buffer.byteLength(value.S);
  return size === undefined ? undefined : { N: String(size) };
}

/** A comparison with what isn't there is false, but for `<>`. */
function compares(by: Comparator, left: Value | undefined, right: Value | undefined): boolean {
  if (by === '<>') return !(left && right) || !equal(left, right);
  if (!left || !right) return false;
  if (by === '=') return equal(left, right);
  const order = compare(left, right);
  if (order === undefined) return false;
  return by === '<' ? order < 0 : by === '<=' ? order <= 0 : by === '>' ? order > 0 : order >= 0;
}

/** Paths that a condition looks at. */
export function pathsOf(condition: Condition): Path[] {
  const of = (operand: Operand) => (operand.kind === 'value' ? [] : [operand.path]);
  switch (condition.kind) {
    case 'and':
    case 'or':
      return [...pathsOf(condition.left), ...pathsOf(condition.right)];
    case 'not':
      return pathsOf(condition.inner);
    case 'compare':
      return [...of(condition.left), ...of(condition.right)];
    case 'between':
      return [condition.of, condition.from, condition.to].flatMap(of);
    case 'in':
      return [condition.of, ...condition.list].flatMap(of);
    case 'exists':
    case 'absent':
      return [condition.path];
    default:
      return [condition.path, ...of(condition.operand)];
  }
}
