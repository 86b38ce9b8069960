/**
 * `batchml run`: from a file of records to their results, by the whole pipeline in this process. Without a model it is the
 * deployed pipeline's work.
 */
import type { LocalPipeline } from '@batchml/backend/local';
import { ApiClient } from '../client/client.ts';
import { resultPages } from '../client/result-pages.ts';
import { wholeResults } from '../client/whole-results.ts';
import { findTarget } from '../config/connection.ts';
import { dataDir } from '../config/paths.ts';
import { type Context, sameCommand } from '../context.ts';
import { usageError } from '../errors.ts';
import { exitCodeFor, finalOf, isFinished } from '../outcome.ts';
import { formatCount } from '../ui/format.ts';
import { openSink, type ResultSink } from '../ui/result-sink.ts';
import { type CheckedInput, nameOf, openChecked } from './checked-input.ts';
import { closeWithin } from './close-within.ts';
import { defineCommand } from './command.ts';
import { addInputOptions, inputOptions, rowsNext } from './options/input.ts';
import { addModelOptions, modelFrom, pingTimeoutMs } from './options/model.ts';
import { addSettingsOptions, maxRecordBytes, settingsFrom } from './options/settings.ts';
import { addDataDirOption, addProfileOption } from './options/shared.ts';
import { addSubmissionIdOption } from './options/submission-id.ts';
import { type DeployedRunFlags, runDeployed } from './run/deployed.ts';
import { sendAndFollow } from './run/follow.ts';
import { watchModel } from './run/model-gone.ts';
import { planRun, type RunPlan } from './run/plan.ts';
import { prepare, runTeller } from './run/prepare.ts';
import { reportRun } from './run/report.ts';

type RunFlags = DeployedRunFlags;

const ENDPOINT = 'http://batchml.internal';
/** Closing takes no longer than this, in ms; the state is safe at any moment. */
const CLOSE_MS = 10_000;

export const runCommand = defineCommand<RunFlags>({
  name: 'run',
  summary: 'run a model over a file of records, here and now',
  details:
    'Submits, waits, and prints a result line for each record, in input order. After Ctrl-C or a crash the same ' +
    'command goes on where it was; after a finished run it starts anew. Without a model it runs on the deployed ' +
    'pipeline in use, which goes on by itself.',
  argument: ['<file>', 'JSON Lines (or see --format); - reads standard input'],
  options: (command) => {
    addModelOptions(command);
    addInputOptions(command);
    command.option('--output <file>', 'results to a file, which appears when complete (default: stdout)');
    addSubmissionIdOption(command);
    addProfileOption(command);
    addSettingsOptions(command);
    addDataDirOption(command);
  },
  examples: [
    [
      'batchml run reviews.jsonl --model http://127.0.0.1:8080 > results.jsonl',
      'a model server that is running',
    ],
    [
      "batchml run reviews.jsonl --model-command 'python3 serve.py' --output results.jsonl",
      'one that is started for you',
    ],
    [
      'head -100 reviews.jsonl | batchml run - --model http://127.0.0.1:8080 | jq .result',
      'a try with a few records',
    ],
    ['batchml run reviews.jsonl > results.jsonl', 'on what batchml deploy made'],
  ],
  run,
});

async function run(context: Context, [file = '-']: readonly string[], flags: RunFlags): Promise<number> {
  const { deps, env, interrupts, terminal } = context;
  if (flags.model === undefined && flags.modelCommand === undefined) {
    const target = await findTarget(env, flags.profile);
    if (target !== undefined && !target.local) return runDeployed(context, file, flags, target);
  } else if (flags.profile !== undefined)
    throw usageError(
      `--profile and ${flags.model === undefined ? '--model-command' : '--model'} exclude each other`,
      {
        next: ['leave the model out: a deployed pipeline has its own'],
      },
    );
  const settings = settingsFrom(flags, flags.format === 'csv');
  const pin = { model: modelFrom(flags), settings };
  const { contentType } = settings;
  const options = inputOptions(flags, {
    contentType,
    maxRecordBytes: maxRecordBytes(settings),
    byApi: false,
  });
  const folder = dataDir(env, deps.cwd, flags.dataDir);
  interrupts.onInterrupt(() => terminal.say('stopping; nothing was submitted'));
  const input = await openChecked(context, file, options, rowsNext(false));
  let pipeline: LocalPipeline | undefined;
  let sink: ResultSink | undefined;
  try {
    sink = await openSink(flags.output, {
      terminal,
      cwd: deps.cwd,
      unique: deps.randomHex(4),
      signal: interrupts.signal,
    });
    const apiKey = deps.randomHex(32);
    const ping = pingTimeoutMs(flags);
    const scope = new AbortController();
    const tell = runTeller(context, settings);
    const watch = watchModel((error) => scope.abort(error));
    pipeline = await deps.openLocal({
      dataDir: folder,
      pin,
      apiKey,
      command: 'batchml run',
      env: deps.env,
      onEvent: (event) => {
        tell(event);
        watch(event);
      },
      ...(ping === undefined ? {} : { pingTimeoutMs: ping }),
    });
    return await runIn(context, { pipeline, apiKey, pin, input, sink, flags, scope });
  } finally {
    context.progress.stop();
    await sink?.abort();
    if (pipeline) await closeWithin(context, pipeline, CLOSE_MS);
    await input.dispose();
  }
}

interface Parts {
  readonly pipeline: LocalPipeline;
  readonly apiKey: string;
  readonly pin: { readonly model: string; readonly settings: ReturnType<typeof settingsFrom> };
  readonly input: CheckedInput;
  readonly sink: ResultSink;
  readonly flags: RunFlags;
  /** Aborted by Ctrl-C, by what fails first, and when the model is gone. */
  readonly scope: AbortController;
}

async function runIn(context: Context, parts: Parts): Promise<number> {
  const { deps, interrupts } = context;
  const { pipeline, apiKey, pin, input, sink, flags, scope } = parts;
  const startedAt = deps.now();
  const forward = (): void => scope.abort(interrupts.signal.reason);
  interrupts.signal.addEventListener('abort', forward, { once: true });
  if (interrupts.signal.aborted) forward();
  const { now, sleep } = deps;
  const fetch = (request: Request): Promise<Response> => pipeline.fetch(request);
  const client = new ApiClient({ endpoint: ENDPOINT, key: apiKey, fetch, now, sleep, signal: scope.signal });
  const plan = await planRun(client, { ...pin, content: input.summary.content }, flags.submissionId);
  const serve = serveCommand(flags);
  const { path: output, keeps } = sink;
  const write = wholeResults(client, (text) => sink.write(text));
  if (plan.known !== undefined && isFinished(plan.known)) {
    interrupts.onInterrupt(() => context.terminal.say('stopping; not all results were printed'));
    context.terminal.note(`${plan.id} is finished: these are its results`);
    for await (const page of resultPages(client, plan.id)) await write(page);
    await sink.finish();
    await reportRun(context, client, { info: plan.known, took: undefined, output, keeps, serve });
    return exitCodeFor(plan.known.counts);
  }
  await prepare(context, pipeline, plan, input.summary.sample, pin.model);
  announce(context, plan, input);
  await pipeline.start(plan.id);
  const opened = await client.openSubmission(plan.id, {
    content: input.summary.content,
    name: nameOf(input),
  });
  const info = await sendAndFollow({ context, client, news: pipeline, id: plan.id, input, write, scope });
  context.progress.stop();
  await sink.finish();
  const took = { jobs: info.total - finalOf(opened.counts), ms: now() - startedAt };
  await reportRun(context, client, { info, took, output, keeps, serve });
  return exitCodeFor(info.counts);
}

/** Says which submission it is, and what Ctrl-C means from now on. */
function announce(context: Context, { id, known }: RunPlan, input: CheckedInput): void {
  const { terminal, interrupts } = context;
  const total = formatCount(input.summary.jobs);
  if (known === undefined) terminal.note(`submission ${id}`);
  else terminal.note(`resuming ${id}: ${formatCount(finalOf(known.counts))} of ${total} done`);
  interrupts.onInterrupt(() => {
    terminal.say(`stopping; what was done is kept, and the same command goes on from there:`);
    terminal.say(`  ${sameCommand(context)}`);
  });
}

/** The command that serves the same data folder, for `retry` and the like. */
function serveCommand({ model, modelCommand, dataDir: folder }: RunFlags): string[] {
  return [
    ...['batchml', 'local'],
    ...(model === undefined ? [] : ['--model', model]),
    ...(modelCommand === undefined ? [] : ['--model-command', modelCommand]),
    ...(folder === undefined ? [] : ['--data-dir', folder]),
  ];
}
