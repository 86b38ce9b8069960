/** Templates as CloudFormation reads them: parameters checked, values put in, differences told. */
import { ServiceError } from './http.ts';

// biome-ignore lint/suspicious/noExplicitAny: a template is whatever CloudFormation takes
type Any = any;

export interface Template {
  readonly Parameters?: Readonly<Record<string, Any>>;
  readonly Conditions?: Readonly<Record<string, Any>>;
  readonly Mappings?: Any;
  readonly Rules?: Readonly<Record<string, Any>>;
  readonly Resources: Readonly<Record<string, Any>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: Any }>>;
}

const NOTHING = Symbol('AWS::NoValue');

export interface Scope {
  readonly template: Template;
  readonly values: Readonly<Record<string, string>>;
  readonly pseudo: Readonly<Record<string, string>>;
  /** Physical ID of a resource. */
  readonly physical: (id: string) => string;
}

export function evaluate(value: Any, scope: Scope): Any {
  const { template, values, pseudo, physical } = scope;
  const resolve = (inner: Any): Any => evaluate(inner, scope);
  if (Array.isArray(value)) return value.map(resolve).filter((item) => item !== NOTHING);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value) as [string, Any][];
  const [key, argument] = entries[0] ?? [];
  if (entries.length === 1 && key !== undefined && (key === 'Ref' || key.startsWith('Fn::'))) {
    const parts = (): Any[] => resolve(argument);
    switch (key) {
      case 'Ref':
        if (argument === 'AWS::NoValue') return NOTHING;
        return pseudo[argument] ?? values[argument] ?? physical(argument);
      case 'Fn::GetAtt':
        return `${physical(argument[0])}.${argument[1]}`;
      case 'Fn::If':
        return resolve(holds(argument[0], scope) ? argument[1] : argument[2]);
      case 'Fn::Join':
        return parts()[1].join(parts()[0]);
      case 'Fn::Split':
        return String(parts()[1]).split(parts()[0]);
      case 'Fn::Select':
        return parts()[1][Number(parts()[0])];
      case 'Fn::FindInMap': {
        const [map, first, second] = parts();
        return template.Mappings[map][first][second];
      }
      case 'Fn::Equals':
        return String(parts()[0]) === String(parts()[1]);
      case 'Fn::Not':
        return !parts()[0];
      case 'Fn::And':
        return parts().every(Boolean);
      case 'Fn::Contains':
        return parts()[0].includes(parts()[1]);
      default:
        throw new Error(`the fake doesn't know ${key}`);
    }
  }
  return Object.fromEntries(
    entries.map(([name, inner]) => [name, resolve(inner)]).filter(([, inner]) => inner !== NOTHING),
  );
}

function holds(condition: string, scope: Scope): boolean {
  return evaluate(scope.template.Conditions?.[condition], scope);
}

/** Resources that are there with these values, evaluated. */
export function resourcesOf(scope: Scope): Record<string, Any> {
  return Object.fromEntries(
    Object.entries(scope.template.Resources)
      .filter(([, { Condition }]) => Condition === undefined || holds(Condition, scope))
      .map(([id, resource]) => [id, { ...resource, Properties: evaluate(resource.Properties ?? {}, scope) }]),
  );
}

const refuse = (message: string): never => {
  throw new ServiceError('ValidationError', message);
};

export interface GivenParameter {
  readonly ParameterKey: string;
  readonly ParameterValue?: string;
  readonly UsePreviousValue?: string;
}

/** The values of a stack's parameters, or what CloudFormation says against them. */
export function parameterValues(
  template: Template,
  given: readonly GivenParameter[],
  previous: Readonly<Record<string, string>>,
): Record<string, string> {
  const declared = template.Parameters ?? {};
  const byKey = new Map(given.map((one) => [one.ParameterKey, one]));
  const strange = [...byKey.keys()].filter((name) => !(name in declared));
  if (strange.length > 0) refuse(`Parameters: [${strange.join(', ')}] do not exist in the template`);
  const values: Record<string, string> = {};
  const missing: string[] = [];
  for (const [name, props] of Object.entries(declared)) {
    const one = byKey.get(name);
    if (one?.UsePreviousValue === 'true' && !(name in previous))
      refuse(
        `Invalid input for parameter key ${name}. Cannot specify usePreviousValue as true for a parameter key not in the previous template`,
      );
    const value = one?.UsePreviousValue === 'true' ? previous[name] : (one?.ParameterValue ?? props.Default);
    if (value === undefined) missing.push(name);
    else values[name] = String(value);
  }
  if (missing.length > 0) refuse(`Parameters: [${missing.join(', ')}] must have values`);
  for (const [
    name,
    { AllowedValues, AllowedPattern, MinValue, MaxValue, ConstraintDescription },
  ] of Object.entries(declared)) {
    const value = values[name] ?? '';
    if (AllowedValues !== undefined && !AllowedValues.map(String).includes(value))
      refuse(`Parameter '${name}' must be one of AllowedValues`);
    if (AllowedPattern !== undefined && !new RegExp(AllowedPattern).test(value))
      refuse(`Parameter ${name} failed to satisfy constraint: ${ConstraintDescription}`);
    if (MinValue !== undefined && Number(value) < MinValue)
      refuse(`Parameter '${name}' must be a number not less than ${MinValue}`);
    if (MaxValue !== undefined && Number(value) > MaxValue)
      refuse(`Parameter '${name}' must be a number not greater than ${MaxValue}`);
  }
  checkRules({ template, values, pseudo: {}, physical: (id) => id });
  return values;
}

function checkRules(scope: Scope): void {
  for (const { RuleCondition, Assertions } of Object.values(scope.template.Rules ?? {})) {
    if (RuleCondition !== undefined && !evaluate(RuleCondition, scope)) continue;
    for (const { Assert, AssertDescription } of Assertions)
      if (!evaluate(Assert, scope)) refuse(`Template validation error: ${AssertDescription}`);
  }
}

/** Properties whose change makes another resource ("Update requires: Replacement"); `*`: any. */
const REPLACING: Readonly<Record<string, readonly string[]>> = {
  'AWS::S3::Bucket': ['BucketName'],
  'AWS::DynamoDB::Table': ['TableName', 'KeySchema'],
  'AWS::Kinesis::Stream': ['Name'],
  'AWS::SQS::Queue': ['QueueName', 'FifoQueue'],
  'AWS::Logs::LogGroup': ['LogGroupName'],
  'AWS::ApiGateway::UsagePlanKey': ['*'],
  'AWS::Lambda::Permission': ['*'],
};

export interface Difference {
  readonly Action: 'Add' | 'Modify' | 'Remove';
  readonly LogicalResourceId: string;
  readonly ResourceType: string;
  readonly Replacement?: 'True' | 'False' | 'Conditional';
  readonly PolicyAction?: string;
  readonly names: readonly string[];
}

const retains = (policy: string | undefined): boolean => policy?.startsWith('Retain') === true;

export function differences(
  before: Readonly<Record<string, Any>>,
  after: Readonly<Record<string, Any>>,
  forced: ReadonlyMap<string, 'True' | 'Conditional'>,
): Difference[] {
  const found: Difference[] = [];
  for (const [LogicalResourceId, now] of Object.entries(after)) {
    const old = before[LogicalResourceId];
    const base = { LogicalResourceId, ResourceType: now.Type as string };
    if (old === undefined) {
      found.push({ ...base, Action: 'Add', names: [] });
      continue;
    }
    const all = new Set([...Object.keys(old.Properties), ...Object.keys(now.Properties)]);
    const names = [...all].filter(
      (name) => JSON.stringify(old.Properties[name]) !== JSON.stringify(now.Properties[name]),
    );
    if (names.length === 0) continue;
    const replacing = REPLACING[now.Type] ?? [];
    const Replacement =
      forced.get(LogicalResourceId) ??
      (names.some((name) => replacing.includes(name) || replacing.includes('*')) ? 'True' : 'False');
    found.push({
      ...base,
      Action: 'Modify',
      Replacement,
      names,
      ...(Replacement === 'False'
        ? {}
        : { PolicyAction: retains(now.UpdateReplacePolicy) ? 'ReplaceAndRetain' : 'ReplaceAndDelete' }),
    });
  }
  for (const [LogicalResourceId, old] of Object.entries(before)) {
    if (LogicalResourceId in after) continue;
    const PolicyAction = retains(old.DeletionPolicy) ? 'Retain' : 'Delete';
    found.push({ Action: 'Remove', LogicalResourceId, ResourceType: old.Type, PolicyAction, names: [] });
  }
  return found;
}
