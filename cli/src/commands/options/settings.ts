/** Options that say how jobs are to be run; by the same names everywhere. */
import {
  BATCH_STRATEGIES,
  CONTENT_TYPES,
  DEFAULT_SETTINGS,
  MAX_CHUNK_BYTES,
  type Settings,
} from '@batchml/backend/words';
import { type Command, Option } from 'commander';
import { numberOption } from './shared.ts';

export interface SettingsFlags {
  readonly contentType?: Settings['contentType'];
  readonly batchStrategy?: Settings['batchStrategy'];
  readonly maxPayloadMb?: number;
  readonly maxConcurrentTransforms?: number;
  readonly batchSize?: number;
  readonly batchWindow?: number;
  readonly maxTransformJobs?: number;
  readonly invocationsTimeout?: number;
  readonly invocationsMaxRetries?: number;
  readonly maxWaitHours?: number;
  readonly maxTransformHours?: number;
}

const HOURS = { above: 0, max: 720, fractions: true };

export function addSettingsOptions(command: Command): void {
  const {
    batchSize,
    batchWindowSeconds,
    maxTransformJobs,
    invocationsTimeoutSeconds,
    invocationsMaxRetries,
    maxWaitHours,
    maxTransformHours,
  } = DEFAULT_SETTINGS;
  command
    .addOption(
      new Option(
        '--content-type <type>',
        'Content-Type sent to the model (default: found out; csv: text/csv)',
      ).choices([...CONTENT_TYPES, 'auto']),
    )
    .addOption(
      new Option('--batch-strategy <strategy>', 'many records a request or one (default: found out)').choices(
        [...BATCH_STRATEGIES, 'auto'],
      ),
    )
    .addOption(
      numberOption('--max-payload-mb <mb>', "most MB a request (default: the container's, else 6)", {
        min: 0,
        max: 100,
      }),
    )
    .addOption(
      numberOption(
        '--max-concurrent-transforms <n>',
        "requests at a time (default: the container's, else 4)",
        {
          min: 0,
          max: 1000,
        },
      ),
    )
    .addOption(
      numberOption('--batch-size <n>', `most jobs a batch (default: ${batchSize})`, { min: 1, max: 10_000 }),
    )
    .addOption(
      numberOption(
        '--batch-window <s>',
        `longest wait for a batch to fill (default: ${batchWindowSeconds})`,
        {
          min: 0,
          max: 300,
          fractions: true,
        },
      ),
    )
    .addOption(
      numberOption('--max-transform-jobs <n>', `transform jobs at a time (default: ${maxTransformJobs})`, {
        min: 1,
        max: 1000,
      }),
    )
    .addOption(
      numberOption('--invocations-timeout <s>', `longest request (default: ${invocationsTimeoutSeconds})`, {
        min: 1,
        max: 3600,
      }),
    )
    .addOption(
      numberOption(
        '--invocations-max-retries <n>',
        `repeats of a failed request (default: ${invocationsMaxRetries})`,
        { min: 0, max: 3 },
      ),
    )
    .addOption(
      numberOption(
        '--max-wait-hours <h>',
        `longest wait of an accepted job to be started (default: ${maxWaitHours})`,
        HOURS,
      ),
    )
    .addOption(
      numberOption(
        '--max-transform-hours <h>',
        `longest run of one transform job (default: ${maxTransformHours})`,
        HOURS,
      ),
    );
}

/** Settings from flags over the defaults. CSV input is sent as CSV unless said otherwise. */
export function settingsFrom(flags: SettingsFlags, csv = false): Settings {
  const given = {
    contentType: flags.contentType ?? (csv ? 'text/csv' : undefined),
    batchStrategy: flags.batchStrategy,
    maxPayloadMb: flags.maxPayloadMb,
    maxConcurrentTransforms: flags.maxConcurrentTransforms,
    batchSize: flags.batchSize,
    batchWindowSeconds: flags.batchWindow,
    maxTransformJobs: flags.maxTransformJobs,
    invocationsTimeoutSeconds: flags.invocationsTimeout,
    invocationsMaxRetries: flags.invocationsMaxRetries,
    maxWaitHours: flags.maxWaitHours,
    maxTransformHours: flags.maxTransformHours,
  } satisfies { [key in keyof Settings]?: Settings[key] | undefined };
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_SETTINGS, ...(Object.fromEntries(set) as Partial<Settings>) };
}

/** What a record's line needs around the record, in a chunk. */
const LINE_ROOM = 4096;

/** Largest record in bytes: what fits a chunk and a request to the model. */
export function maxRecordBytes({ maxPayloadMb }: Settings): number {
  const payload = (maxPayloadMb || 6) * 1024 * 1024;
  return Math.min(payload, MAX_CHUNK_BYTES - LINE_ROOM);
}
