import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  lastSchedule,
  mayStart,
  nextSchedule,
  SCHEDULE_RATES,
  type ScheduleRate,
  withSchedule,
} from '../../backend/core/schedule.ts';
import { DEFAULT_SETTINGS } from '../../backend/core/settings.ts';

const at = (text: string): number => Date.parse(text);
const timeArb = fc.integer({ min: at('1999-12-31T23:00:00Z'), max: at('2101-01-02T00:00:00Z') });
const rateArb = fc.constantFrom(...SCHEDULE_RATES);

describe('nextSchedule', () => {
  it.each<[ScheduleRate, string, string]>([
    ['minute', '2026-11-22T10:20:30.456Z', '2026-11-22T10:21:00Z'],
    ['minute', '2026-11-22T10:20:00Z', '2026-11-22T10:21:00Z'],
    ['hour', '2026-11-22T23:59:59.999Z', '2026-11-23T00:00:00Z'],
    ['day', '2026-02-28T12:00:00Z', '2026-03-01T00:00:00Z'],
    ['day', '2028-02-28T12:00:00Z', '2028-02-29T00:00:00Z'],
    ['month', '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['month', '2026-01-31T08:00:00Z', '2026-02-01T00:00:00Z'],
    ['year', '2026-12-31T23:59:59.999Z', '2027-01-01T00:00:00Z'],
    ['year', '2027-01-01T00:00:00Z', '2028-01-01T00:00:00Z'],
  ])('every %s after %s is %s', (rate, now, next) => {
    expect(new Date(nextSchedule(rate, at(now)))).toEqual(new Date(next));
  });

  it('comes after any time, and its own last one is itself', () => {
    fc.assert(
      fc.property(rateArb, timeArb, (rate, now) => {
        const next = nextSchedule(rate, now);
        expect(next).toBeGreaterThan(now);
        expect(lastSchedule(rate, next)).toBe(next);
        expect(lastSchedule(rate, next - 1)).toBe(lastSchedule(rate, now));
        expect(lastSchedule(rate, now)).toBeLessThanOrEqual(now);
      }),
    );
  });

  it('comes no later than the period that the longest wait grows by', () => {
    fc.assert(
      fc.property(rateArb, timeArb, (rate, now) => {
        const grown = withSchedule(DEFAULT_SETTINGS, rate).maxWaitHours - DEFAULT_SETTINGS.maxWaitHours;
        expect(nextSchedule(rate, now) - now).toBeLessThanOrEqual(grown * 3_600_000 + 1);
      }),
    );
  });
});

describe('withSchedule', () => {
  it('changes the longest wait alone, and in numbers that people can read', () => {
    expect(withSchedule(DEFAULT_SETTINGS, 'day')).toEqual({ ...DEFAULT_SETTINGS, maxWaitHours: 48 });
    expect(withSchedule({ ...DEFAULT_SETTINGS, maxWaitHours: 0.1 }, 'minute').maxWaitHours).toBe(0.12);
  });
});

describe('mayStart', () => {
  const now = at('2026-11-22T10:20:00Z');
  const fresh = { attempts: 0, parent: undefined, generation: 0, createdAt: at('2026-11-22T10:10:00Z') };
  const hourly = { schedule: 'hour' } as const;

  it('lets new batches of a period wait for its end', () => {
    expect(mayStart(fresh, hourly, now)).toBe(false);
    expect(mayStart(fresh, hourly, at('2026-11-22T11:00:00Z'))).toBe(true);
    expect(mayStart(fresh, hourly, at('2026-11-22T13:30:00Z'))).toBe(true);
    expect(mayStart({ ...fresh, createdAt: at('2026-11-22T09:59:00Z') }, hourly, now)).toBe(true);
  });

  it.each([
    ['one that was tried before', { attempts: 1 }],
    ['a part of a split one', { parent: 'b' }],
    ['one of a retry', { generation: 1 }],
  ])('lets %s go on at once', (_name, what) => {
    expect(mayStart({ ...fresh, ...what }, hourly, now)).toBe(true);
  });

  it('lets everything go at once where there is no schedule', () => {
    expect(mayStart(fresh, 's3', now)).toBe(true);
  });
});
