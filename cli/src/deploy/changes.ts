/** What a change set would do, by what it costs whoever uses the stack. */
import type { Change as RawChange } from '@aws-sdk/client-cloudformation';

export type ChangeAction = 'Add' | 'Modify' | 'Remove' | 'Import' | 'Dynamic';
/** `maybe`: CloudFormation knows only when it does it. */
export type Replacement = 'no' | 'maybe' | 'yes';

export interface Change {
  readonly action: ChangeAction;
  /** Logical ID. */
  readonly id: string;
  readonly type: string;
  readonly replacement: Replacement;
  /** Names of properties that change. */
  readonly properties: readonly string[];
  /** What becomes of the old one, where it is removed or replaced. */
  readonly old?: 'kept' | 'deleted';
  /** Data or the endpoint would be lost: to be asked about. */
  readonly danger: boolean;
}

/**
 * What holds users' data, or what they have written into their programs: the API's URL and key. A stream holds bells alone,
 * and is there or not as users ask: what is open is rung for again without it.
 */
const PRECIOUS = new Set([
  'AWS::DynamoDB::Table',
  'AWS::S3::Bucket',
  'AWS::SQS::Queue',
  'AWS::ApiGateway::RestApi',
  'AWS::ApiGateway::ApiKey',
]);

const REPLACEMENTS: Readonly<Record<string, Replacement>> = {
  True: 'yes',
  Conditional: 'maybe',
  False: 'no',
};

export function readChange({ ResourceChange: raw }: RawChange): Change | undefined {
  if (raw?.LogicalResourceId === undefined || raw.ResourceType === undefined) return undefined;
  const action = (raw.Action ?? 'Dynamic') as ChangeAction;
  const replacement = action === 'Modify' ? (REPLACEMENTS[raw.Replacement ?? 'False'] ?? 'maybe') : 'no';
  const goes = action === 'Remove' || replacement !== 'no';
  const kept = raw.PolicyAction === 'Retain' || raw.PolicyAction === 'ReplaceAndRetain';
  const names = (raw.Details ?? []).map(({ Target }) => Target?.Name ?? Target?.Attribute ?? '');
  return {
    action,
    id: raw.LogicalResourceId,
    type: raw.ResourceType,
    replacement,
    properties: [...new Set(names.filter((name) => name !== ''))].sort(),
    ...(goes ? { old: kept ? ('kept' as const) : ('deleted' as const) } : {}),
    danger: PRECIOUS.has(raw.ResourceType) && (goes || action === 'Dynamic'),
  };
}

export function readChanges(raw: readonly RawChange[]): Change[] {
  return raw.map(readChange).filter((change) => change !== undefined);
}

/** What a template would make from nothing. Resources with a condition come or not, by the parameters. */
export function changesOfNew(
  resources: Readonly<Record<string, { readonly Type: string; readonly Condition?: string }>>,
): Change[] {
  return Object.entries(resources).map(([id, { Type, Condition }]) => ({
    action: 'Add',
    id,
    type: Type,
    replacement: 'no',
    properties: Condition === undefined ? [] : [`if ${Condition}`],
    danger: false,
  }));
}

/** What is done to a resource, in words. */
export function verbOf({ action, replacement }: Change): string {
  if (replacement === 'yes') return 'replace';
  if (replacement === 'maybe') return 'may replace';
  return action.toLowerCase();
}

export interface SettingChange {
  readonly name: string;
  /** Undefined: it is new. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** Parameters whose values differ. */
export function settingChanges(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): SettingChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names
    .filter((name) => before[name] !== after[name])
    .map((name) => ({ name, before: before[name], after: after[name] }));
}

/** A change set that changes nothing is reported as one that failed. */
export function changesNothing(status: string | undefined, reason: string | undefined): boolean {
  return (
    status === 'FAILED' &&
    /didn't contain changes|no updates are to be performed|no changes/i.test(reason ?? '')
  );
}
