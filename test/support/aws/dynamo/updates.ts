/** Update expressions: SET, REMOVE, ADD, DELETE. Every operand is read from the item as it was before. */
import { validation } from './errors.ts';
import { Lexer } from './lexer.ts';
import { type Path, type Scope, valueAt } from './names.ts';
import type { Item, Value } from './values.ts';

type Operand =
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'path'; readonly path: Path }
  | { readonly kind: 'plus' | 'minus' | 'append'; readonly left: Operand; readonly right: Operand }
  | { readonly kind: 'default'; readonly path: Path; readonly otherwise: Operand };

type Action =
  | { readonly kind: 'set'; readonly path: Path; readonly operand: Operand }
  | { readonly kind: 'remove'; readonly path: Path }
  | { readonly kind: 'add' | 'delete'; readonly path: Path; readonly value: Value };

export type Update = readonly Action[];

const CLAUSES = ['SET', 'REMOVE', 'ADD', 'DELETE'] as const;

export function parseUpdate(text: string, scope: Scope): Update {
  const lexer = new Lexer('UpdateExpression', text);
  const actions: Action[] = [];
  const seen = new Set<string>();
  while (lexer.peek().kind !== 'end') {
    const clause = CLAUSES.find((word) => lexer.take(word));
    if (!clause) throw lexer.syntax();
    if (seen.has(clause))
      throw lexer.error(`The "${clause}" section can only be used once in an update expression;`);
    seen.add(clause);
    do actions.push(parseAction(lexer, scope, clause));
    while (lexer.take(','));
  }
  checkOverlaps(actions, lexer);
  return actions;
}

function parseAction(lexer: Lexer, scope: Scope, clause: (typeof CLAUSES)[number]): Action {
  const path = scope.path(lexer);
  if (clause === 'REMOVE') return { kind: 'remove', path };
  if (clause !== 'SET') return { kind: clause === 'ADD' ? 'add' : 'delete', path, value: scope.value(lexer) };
  lexer.expect('=');
  const left = parseOperand(lexer, scope);
  const kind = lexer.take('+') ? 'plus' : lexer.take('-') ? 'minus' : undefined;
  const operand: Operand = kind ? { kind, left, right: parseOperand(lexer, scope) } : left;
  return { kind: 'set', path, operand };
}

function parseOperand(lexer: Lexer, scope: Scope): Operand {
  if (lexer.take('(')) {
    const inner = parseOperand(lexer, scope);
    lexer.expect(')');
    return inner;
  }
  const { kind, text } = lexer.peek();
  if (kind === 'value') return { kind: 'value', value: scope.value(lexer) };
  if (kind === 'word' && lexer.peek(1).text === '(') {
    lexer.next();
    lexer.expect('(');
    if (text === 'if_not_exists') {
      const path = scope.path(lexer);
      lexer.expect(',');
      const otherwise = parseOperand(lexer, scope);
      lexer.expect(')');
      return { kind: 'default', path, otherwise };
    }
    if (text !== 'list_append') throw lexer.error(`Invalid function name; function: ${text}`);
    const left = parseOperand(lexer, scope);
    lexer.expect(',');
    const right = parseOperand(lexer, scope);
    lexer.expect(')');
    return { kind: 'append', left, right };
  }
  return { kind: 'path', path: scope.path(lexer) };
}

function checkOverlaps(actions: Update, lexer: Lexer): void {
  for (const [i, { path: a }] of actions.entries())
    for (const { path: b } of actions.slice(i + 1)) {
      const length = Math.min(a.length, b.length);
      if (a.slice(0, length).every((step, at) => step === b[at]))
        throw lexer.error(
          `Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [${a.join('.')}], path two: [${b.join('.')}]`,
        );
    }
}

/** The item after the update. */
export function applyUpdate(update: Update, item: Item): Item {
  let next = item;
  // Elements of lists go last to first, so that indexes stay what they were.
  const removals = update.filter(({ kind }) => kind === 'remove');
  removals.sort((a, b) => Number(b.path.at(-1)) - Number(a.path.at(-1)));
  for (const action of update) {
    const before = valueAt(item, action.path);
    if (action.kind === 'set') next = put(next, action.path, evaluate(action.operand, item));
    else if (action.kind === 'add') next = put(next, action.path, added(before, action.value));
    else if (action.kind === 'delete') next = put(next, action.path, without(before, action.value));
  }
  for (const { path } of removals) next = put(next, path, undefined);
  return next;
}

const wrongType = () => validation('An operand in the update expression has an incorrect data type');

function evaluate(operand: Operand, item: Item): Value {
  switch (operand.kind) {
    case 'value':
      return operand.value;
    case 'path': {
      const value = valueAt(item, operand.path);
      if (!value)
        throw validation('The provided expression refers to an attribute that does not exist in the item');
      return value;
    }
    case 'default':
      return valueAt(item, operand.path) ?? evaluate(operand.otherwise, item);
    case 'append': {
      const [left, right] = [evaluate(operand.left, item), evaluate(operand.right, item)];
      if (!left.L || !right.L) throw wrongType();
      return { L: [...left.L, ...right.L] };
    }
    default: {
      const [left, right] = [evaluate(operand.left, item), evaluate(operand.right, item)];
      if (left.N === undefined || right.N === undefined) throw wrongType();
      const sign = operand.kind === 'plus' ? 1 : -1;
      return { N: String(Number(left.N) + sign * Number(right.N)) };
    }
  }
}

function added(before: Value | undefined, value: Value): Value {
  if (value.N !== undefined) {
    if (before && before.N === undefined) throw wrongType();
    return { N: String(Number(before?.N ?? 0) + Number(value.N)) };
  }
  if (value.SS) {
    if (before && !before.SS) throw wrongType();
    return { SS: [...new Set([...(before?.SS ?? []), ...value.SS])] };
  }
  if (value.NS) {
    if (before && !before.NS) throw wrongType();
    return { NS: [...new Set([...(before?.NS ?? []), ...value.NS])] };
  }
  throw validation(
    'Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD',
  );
}

/** An empty set is no value: the attribute goes. */
function without(before: Value | undefined, value: Value): Value | undefined {
  const kind = value.SS ? 'SS' : value.NS ? 'NS' : undefined;
  if (!kind)
    throw validation(
      'Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE',
    );
  if (!before) return undefined;
  const known = before[kind];
  if (!known) throw wrongType();
  const left = known.filter((element) => !value[kind]?.includes(element));
  return left.length > 0 ? { [kind]: left } : undefined;
}

/** A copy of the item with a value at a path, or without it. */
function put(item: Item, path: Path, value: Value | undefined): Item {
  const [name, ...rest] = path;
  return putMember(item, name as string, rest, value);
}

function putMember(map: Item, name: string, rest: Path, value: Value | undefined): Item {
  const next = rest.length === 0 ? value : putInside(map[name], rest, value);
  if (next !== undefined) return { ...map, [name]: next };
  const { [name]: _, ...others } = map;
  return others;
}

function putInside(within: Value | undefined, [step, ...rest]: Path, value: Value | undefined): Value {
  if (typeof step === 'string' && within?.M) return { M: putMember(within.M, step, rest, value) };
  if (typeof step === 'number' && within?.L) {
    const list = [...within.L];
    const next = rest.length === 0 ? value : putInside(list[step], rest, value);
    if (next === undefined) list.splice(step, 1);
    else list[Math.min(step, list.length)] = next;
    return { L: list };
  }
  throw validation('The document path provided in the update expression is invalid for update');
}
