/** Local transforms over objects in memory, and ways to await what they do. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatInputLine } from '../../../backend/core/object-lines.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../../backend/core/settings.ts';
import type { LocalEvent } from '../../../backend/local/index.ts';
import { LocalTransforms } from '../../../backend/local/transform/local-transforms.ts';
import { ModelHost } from '../../../backend/local/transform/model-host.ts';
import { systemClock } from '../../../backend/local/transform/time.ts';
import type { Clock } from '../../../backend/ports/clock.ts';
import type { TransformDescription } from '../../../backend/ports/transforms.ts';
import { outputText } from '../../support/output-text.ts';
import { closeModelServers } from './model-server.ts';

/** Lines of JSON, many to a request: nothing to probe. */
export const LINES: Partial<Settings> = {
  contentType: 'application/jsonlines',
  batchStrategy: 'MultiRecord',
};
export const SINGLE: Partial<Settings> = {
  contentType: 'application/json',
  batchStrategy: 'SingleRecord',
};

/** Bytes as MaxPayloadInMB: small requests need no megabytes of records. */
export function payload(bytes: number): Partial<Settings> {
  return { maxPayloadMb: bytes / (1024 * 1024) };
}

export interface Bench {
  readonly root: string;
  readonly host: ModelHost;
  readonly transforms: LocalTransforms;
  readonly objects: Map<string, string>;
  readonly events: LocalEvent[];
  /** `job/batch` in the order in which the outputs appeared. */
  readonly outputs: string[];
  /** Puts an object of these records (JSON or CSV text) there, with job IDs `{batch}-0`, `{batch}-1`... */
  object(batch: string, records: readonly string[], csv?: boolean): void;
  /** Starts a transform job over all objects (or those named) and gives how it ended. */
  run(
    model: string,
    settings: Partial<Settings>,
    batches?: readonly string[],
  ): Promise<TransformDescription | undefined>;
  /** Starts one; `ended` tells of its end. */
  start(name: string, model: string, settings: Partial<Settings>, batches?: readonly string[]): Promise<void>;
  ended(name: string): Promise<void>;
  /** Results of an output object, by its lines: job ID and result text. */
  results(name: string, batch: string): Promise<[string, string][]>;
  /** Another one over the same folder, as after a restart. */
  reopened(): LocalTransforms;
}

const cleanups: (() => Promise<void>)[] = [];

export async function cleanUp(): Promise<void> {
  while (cleanups.length > 0) await cleanups.pop()?.();
  await closeModelServers();
}

export function bench(
  pingTimeoutMs = 5000,
  graceMs = 5000,
  now: () => number = Date.now,
  clock: Clock = { ...systemClock, now },
): Bench {
  const root = mkdtempSync(join(tmpdir(), 'transforms-'));
  const objects = new Map<string, string>();
  const events: LocalEvent[] = [];
  const outputs: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const endOf = (name: string) => {
    const end = ends.get(name) ?? withResolvers();
    ends.set(name, end);
    return end;
  };
  const onEvent = (event: LocalEvent) => events.push(event);
  const host = new ModelHost({ logDir: join(root, 'logs'), env: process.env, graceMs, clock, onEvent });
  const make = () =>
    new LocalTransforms({
      root,
      host,
      pingTimeoutMs,
      clock,
      readBatch: async (id) => objects.get(id),
      onOutput: (name, batch) => outputs.push(`${name}/${batch}`),
      onEnd: (name) => endOf(name).resolve(),
      onEvent,
    });
  const transforms = make();
  cleanups.push(async () => {
    await transforms.close();
    await host.close();
    await rm(root, { recursive: true, force: true });
  });
  const self: Bench = {
    root,
    host,
    transforms,
    objects,
    events,
    outputs,
    object(batch, records, csv = false) {
      const type = csv ? 'text/csv' : 'application/jsonlines';
      const lines = records.map((record, i) => `${formatInputLine(type, `${batch}-${i}`, record)}\n`);
      objects.set(batch, lines.join(''));
    },
    async run(model, settings, batches) {
      await self.start('job', model, settings, batches);
      await self.ended('job');
      return transforms.describe('job');
    },
    async start(name, model, settings, batches = [...objects.keys()]) {
      const pin = { model, settings: { ...DEFAULT_SETTINGS, ...settings } };
      await transforms.create({ name, batches, pin });
    },
    ended: (name) => endOf(name).promise,
    async results(name, batch) {
      const text = await outputText(await transforms.readOutput(name, batch));
      return text
        .slice(0, -1)
        .split('\n')
        .map((line) => {
          const match = /^\{"id":"([^"]*)","SageMakerOutput":(.*)\}$/s.exec(line);
          return [match?.[1] ?? line, match?.[2] ?? ''];
        });
    },
    reopened: make,
  };
  return self;
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

/** `Promise.withResolvers`, which Node 20 hasn't. */
export function withResolvers<T = void>(): PromiseWithResolvers<T> {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
