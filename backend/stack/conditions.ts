/**
 * What depends on parameters: conditions, tables to look values up in, and rules. Who refers to a conditional resource is
 * conditional too, or does so inside an `Fn::If` of the same condition.
 */
import { CfnCondition, CfnMapping, CfnRule, Fn, type Stack } from 'aws-cdk-lib';
import type { ScheduleRate } from '../core/schedule.ts';
import { type Parameters, RETENTION_DAYS } from './parameters.ts';

/**
 * When the schedule rings: at the same moments as the pipeline's own clock, in UTC. (`rate(1 hour)` would ring an hour
 * after the rule was made, and there is no `rate(1 month)`.) And the age in seconds from which the oldest waiting job
 * is alarming: its period and four hours.
 */
const SCHEDULES: Record<ScheduleRate, { Expression: string; OldestWaitingSeconds: number }> = {
  minute: { Expression: 'rate(1 minute)', OldestWaitingSeconds: 4 * 3600 },
  hour: { Expression: 'cron(0 * * * ? *)', OldestWaitingSeconds: 5 * 3600 },
  day: { Expression: 'cron(0 0 * * ? *)', OldestWaitingSeconds: 28 * 3600 },
  month: { Expression: 'cron(0 0 1 * ? *)', OldestWaitingSeconds: (31 * 24 + 4) * 3600 },
  year: { Expression: 'cron(0 0 1 1 ? *)', OldestWaitingSeconds: (366 * 24 + 4) * 3600 },
};

/**
 * Objects outlive the rows that speak of them: those go up to eight days after their time, and a retry begun on the last
 * day has jobs to run yet.
 */
const OBJECTS_OUTLIVE_DAYS = 14;

export interface Choices {
  readonly scheduled: CfnCondition;
  readonly stream: CfnCondition;
  readonly streamOnDemand: CfnCondition;
  readonly tracing: CfnCondition;
  readonly apiLogging: CfnCondition;
  readonly dailyQuota: CfnCondition;
  readonly modelRole: CfnCondition;
  readonly notices: CfnCondition;
  /** Of the chosen ScheduleRate. */
  readonly scheduleExpression: string;
  readonly oldestWaitingSeconds: string;
  /** Days that objects are kept, for the chosen RetentionDays. */
  readonly objectDays: string;
}

export function addChoices(stack: Stack, parameters: Parameters): Choices {
  const is = (id: string, name: keyof Parameters, value: string | number) =>
    new CfnCondition(stack, id, { expression: Fn.conditionEquals({ Ref: name }, value) });
  const isNot = (id: string, name: keyof Parameters, value: string | number) =>
    new CfnCondition(stack, id, {
      expression: Fn.conditionNot(Fn.conditionEquals({ Ref: name }, value)),
    });
  const schedules = new CfnMapping(stack, 'Schedules', { mapping: SCHEDULES });
  const retention = new CfnMapping(stack, 'Retention', {
    mapping: Object.fromEntries(
      RETENTION_DAYS.map((days) => [String(days), { ObjectDays: days + OBJECTS_OUTLIVE_DAYS }]),
    ),
  });
  const rate = parameters.ScheduleRate.valueAsString;
  addRetentionRules(stack);
  return {
    scheduled: is('Scheduled', 'TriggerType', 'schedule'),
    stream: isNot('HasStream', 'JobStreamShardCount', 0),
    streamOnDemand: is('StreamOnDemand', 'JobStreamShardCount', -1),
    tracing: is('Tracing', 'TracingMode', 'Active'),
    apiLogging: is('LogsApi', 'ApiLogging', 'on'),
    dailyQuota: isNot('HasDailyQuota', 'ApiDailyQuota', '0'),
    modelRole: isNot('HasModelRole', 'ModelRoleArn', ''),
    notices: isNot('HasNoticeEmail', 'NoticeEmail', ''),
    scheduleExpression: schedules.findInMap(rate, 'Expression'),
    oldestWaitingSeconds: schedules.findInMap(rate, 'OldestWaitingSeconds'),
    objectDays: retention.findInMap(Fn.ref('RetentionDays'), 'ObjectDays'),
  };
}

/** What waits for the end of its period must not be removed before it. */
function addRetentionRules(stack: Stack): void {
  const longer = { month: 60, year: 400 };
  for (const [rate, least] of Object.entries(longer)) {
    const days = RETENTION_DAYS.filter((days) => days >= least).map(String);
    new CfnRule(stack, `RetentionOutlives${rate === 'month' ? 'Month' : 'Year'}`, {
      ruleCondition: Fn.conditionAnd(
        Fn.conditionEquals(Fn.ref('TriggerType'), 'schedule'),
        Fn.conditionEquals(Fn.ref('ScheduleRate'), rate),
      ),
      assertions: [
        {
          assert: Fn.conditionContains(days, Fn.ref('RetentionDays')),
          assertDescription: `With ScheduleRate ${rate} RetentionDays must be ${least} or more`,
        },
      ],
    });
  }
}
