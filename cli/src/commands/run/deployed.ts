/** `batchml run` on a deployed pipeline: submit, wait and results in one. The jobs are the pipeline's: it goes on without us. */
import { createHash } from 'node:crypto';
import { DEFAULT_SETTINGS } from '@batchml/backend/words';
import { ApiClient } from '../../client/client.ts';
import { resultPages } from '../../client/result-pages.ts';
import { wholeResults } from '../../client/whole-results.ts';
import type { Target } from '../../config/connection.ts';
import { type Context, sameCommand } from '../../context.ts';
import { CliError, InterruptedError, toCliError, usageError } from '../../errors.ts';
import { exitCodeFor, finalOf, isFinished } from '../../outcome.ts';
import { formatCount, shellQuote } from '../../ui/format.ts';
import { openSink, type ResultSink } from '../../ui/result-sink.ts';
import { type CheckedInput, nameOf, openChecked } from '../checked-input.ts';
import { nameTarget, notePassedOver, type ProfileFlags } from '../connect.ts';
import { type InputFlags, inputOptions, rowsNext, type Taken } from '../options/input.ts';
import type { ModelFlags } from '../options/model.ts';
import { maxRecordBytes, type SettingsFlags } from '../options/settings.ts';
import { Pace } from '../pace.ts';
import { sendAndFollow } from './follow.ts';
import { firstUnfinished, type RunPlan } from './plan.ts';
import { reportRun } from './report.ts';

export interface DeployedRunFlags extends InputFlags, ProfileFlags, ModelFlags, SettingsFlags {
  readonly dataDir?: string;
  readonly submissionId?: string;
  readonly output?: string;
}

/** Options of a pipeline that runs here and now. A deployed one has its own, set when it is deployed. */
const OF_THIS_MACHINE = [
  'pingTimeout',
  'contentType',
  'batchStrategy',
  'maxPayloadMb',
  'maxConcurrentTransforms',
  'batchSize',
  'batchWindow',
  'maxTransformJobs',
  'invocationsTimeout',
  'invocationsMaxRetries',
  'maxWaitHours',
  'maxTransformHours',
  'dataDir',
] as const satisfies readonly (keyof DeployedRunFlags)[];

function refuseOwnSettings(flags: DeployedRunFlags, { origin }: Target): void {
  const [given] = OF_THIS_MACHINE.filter((name) => flags[name] !== undefined);
  if (given === undefined) return;
  const option = `--${given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw usageError(`${option} is for a model on this machine`, {
    why: `without --model or --model-command, this runs on ${origin}, which has settings of its own`,
    next: ['name a model: --model URL', 'or change what is deployed: batchml deploy --help'],
  });
}

function takenBy(settings = DEFAULT_SETTINGS, known = true): Taken {
  const contentType = known ? settings.contentType : undefined;
  return { contentType, maxRecordBytes: maxRecordBytes(settings), byApi: true };
}

export async function runDeployed(
  context: Context,
  file: string,
  flags: DeployedRunFlags,
  target: Target,
): Promise<number> {
  const { deps, interrupts, terminal } = context;
  refuseOwnSettings(flags, target);
  inputOptions(flags, takenBy(undefined, false));
  notePassedOver(context, target);
  nameTarget(context, target);
  interrupts.onInterrupt(() => terminal.say('stopping; nothing was submitted'));
  const scope = new AbortController();
  const forward = (): void => scope.abort(interrupts.signal.reason);
  interrupts.signal.addEventListener('abort', forward, { once: true });
  const { fetch, now, sleep } = deps;
  const { endpoint } = target;
  const client = new ApiClient({
    endpoint,
    key: await target.key(),
    fetch,
    now,
    sleep,
    signal: scope.signal,
  });
  const pin = await client.pin();
  const input = await openChecked(context, file, inputOptions(flags, takenBy(pin?.settings)), rowsNext(true));
  let sink: ResultSink | undefined;
  try {
    const unique = deps.randomHex(4);
    sink = await openSink(flags.output, { terminal, cwd: deps.cwd, unique, signal: interrupts.signal });
    const plan = await planOf(client, input, pin?.model, flags.submissionId);
    return await work(context, { client, input, sink, plan, scope, flags });
  } finally {
    context.progress.stop();
    interrupts.signal.removeEventListener('abort', forward);
    await sink?.abort();
    await input.dispose();
  }
}

/**
 * The same records through the same model are the same run, until it is finished. (Not the settings: those of a pipeline
 * may change while it runs, and what was accepted keeps its own.)
 */
async function planOf(
  client: ApiClient,
  { summary: { content } }: CheckedInput,
  model: string | undefined,
  name: string | undefined,
): Promise<RunPlan> {
  if (name === undefined) {
    const hash = createHash('sha256').update(JSON.stringify([content, model ?? null]));
    return firstUnfinished(client, `run-${hash.digest('hex').slice(0, 12)}`);
  }
  const known = await client.findSubmission(name);
  if (known !== undefined && known.content !== content)
    throw usageError(`submission ${name} exists, with other content`, {
      code: 'conflict',
      next: ['take another name: --submission-id NAME'],
    });
  return { id: name, known };
}

interface Parts {
  readonly client: ApiClient;
  readonly input: CheckedInput;
  readonly sink: ResultSink;
  readonly plan: RunPlan;
  /** Aborted by Ctrl-C, and by what fails first. */
  readonly scope: AbortController;
  readonly flags: DeployedRunFlags;
}

async function work(context: Context, parts: Parts): Promise<number> {
  const { deps, terminal, interrupts, progress } = context;
  const { client, input, sink, plan, scope, flags } = parts;
  const { id, known } = plan;
  const { path: output, keeps } = sink;
  const pace = new Pace(context);
  const write = wholeResults(client, (text) => {
    pace.moved();
    return sink.write(text);
  });
  const again = flags.profile === undefined ? [] : ['--profile', flags.profile];
  const report = { output, keeps, again };
  if (known !== undefined && isFinished(known)) {
    terminal.note(`${id} is finished: these are its results`);
    for await (const page of resultPages(client, id)) await write(page);
    await sink.finish();
    await reportRun(context, client, { info: known, took: undefined, ...report });
    return exitCodeFor(known.counts);
  }
  const total = formatCount(input.summary.jobs);
  terminal.note(
    known === undefined
      ? `submission ${id}`
      : `resuming ${id}: ${formatCount(finalOf(known.counts))} of ${total} done`,
  );
  interrupts.onInterrupt(() => {
    progress.stop();
    terminal.say('no longer waiting; what was sent goes on. To wait for it again:');
    terminal.say(`  ${sameCommand(context)}`);
    terminal.say(`to stop it:\n  ${['batchml', 'cancel', id, ...again].map(shellQuote).join(' ')}`);
  });
  const startedAt = deps.now();
  try {
    const opened = await client.openSubmission(id, {
      content: input.summary.content,
      name: nameOf(input),
    });
    const info = await sendAndFollow({
      context,
      client,
      news: { news: () => pace.wait() },
      id,
      input,
      write,
      scope,
    });
    progress.stop();
    await sink.finish();
    const took = { jobs: info.total - finalOf(opened.counts), ms: deps.now() - startedAt };
    await reportRun(context, client, { info, took, ...report });
    return exitCodeFor(info.counts);
  } catch (error) {
    if (interrupts.signal.aborted) throw interrupts.signal.reason;
    throw goesOn(context, error, id);
  }
}

/** An error that stopped us, not the pipeline. */
function goesOn(context: Context, error: unknown, id: string): unknown {
  if (!CliError.is(error) || error instanceof InterruptedError) return error;
  const { message, code, exitCode, why, next, data } = toCliError(error);
  return new CliError(message, {
    code,
    exitCode,
    ...(why === undefined ? {} : { why }),
    next: [...next, `what was sent goes on; the same command waits for it again: ${sameCommand(context)}`],
    data: { ...data, submissionId: id },
    cause: error,
  });
}
