/** `batchml local`: the pipeline as a server on this machine, until Ctrl-C. */

import { localSettings, withSchedule } from '@batchml/backend/words';
import { apiKeyPath, ensureKey } from '../config/api-key.ts';
import { configDir, dataDir } from '../config/paths.ts';
import { saveProfile } from '../config/profiles.ts';
import type { Context } from '../context.ts';
import { InterruptedError, toCliError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { orAborted } from '../interrupts.ts';
import { printableLines } from '../ui/printable.ts';
import { closeWithin } from './close-within.ts';
import { defineCommand } from './command.ts';
import { addModelOptions, type ModelFlags, modelFrom, pingTimeoutMs } from './options/model.ts';
import { addScheduleOptions, type ScheduleFlags, scheduleFrom } from './options/schedule.ts';
import { addSettingsOptions, type SettingsFlags, settingsFrom } from './options/settings.ts';
import { addDataDirOption, numberOption } from './options/shared.ts';
import { eventTeller } from './run/report.ts';

interface LocalFlags extends SettingsFlags, ModelFlags, ScheduleFlags {
  readonly port: number;
  readonly dataDir?: string;
}

const PROFILE = 'local';
/** Closing takes no longer than this, in ms; the state is safe at any moment. */
const CLOSE_MS = 30_000;

export const localCommand = defineCommand<LocalFlags>({
  name: 'local',
  alias: 'dev',
  summary: 'serve the pipeline on this machine until Ctrl-C',
  details: 'Its endpoint and key become the profile `local`, which submit, status and the others then use.',
  options: (command) => {
    addModelOptions(command);
    command.addOption(
      numberOption('--port <n>', 'port on 127.0.0.1; 0 takes a free one', { min: 0, max: 65_535 }).default(
        8117,
      ),
    );
    addDataDirOption(command);
    addScheduleOptions(command);
    addSettingsOptions(command);
  },
  examples: [
    ['batchml local --model http://127.0.0.1:8080', 'a model server that is running'],
    ["batchml local --model-command 'python3 serve.py' --port 0", 'one that is started for you'],
    [
      'batchml local --model http://127.0.0.1:8080 --trigger schedule --schedule-rate hour',
      'work begins every full hour',
    ],
  ],
  run: local,
});

async function local(context: Context, _args: readonly string[], flags: LocalFlags): Promise<number> {
  const { deps, env, terminal, interrupts, progress, json } = context;
  const schedule = scheduleFrom(flags);
  const settings = settingsFrom(flags);
  const pin = {
    model: modelFrom(flags),
    settings: schedule === undefined ? settings : withSchedule(settings, schedule),
  };
  const folder = dataDir(env, deps.cwd, flags.dataDir);
  const ping = pingTimeoutMs(flags);
  interrupts.onInterrupt(() =>
    terminal.say('stopping; accepted jobs are kept, and go on with the next start'),
  );
  const apiKey = await ensureKey(folder, deps.randomHex);
  const pipeline = await deps.openLocal({
    dataDir: folder,
    pin,
    apiKey,
    command: 'batchml local',
    env: deps.env,
    onEvent: eventTeller(terminal, true),
    ...(ping === undefined ? {} : { pingTimeoutMs: ping }),
    ...(schedule === undefined ? {} : { schedule }),
  });
  try {
    const endpoint = await pipeline.listen(flags.port);
    const { active } = await saveProfile(
      configDir(env),
      PROFILE,
      { endpoint, keyFile: apiKeyPath(folder), dataDir: folder, ...pin },
      deps.randomHex(4),
    );
    await pipeline.start();
    terminal.note(`${terminal.paint('bold', endpoint)} serves ${pin.model}`);
    terminal.note(`data: ${folder}`);
    if (schedule !== undefined)
      terminal.note(`new batches are started every ${schedule}, at its end (UTC); jobs wait until then`);
    if (active === PROFILE) terminal.note('next, in another terminal:\n  batchml submit FILE');
    else
      terminal.note(
        `the active profile is ${active}; next, in another terminal:\n  batchml submit FILE --profile local`,
      );
    terminal.note('Ctrl-C stops it');
    if (json)
      await terminal.json({
        type: 'ready',
        version: 1,
        endpoint,
        profile: PROFILE,
        dataDir: folder,
        model: pin.model,
        settings: localSettings(pin.settings),
        ...(schedule === undefined ? {} : { schedule }),
      });
    warmUp(context, pin.settings.maxWaitHours, () => pipeline.prepare([]));
    await orAborted(new Promise<never>(() => {}), interrupts.signal);
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    // Being stopped is how a server ends.
  } finally {
    progress.stop();
    await closeWithin(context, pipeline, CLOSE_MS);
  }
  terminal.note('stopped');
  return EXIT.ok;
}

/** Looks after the model in the background: jobs are accepted and wait while it isn't there, up to their limit. */
function warmUp({ terminal, interrupts }: Context, maxWaitHours: number, prepare: () => Promise<void>): void {
  prepare().catch((error: unknown) => {
    if (interrupts.signal.aborted) return;
    const { message, why } = toCliError(error);
    const what = printableLines(`${message}${why ? `: ${why}` : ''}`);
    const limit = `each up to ${maxWaitHours} ${maxWaitHours === 1 ? 'hour' : 'hours'} (--max-wait-hours)`;
    terminal.note(terminal.paint('yellow', `${what}; jobs are accepted and wait for it, ${limit}`));
  });
}
