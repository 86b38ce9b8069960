/**
 * When waiting batches are started: as soon as they wait (trigger `s3`), or on a schedule (trigger `schedule`): then what
 * was formed in a period is started at its end, and only work that was begun before goes on at once.
 */
import type { Batch } from './batch.ts';
import type { Settings } from './settings.ts';

export const TRIGGERS = ['s3', 'schedule'] as const;

export const SCHEDULE_RATES = ['minute', 'hour', 'day', 'month', 'year'] as const;
export type ScheduleRate = (typeof SCHEDULE_RATES)[number];

/** `s3`: as soon as they wait. `schedule`: at the end of each period. */
export type Trigger = 's3' | { readonly schedule: ScheduleRate };

/** Hours of the longest period of each rate; of a minute, rounded up. */
const PERIOD_HOURS: Record<ScheduleRate, number> = {
  minute: 0.02,
  hour: 1,
  day: 24,
  month: 31 * 24,
  year: 366 * 24,
};

/**
 * The next full minute, hour, day, month or year after a time, in UTC: when EventBridge's schedules ring too.
 * @param now epoch ms
 * @returns epoch ms, later than `now`
 */
export function nextSchedule(rate: ScheduleRate, now: number): number {
  return boundary(rate, now, 1);
}

/** The last one, at `now` or before. */
export function lastSchedule(rate: ScheduleRate, now: number): number {
  return boundary(rate, now, 0);
}

function boundary(rate: ScheduleRate, now: number, later: 0 | 1): number {
  const time = new Date(now);
  const [year, month, day, hour] = [
    time.getUTCFullYear(),
    time.getUTCMonth(),
    time.getUTCDate(),
    time.getUTCHours(),
  ];
  switch (rate) {
    case 'minute':
      return Date.UTC(year, month, day, hour, time.getUTCMinutes() + later);
    case 'hour':
      return Date.UTC(year, month, day, hour + later);
    case 'day':
      return Date.UTC(year, month, day + later);
    case 'month':
      return Date.UTC(year, month + later);
    case 'year':
      return Date.UTC(year + later, 0);
  }
}

/** Settings of a pipeline with a schedule: a job may wait for the next one before its waiting counts. */
export function withSchedule(settings: Settings, rate: ScheduleRate): Settings {
  const hours = settings.maxWaitHours + PERIOD_HOURS[rate];
  // People read it: 0.12, not 0.12000000000000001.
  return { ...settings, maxWaitHours: Math.round(hours * 1e6) / 1e6 };
}

/**
 * Whether a waiting batch may be started. On a schedule that is one of a period that is over (there may have been no
 * place for it at its end, or nobody to start it), and one that goes on with what was begun: it was tried before, is part
 * of one that was, or a user asked for a retry.
 */
export function mayStart(
  {
    attempts,
    parent,
    generation,
    createdAt,
  }: Pick<Batch, 'attempts' | 'parent' | 'generation' | 'createdAt'>,
  trigger: Trigger,
  now: number,
): boolean {
  if (trigger === 's3' || attempts > 0 || parent !== undefined || generation > 0) return true;
  return createdAt < lastSchedule(trigger.schedule, now);
}
