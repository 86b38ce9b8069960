/**
 * What CloudFormation makes of the template with given parameters: values put in, conditions decided, rules checked.
 * References to resources stay readable: `<Table>`, `<Table.Arn>`; one to a resource whose condition does not hold throws.
 */
import { type Any, TEMPLATE, type Template } from './template.ts';

export const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::AccountId': '123456789012',
  'AWS::Partition': 'aws',
  'AWS::Region': 'eu-west-1',
  'AWS::StackId':
    'arn:aws:cloudformation:eu-west-1:123456789012:stack/mine/5f0c3a1e-0000-11f0-8000-0123456789ab',
  'AWS::StackName': 'mine',
  'AWS::URLSuffix': 'amazonaws.com',
};

/** What a user must give. */
const REQUIRED = { ModelName: 'my-model', AssetsBucket: 'assets' };
const NOTHING = Symbol('AWS::NoValue');

export interface Instance extends Pick<Template, 'Resources' | 'Outputs'> {
  /** What the rules say against the parameters. */
  readonly refusals: readonly string[];
  /** Properties of a resource that is there. */
  of(id: string): Any;
}

export function instantiate(given: Readonly<Record<string, string>> = {}): Instance {
  const values: Record<string, string> = { ...REQUIRED, ...given };
  for (const [name, { Default }] of Object.entries(TEMPLATE.Parameters)) values[name] ??= String(Default);

  const functions: Readonly<Record<string, (argument: Any) => Any>> = {
    Ref: (name: string) => {
      if (name === 'AWS::NoValue') return NOTHING;
      return PSEUDO[name] ?? values[name] ?? `<${there(name)}>`;
    },
    'Fn::GetAtt': ([id, attribute]: [string, string]) => `<${there(id)}.${attribute}>`,
    'Fn::If': ([condition, yes, no]: [string, Any, Any]) => resolve(holds(condition) ? yes : no),
    'Fn::Join': (argument: Any) => {
      const [by, parts] = resolve(argument) as [string, string[]];
      return parts.join(by);
    },
    'Fn::Split': (argument: Any) => {
      const [by, text] = resolve(argument) as [string, string];
      return text.split(by);
    },
    'Fn::Select': (argument: Any) => {
      const [index, from] = resolve(argument) as [number, unknown[]];
      return from[index];
    },
    'Fn::FindInMap': (argument: Any) => {
      const [map, first, second] = resolve(argument) as [string, string, string];
      return TEMPLATE.Mappings[map][first][second];
    },
    'Fn::Equals': (argument: Any) => {
      const [a, b] = resolve(argument) as [unknown, unknown];
      return String(a) === String(b);
    },
    'Fn::Not': (argument: Any) => !resolve(argument)[0],
    'Fn::And': (argument: Any) => (resolve(argument) as boolean[]).every(Boolean),
    'Fn::Contains': (argument: Any) => {
      const [list, value] = resolve(argument) as [unknown[], unknown];
      return list.includes(value);
    },
  };
  const holds = (condition: string): boolean => resolve(TEMPLATE.Conditions[condition]);
  const exists = (id: string): boolean => {
    const { Condition } = TEMPLATE.Resources[id] ?? {};
    return Condition === undefined || holds(Condition);
  };
  const there = (id: string): string => {
    if (!exists(id)) throw new Error(`${id} is referred to, and is not there`);
    return id;
  };

  function resolve(value: Any): Any {
    if (Array.isArray(value)) return value.map(resolve).filter((item) => item !== NOTHING);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [key, argument] = entries[0] ?? [];
    if (entries.length === 1 && key !== undefined && (key === 'Ref' || key.startsWith('Fn::'))) {
      const evaluate = functions[key];
      if (!evaluate) throw new Error(`the template uses ${key}, which this does not know`);
      return evaluate(argument);
    }
    return Object.fromEntries(
      entries.map(([name, inner]) => [name, resolve(inner)]).filter(([, inner]) => inner !== NOTHING),
    );
  }

  const kept = Object.entries(TEMPLATE.Resources).filter(([id]) => exists(id));
  for (const [, { DependsOn = [] }] of kept) for (const id of DependsOn) there(id);
  const refusals = Object.values(TEMPLATE.Rules)
    .filter(({ RuleCondition }) => RuleCondition === undefined || resolve(RuleCondition))
    .flatMap(({ Assertions }) => Assertions as Any[])
    .filter(({ Assert }) => !resolve(Assert))
    .map(({ AssertDescription }) => AssertDescription as string);
  const Resources: Template['Resources'] = Object.fromEntries(
    kept.map(([id, resource]) => [id, { ...resource, Properties: resolve(resource.Properties) }]),
  );
  const of = (id: string) => {
    const resource = Resources[id];
    if (!resource) throw new Error(`there is no ${id}`);
    return resource.Properties;
  };
  return { Resources, Outputs: resolve(TEMPLATE.Outputs), refusals, of };
}
