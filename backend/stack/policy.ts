/** Policies, written out: each action and each resource by its name. */
import { type CfnCondition, Fn, type IResolvable } from 'aws-cdk-lib';

export interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: readonly string[];
  /** Absent where the policy itself hangs on the resource. */
  readonly Resource?: readonly string[];
  readonly Principal?: '*' | { readonly [kind: string]: string };
  readonly Condition?: { readonly [operator: string]: { readonly [key: string]: unknown } };
}

/** A statement, or one that is there only if a condition holds. */
export type MaybeStatement = Statement | IResolvable;

export function allow(
  Sid: string,
  actions: readonly string[],
  resources: readonly string[],
  Condition?: NonNullable<Statement['Condition']>,
): Statement {
  return {
    Sid,
    Effect: 'Allow',
    Action: [...actions].sort(),
    Resource: resources,
    ...(Condition ? { Condition } : {}),
  };
}

/** Lets functions of Lambda take a role. */
export const TRUST_LAMBDA: Statement = {
  Sid: 'Lambda',
  Effect: 'Allow',
  Principal: { Service: 'lambda.amazonaws.com' },
  Action: ['sts:AssumeRole'],
};

/** Of all actions at once: what is refused may be named broadly. */
export function denyPlainHttp(action: string, resources: readonly string[]): Statement {
  return {
    Sid: 'TlsOnly',
    Effect: 'Deny',
    Principal: '*',
    Action: [action],
    Resource: resources,
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  };
}

/** Lets a service of AWS do something on behalf of some sources, and of no others. */
export function allowService(
  Sid: string,
  service: string,
  action: string,
  resource: string,
  sources: readonly string[],
): Statement {
  return {
    ...allow(Sid, [action], [resource], { ArnLike: { 'aws:SourceArn': sources } }),
    Principal: { Service: service },
  };
}

export function when(condition: CfnCondition, statement: Statement): IResolvable {
  return Fn.conditionIf(condition.logicalId, statement, Fn.ref('AWS::NoValue'));
}

export function policy(statements: readonly MaybeStatement[]): object {
  return { Version: '2012-10-17', Statement: statements };
}
