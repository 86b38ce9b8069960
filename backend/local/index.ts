/** The local engine's one entry: the whole pipeline on this machine. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createApi } from '../api/app.ts';
import type { ScheduleRate } from '../core/schedule.ts';
import type { Pin } from '../core/settings.ts';
import { createLedger } from '../ledger/index.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { Ports } from '../ports/index.ts';
import { lockDataDir } from './data-dir-lock.ts';
import { createEngine } from './engine.ts';
import type { LocalEvent } from './events.ts';
import { fileObjects } from './file-objects.ts';
import { localLimits } from './limits.ts';
import { type Listener, listen } from './listen.ts';
import { privateFolder } from './private-files.ts';
import { randomText } from './random.ts';
import { DataDirDamagedError } from './sqlite/damaged.ts';
import { openSql } from './sqlite/open.ts';
import { prepareTables } from './sqlite/schema.ts';
import type { Sql } from './sqlite/sql.ts';
import { sqliteStore } from './sqlite-store.ts';
import { LocalTransforms } from './transform/local-transforms.ts';
import { ModelHost } from './transform/model-host.ts';
import { systemClock } from './transform/time.ts';

export type { LocalEvent } from './events.ts';

export interface LocalOptions {
  /** Folder for the database, objects and logs; made if absent (mode 0700). */
  readonly dataDir: string;
  /** Model and settings that newly accepted work is pinned to. */
  readonly pin: Pin;
  /** The key that requests must carry in `x-api-key`. */
  readonly apiKey: string;
  /** What this process is called when another one finds the data folder in use. @default 'batchml' */
  readonly command?: string;
  /** New batches are started at the end of each such period (UTC). @default as soon as they wait */
  readonly schedule?: ScheduleRate;
  /** How long the model may take to answer `GET /ping`, in ms. @default 60_000 */
  readonly pingTimeoutMs?: number;
  /** Environment of the model command. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly onEvent?: (event: LocalEvent) => void;
  /** Changes the ports before they are used, for fault injection. */
  readonly wrapPorts?: (ports: Ports) => Ports;
}

export interface LocalPipeline {
  /** The HTTP API without a socket. It answers before `start` as well. */
  fetch(request: Request): Promise<Response>;
  /**
   * Begins to work on what is open: everything, or one submission alone (which needn't exist yet), so that a run
   * doesn't take up other work that it finds.
   */
  start(submission?: string): Promise<void>;
  /**
   * Waits until the model answers ping, and asks it what it takes with the sample records, if there are any. Throws
   * ModelNotReadyError (code `MODEL_NOT_READY`).
   */
  prepare(sample: readonly string[]): Promise<void>;
  /** Listens on 127.0.0.1; port 0 takes a free one. Gives the endpoint's URL. Throws PortInUseError. */
  listen(port: number): Promise<string>;
  /** Resolves when something may have changed since the last call, or after `maxMs`: to be awaited instead of polling. */
  news(maxMs: number): Promise<void>;
  /** Stops taking requests, stops transforms and models, and leaves a state to go on from. */
  close(): Promise<void>;
}

/**
 * Opens the pipeline over a data folder; `start` sets it to work.
 * @throws DataDirInUseError (code `DATA_DIR_IN_USE`), OtherLayoutError (`DATA_DIR_LAYOUT`), DataDirDamagedError (`DATA_DIR_DAMAGED`)
 */
export async function openLocal(options: LocalOptions): Promise<LocalPipeline> {
  const {
    dataDir,
    pin,
    apiKey,
    onEvent = () => undefined,
    clock = systemClock,
    pingTimeoutMs = 60_000,
  } = options;
  // A folder that is there may be the user's own, with other things in it: its rights stay as they are.
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const unlock = lockDataDir(dataDir, options.command ?? 'batchml');
  let sql: Sql | undefined;
  try {
    const database = await openSql(join(dataDir, 'batchml.db'));
    sql = database;
    prepareTables(database);
    for (const folder of ['data', 'result', 'logs']) privateFolder(join(dataDir, folder));
    const store = sqliteStore(database);
    const ledger = createLedger({ ...localLimits(clock), store });
    await ledger.endBackoffs();
    const engine = createEngine({
      clock,
      schedule: options.schedule,
      onFailure: (bell, error) => onEvent({ type: 'step-failed', bell: bell.kind, message: error.message }),
    });
    const objects = fileObjects(dataDir);
    const host = new ModelHost({
      logDir: join(dataDir, 'logs'),
      env: options.env ?? process.env,
      clock,
      onEvent,
    });
    const transforms = new LocalTransforms({
      root: dataDir,
      readBatch: objects.readBatch,
      host,
      pingTimeoutMs,
      clock,
      onOutput: (transform, batch) => engine.ring({ kind: 'output', transform, batch }),
      onEnd: (name) => engine.ring({ kind: 'transform', name }),
      onEvent,
    });
    const bare: Ports = {
      ledger,
      objects,
      transforms,
      bells: engine,
      clock,
      random: options.random ?? randomText,
    };
    const ports = options.wrapPorts?.(bare) ?? bare;
    const app = createApi({ ports, pin, apiKey });
    let listener: Listener | undefined;
    return {
      fetch: async (request) => app.fetch(request),
      start: (submission) => {
        if (submission === undefined) return engine.start(ports);
        const own = createLedger({ ...localLimits(clock), store, only: submission });
        const alone = { ...bare, ledger: own };
        return engine.start(options.wrapPorts?.(alone) ?? alone);
      },
      prepare: async (sample) => {
        if (sample.length === 0) await host.ready(pin.model, pingTimeoutMs);
        else await host.prepare(pin, pingTimeoutMs, async () => sample);
      },
      listen: async (port) => {
        listener = await listen(app, port);
        return listener.url;
      },
      news: (maxMs) => engine.news(maxMs),
      async close() {
        // Transforms before the engine: a step under way may wait for one of them.
        await Promise.all([listener?.close(), transforms.close()]);
        await engine.stop();
        await host.close();
        database.close();
        unlock();
      },
    };
  } catch (error) {
    // A damaged database is left as it is: closing takes in what can be read of its log, and removes the rest.
    if (!(error instanceof DataDirDamagedError)) sql?.close();
    unlock();
    throw error;
  }
}
