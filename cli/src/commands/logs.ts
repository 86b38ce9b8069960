/** `batchml logs`: what the pipeline's functions, or the models of this machine, have written. */
import { isSubmissionId, parseJobId } from '@batchml/backend/words';
import { InvalidArgumentError } from 'commander';
import { awsConfig } from '../config/aws.ts';
import { findTarget, type Target } from '../config/connection.ts';
import { dataDir } from '../config/paths.ts';
import type { Context } from '../context.ts';
import { isThrottled, isUnreachable } from '../deploy/aws-errors.ts';
import { CliError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import {
  type AwsProfileFlags,
  addAwsProfileOption,
  asDeployed,
  askAws,
  type DeployedTarget,
  noStack,
} from './aws-stack.ts';
import { defineCommand } from './command.ts';
import { clientOf, type ProfileFlags } from './connect.ts';
import { byTime, describeEvent, formatEvent, type LogEvent } from './logs/entry.ts';
import { ago, parseSince, type Since } from './logs/since.ts';
import { addDataDirOption, addProfileOption, numberOption } from './options/shared.ts';

interface LogsFlags extends ProfileFlags, AwsProfileFlags {
  readonly follow?: true;
  readonly job?: string;
  readonly since?: Since;
  readonly limit: number;
  readonly dataDir?: string;
}

const HOUR_MS = 3_600_000;
const FOLLOW_MS = 2_000;
/** An event may be found that much later than others of its time. */
const LATE_MS = 60_000;
/** Looks in a row that may fail while following. */
const MOST_FAILURES = 30;

export const logsCommand = defineCommand<LogsFlags>({
  name: 'logs',
  summary: 'logs of the pipeline in use, by time',
  details:
    'Of a deployed pipeline: what its functions have written (CloudWatch Logs). Of one on this machine: what its ' +
    'models and transform jobs have, in the data folder.',
  options: (command) => {
    command
      .option('-f, --follow', 'go on until Ctrl-C')
      .option('--job <id>', 'lines that name this job, submission, batch or transform job', parseId)
      .option(
        '--since <when>',
        '90s, 10m, 1h, 2d, or a time (default: 1h; with --job: its submission)',
        parseSince,
      )
      .addOption(
        numberOption('--limit <n>', 'the newest so many lines', { min: 1, max: 10_000 }).default(1000),
      );
    addProfileOption(command);
    addAwsProfileOption(command);
    addDataDirOption(command);
  },
  examples: [
    ['batchml logs', 'of the last hour'],
    ['batchml logs --follow --profile prod', 'as they come'],
    ['batchml logs --job s-20260801120000-3f9a2c.0.17', 'what speaks of one job or its submission'],
    ['batchml logs --since 1d --json | jq -r \'select(.entry.level == "ERROR").text\'', 'for programs'],
  ],
  run: logs,
});

function parseId(text: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/.test(text))
    throw new InvalidArgumentError('It takes the ID of a job, a submission, a batch or a transform job.');
  return text;
}

async function logs(context: Context, _args: readonly string[], flags: LogsFlags): Promise<number> {
  const { terminal, progress, interrupts } = context;
  interrupts.onInterrupt(() => {
    progress.stop();
    if (flags.follow) terminal.say('no longer following');
  });
  const target = await findTarget(context.env, flags.profile);
  const deployed = asDeployed(context, target, flags);
  if (deployed !== undefined) return logsOfStack(context, deployed, flags);
  if (target !== undefined && !target.local) throw noStack('logs', target);
  return logsOfFolder(context, target, flags);
}

async function print({ terminal, json }: Context, events: readonly LogEvent[]): Promise<void> {
  const width = Math.max(0, ...events.map(({ source }) => source.length));
  for (const event of events) {
    if (json) await terminal.json(describeEvent(event));
    else await terminal.data(`${formatEvent(event, terminal.paintOut, width)}\n`);
  }
}

async function logsOfStack(context: Context, deployed: DeployedTarget, flags: LogsFlags): Promise<number> {
  const { deps, terminal, progress, interrupts } = context;
  const { stack, aws, profile } = deployed;
  const { signal } = interrupts;
  progress.phase(`reading the logs of stack ${stack}`);
  const { CloudLogs, patternFor } = await import('./logs/cloud-logs.ts');
  const since = await startOf(context, deployed, flags);
  const pattern = flags.job === undefined ? undefined : patternFor(fieldsOf(flags.job));
  const reader = CloudLogs.open(awsConfig(aws, deps.aws), stack);
  const look = (from: number) => reader.look({ since: from, pattern, most: flags.limit }, signal);
  try {
    const found = await askAws(context, aws, `reading the logs of stack ${stack}`, () => look(since));
    progress.stop();
    if (found.none)
      throw new CliError(`there are no logs of stack ${stack}`, {
        code: 'no_logs',
        why: `CloudWatch Logs knows no group /batchml/${stack}/… in ${profile.region ?? 'this region'} of the account in use`,
        next: ['see what is wrong: batchml doctor'],
      });
    if (found.more) terminal.note(`there are earlier ones: --limit N (up to 10000), or a later --since`);
    await print(context, found.events);
    if (!flags.follow) {
      if (found.events.length === 0)
        terminal.note(`nothing since ${new Date(since).toISOString()}; further back: --since 1d`);
      return EXIT.ok;
    }
    return await follow(context, deployed, found.events, since, look);
  } finally {
    progress.stop();
    reader.close();
  }
}

/** Which fields of a line may hold the ID. */
function fieldsOf(id: string): (readonly [string, string])[] {
  const job = parseJobId(id);
  if (job !== undefined)
    return [
      ['job', id],
      ['submission', job.submission],
      // The ID of a part of a batch looks like a job's.
      ['batch', id],
    ];
  return [
    ['submission', id],
    ['batch', id],
    ['transform', id],
  ];
}

/** Where to begin: as asked; with `--job` when its submission was made, where the API can tell; else an hour ago. */
async function startOf(context: Context, { target }: DeployedTarget, flags: LogsFlags): Promise<number> {
  const now = context.deps.now();
  if (flags.since !== undefined) return flags.since(now);
  const id = flags.job === undefined ? undefined : (parseJobId(flags.job)?.submission ?? flags.job);
  if (id === undefined || !isSubmissionId(id)) return ago(HOUR_MS)(now);
  try {
    const found = await (await clientOf(context, target)).findSubmission(id);
    if (found !== undefined) return Date.parse(found.createdTime);
  } catch {
    context.interrupts.signal.throwIfAborted();
    // The logs may be wanted because the API doesn't answer.
  }
  return ago(HOUR_MS)(now);
}

/** Looks again and again; each event is given once, also where it is found later than others of its time. */
async function follow(
  context: Context,
  { aws, stack }: DeployedTarget,
  first: readonly LogEvent[],
  since: number,
  look: (from: number) => Promise<{ readonly events: readonly LogEvent[] }>,
): Promise<number> {
  const { deps, terminal, interrupts } = context;
  const seen = new Map(first.map(({ id, at = 0 }) => [id, at]));
  let failures = 0;
  for (;;) {
    const newest = Math.max(since, ...seen.values());
    const from = Math.max(since, newest - LATE_MS);
    for (const [id, at] of seen) if (at < from) seen.delete(id);
    await deps.sleep(FOLLOW_MS, interrupts.signal);
    interrupts.signal.throwIfAborted();
    const events = await askAws(context, aws, `reading the logs of stack ${stack}`, async () => {
      try {
        const found = await look(from);
        failures = 0;
        return found.events;
      } catch (error) {
        if (!(isUnreachable(error) || isThrottled(error)) || ++failures > MOST_FAILURES) throw error;
        if (failures === 1) terminal.note(terminal.paint('yellow', 'AWS does not answer; trying again'));
        return [];
      }
    });
    const fresh = events.filter(({ id }) => !seen.has(id));
    for (const { id, at = 0 } of fresh) seen.set(id, at);
    await print(context, fresh);
  }
}

async function logsOfFolder(context: Context, target: Target | undefined, flags: LogsFlags): Promise<number> {
  const { deps, env, terminal, interrupts } = context;
  const folder = flags.dataDir === undefined ? target?.profile?.dataDir : undefined;
  const dir = folder ?? dataDir(env, deps.cwd, flags.dataDir);
  const { LocalLogs } = await import('./logs/local-logs.ts');
  const files = new LocalLogs(dir);
  const since = flags.since?.(deps.now()) ?? 0;
  const { job } = flags;
  const look = async (): Promise<LogEvent[]> => {
    const events = await files.look({ since, atEnd: flags.follow !== true });
    return job === undefined ? events : events.filter(({ text }) => text.includes(job));
  };
  const first = await look();
  const shown = first.slice(-flags.limit);
  if (shown.length < first.length) terminal.note('there are earlier lines: --limit N (up to 10000)');
  // Lines of models have no times: they stay where their file stands.
  await print(context, shown.every(({ at }) => at !== undefined) ? shown.sort(byTime) : shown);
  if (shown.length === 0 && !flags.follow) terminal.note(`there are no logs in ${dir}`);
  if (!flags.follow) return EXIT.ok;
  for (;;) {
    await deps.sleep(FOLLOW_MS, interrupts.signal);
    interrupts.signal.throwIfAborted();
    await print(context, await look());
  }
}
