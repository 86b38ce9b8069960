/** Why a stack failed: the first failure that isn't the consequence of another. */
import type { ResourceEvent } from './stack-events.ts';

export interface Cause {
  readonly id: string;
  readonly type: string;
  readonly status: string;
  readonly reason: string;
}

/** Said of what was stopped because something else had failed. */
const CONSEQUENCE =
  /^(resource (creation|update|deletion|import) cancelled|the following resource\(s\) failed|.*cancelled\.?$)/i;

/**
 * @param events of one operation, oldest first
 * @returns undefined where nothing failed
 */
export function firstCause(events: readonly ResourceEvent[]): Cause | undefined {
  const failures = events.filter(({ status }) => status.endsWith('_FAILED'));
  const real = failures.filter(({ reason }) => !CONSEQUENCE.test(reason.trim()));
  // The stack's own failure sums up those of its resources.
  const first =
    real.find(({ ofStack }) => !ofStack) ??
    events.find(
      ({ ofStack, status, reason }) => ofStack && /ROLLBACK|FAILED/.test(status) && reason !== '',
    ) ??
    failures[0];
  if (first === undefined) return undefined;
  const { id, resourceType, status, reason } = first;
  return {
    id,
    type: resourceType,
    status,
    reason: reason === '' ? 'CloudFormation gives no reason' : reason,
  };
}

interface Hint {
  readonly sign: RegExp;
  readonly next: (match: RegExpExecArray) => string;
}

const HINTS: readonly Hint[] = [
  {
    sign: /CloudWatch Logs role ARN must be set/i,
    next: () =>
      'set the CloudWatch role in the settings of API Gateway, or go without its log: --api-logging off',
  },
  {
    sign: /(?:is not authorized to perform|no permission to perform):? ([a-zA-Z0-9-]+:[a-zA-Z0-9*]+)/,
    next: ([, action]) => `let this user or role do ${action}`,
  },
  {
    sign: /already exists/i,
    next: () => 'that name is taken: remove what holds it, or deploy under another one: --stack NAME',
  },
  {
    sign: /limit ?exceeded|quota|maximum number|too many/i,
    next: () =>
      'a quota of the account is used up: ask for more in Service Quotas, or remove what is not used',
  },
];

/** What can be done about a reason, where we know. */
export function hintFor(reason: string): string | undefined {
  for (const { sign, next } of HINTS) {
    const match = sign.exec(reason);
    if (match) return next(match);
  }
  return undefined;
}
