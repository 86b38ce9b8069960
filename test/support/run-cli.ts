/** Runs the command line in process, in a world of its own: a temporary home, captured streams, a fake API. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { main } from '../../cli/src/cli.ts';
import type { Deps } from '../../cli/src/deps.ts';
import type { SignalName } from '../../cli/src/errors.ts';
import { FAKE_KEY, FakeApi } from './fake-api.ts';
import { FakeLocal } from './fake-local.ts';

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  /** stdout and stderr are terminals. */
  readonly tty?: boolean;
  /** stdout's reader goes away after so many writes. */
  readonly closeStdoutAfter?: number;
  readonly deps?: Partial<Deps>;
}

class Capture extends Writable {
  text = '';
  readonly columns = 100;
  readonly isTTY: boolean;
  private readonly writesLeft: { count: number };
  /** A character's bytes may come in two writes. */
  private readonly decoder = new TextDecoder();

  constructor(isTTY: boolean, closeAfter: number) {
    super({ decodeStrings: false, highWaterMark: 1024 });
    this.isTTY = isTTY;
    this.writesLeft = { count: closeAfter };
  }

  override _write(chunk: string | Buffer, _encoding: string, done: (error?: Error) => void): void {
    if (chunk.length > 0 && this.writesLeft.count-- <= 0) {
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
      return;
    }
    this.text += typeof chunk === 'string' ? chunk : this.decoder.decode(chunk, { stream: true });
    setImmediate(done);
  }
}

export class World {
  readonly dir: string;
  readonly api = new FakeApi();
  readonly local = new FakeLocal(this.api);
  /** Sends a signal to the command that runs. */
  signal: (name: SignalName) => void = () => {};
  readonly exits: number[] = [];

  constructor(dir: string) {
    this.dir = dir;
  }

  static async create(): Promise<World> {
    return new World(await mkdtemp(join(tmpdir(), 'batchml-cli-')));
  }

  /** Writes a file into the world's folder, which is the working folder too. */
  async file(name: string, content: string): Promise<string> {
    await writeFile(join(this.dir, name), content);
    return name;
  }

  read(name: string): Promise<string> {
    return readFile(join(this.dir, name), 'utf8');
  }

  dispose(): Promise<void> {
    return rm(this.dir, { recursive: true, force: true });
  }

  /** The environment names the fake API; `env` overrides it. */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<CliRun> {
    const { env = {}, stdin = '', tty = false, closeStdoutAfter = Number.POSITIVE_INFINITY, deps } = options;
    const stdout = new Capture(tty, closeStdoutAfter);
    const stderr = new Capture(tty, Number.POSITIVE_INFINITY);
    let random = 0;
    const code = await main(argv, {
      env: { HOME: this.dir, BATCHML_ENDPOINT: 'http://fake', BATCHML_API_KEY: FAKE_KEY, ...env },
      cwd: this.dir,
      stdin: (async function* () {
        if (stdin !== '') yield new TextEncoder().encode(stdin);
      })(),
      stdout,
      stderr,
      now: Date.now,
      // Waits are real but short.
      sleep: (ms, signal) =>
        delay(Math.min(ms, 2), undefined, signal === undefined ? {} : { signal }).catch(() => {}),
      randomHex: (bytes) => (++random).toString(16).padStart(bytes * 2, '0'),
      fetch: this.api.fetch,
      signals: (listener) => {
        this.signal = listener;
        return () => {
          this.signal = () => {};
        };
      },
      tmpDir: this.dir,
      openLocal: this.local.open,
      stackDir: join(this.dir, 'stack'),
      exit: (exitCode) => {
        this.exits.push(exitCode);
      },
      ...deps,
    });
    return { code, stdout: stdout.text, stderr: stderr.text };
  }
}

/** `n` records, one a line. */
export const records = (n: number): string =>
  Array.from({ length: n }, (_, i) => `{"text":"record ${i + 1}"}\n`).join('');

/** Lines of an output, without the last line break. */
export const lines = (text: string): string[] => (text === '' ? [] : text.trimEnd().split('\n'));
