/** What clients of the API share with it besides the wire types: plain constants and functions, with no schema behind. */

/** On pages of results as NDJSON (`Accept: application/x-ndjson`): where the next page starts; absent on the last. */
export const CURSOR_HEADER = 'x-batchml-cursor';
/** `?final=true` stops a page before the first job that isn't final; this header then says `true`. */
export const PENDING_HEADER = 'x-batchml-pending';

export { formatWireLine, MAX_CHUNK_BYTES, MAX_CHUNK_JOBS, MAX_CUSTOM_ID } from '../core/chunk.ts';
export { isSubmissionId, type JobRef, parseJobId } from '../core/ids.ts';
export { isFinal, JOB_STATUSES, type JobStatus } from '../core/job.ts';
export { JsonTextError, MAX_DEPTH, membersOf, spanOf } from '../core/json-text.ts';
export { csvRowProblem } from '../core/object-lines.ts';
export { SCHEDULE_RATES, type ScheduleRate, TRIGGERS, withSchedule } from '../core/schedule.ts';
export {
  BATCH_STRATEGIES,
  CONTENT_TYPES,
  DEFAULT_SETTINGS,
  localSettings,
  type Settings,
} from '../core/settings.ts';
