/** Options that say when what was accepted is started: by the names of the stack's parameters. */
import { SCHEDULE_RATES, type ScheduleRate, TRIGGERS } from '@batchml/backend/words';
import { type Command, Option } from 'commander';
import { usageError } from '../../errors.ts';

export interface ScheduleFlags {
  readonly trigger?: (typeof TRIGGERS)[number];
  readonly scheduleRate?: ScheduleRate;
}

export function addScheduleOptions(command: Command): void {
  command
    .addOption(
      new Option(
        '--trigger <what>',
        'starts batches: s3 as they come, schedule at the end of each period (default: s3)',
      ).choices(TRIGGERS),
    )
    .addOption(
      new Option(
        '--schedule-rate <period>',
        'with --trigger schedule: every full minute, hour, ... in UTC',
      ).choices(SCHEDULE_RATES),
    );
}

/** The schedule's rate; undefined where batches are started as they come. */
export function scheduleFrom({ trigger = 's3', scheduleRate }: ScheduleFlags): ScheduleRate | undefined {
  const next = [`--trigger schedule --schedule-rate ${scheduleRate ?? 'hour'}`];
  if (trigger === 'schedule' && scheduleRate === undefined)
    throw usageError('--trigger schedule needs --schedule-rate: how often?', { next });
  if (trigger === 's3' && scheduleRate !== undefined)
    throw usageError('--schedule-rate is for --trigger schedule alone', { next });
  return scheduleRate;
}
