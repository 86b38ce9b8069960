/** A world for deploying: the command line in process, AWS on a loopback port, a clock that runs as fast as it is asked. */

import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createHttpFetch } from '../../../cli/src/client/http.ts';
import type { Deps, InputStream } from '../../../cli/src/deps.ts';
import { TEMPLATE, type Template, ZIPS } from '../../stack/template.ts';
import { FakeAws } from '../../support/fake-aws/index.ts';
import { type CliRun, type RunOptions, World } from '../../support/run-cli.ts';

export const ROLE = 'arn:aws:iam::123456789012:role/model-role';

export interface DeployOptions extends Omit<RunOptions, 'deps'> {
  /** Lines that somebody at a terminal types. */
  readonly typed?: readonly string[];
  readonly deps?: Partial<Deps>;
}

// The SDK's notice of its own future releases.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

/** Longer waits than this are time limits: they are no part of what passes. */
const PACE_MS = 10_000;

export class DeployWorld {
  readonly world: World;
  readonly aws: FakeAws;
  /** Virtual time. */
  private at = Date.parse('2026-08-01T12:00:00.000Z');

  private constructor(world: World, aws: FakeAws) {
    this.world = world;
    this.aws = aws;
  }

  static async create(): Promise<DeployWorld> {
    const made = new DeployWorld(await World.create(), await FakeAws.start());
    made.aws.sageMaker.models.set('my-model', ROLE);
    made.aws.iam.roles.set('model-role', 'sagemaker.amazonaws.com');
    await made.package(TEMPLATE);
    return made;
  }

  /** Puts a template and zip files where the package has them. */
  async package(template: Template, mark = 'one'): Promise<void> {
    const dir = join(this.world.dir, 'stack');
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, 'template.json'), JSON.stringify(template));
    const manifest: Record<string, { file: string; sha256: string; bytes: number }> = {};
    for (const [handler, file] of Object.entries(ZIPS)) {
      const content = `${handler} ${mark}`;
      await writeFile(join(dir, file), content);
      manifest[handler] = {
        file,
        sha256: createHash('sha256').update(content).digest('hex'),
        bytes: content.length,
      };
    }
    await writeFile(join(dir, 'manifest.json'), JSON.stringify(manifest));
  }

  run(line: string | readonly string[], options: DeployOptions = {}): Promise<CliRun> {
    const { typed, env = {}, deps = {}, ...rest } = options;
    const argv = typeof line === 'string' ? line.split(' ').filter((word) => word !== '') : line;
    return this.world.run(argv, {
      ...rest,
      ...(typed === undefined ? {} : { tty: true }),
      env: {
        BATCHML_ENDPOINT: undefined,
        BATCHML_API_KEY: undefined,
        AWS_REGION: 'eu-west-1',
        AWS_ACCESS_KEY_ID: 'test',
        ...env,
      },
      deps: {
        now: () => this.at,
        sleep: (ms, signal) => this.sleep(ms, signal),
        fetch: createHttpFetch(),
        aws: { endpoint: this.aws.endpoint, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } },
        ...(typed === undefined ? {} : { stdin: typing(typed) }),
        ...deps,
      },
    });
  }

  private async sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (ms > PACE_MS) {
      await delay(3_000, undefined, signal === undefined ? {} : { signal }).catch(() => {});
      if (signal?.aborted) return;
    } else await new Promise((resolve) => setImmediate(resolve));
    this.at += ms;
  }

  /** So much time passes. */
  pass(ms: number): void {
    this.at += ms;
  }

  /** The active stack of that name. */
  stack(name = 'batchml') {
    return this.aws.cloudFormation.stack(name);
  }

  /** A stack that is there, with all its code. */
  async deployed(flags = ''): Promise<CliRun> {
    const done = await this.run(`deploy --model my-model ${flags}`);
    if (done.code !== 0) throw new Error(done.stderr);
    this.aws.log.length = 0;
    return done;
  }

  /** The profiles as they are saved. */
  async profiles(): Promise<{ active?: string; profiles: Record<string, Record<string, string>> }> {
    return JSON.parse(await readFile(join(this.world.dir, '.config/batchml/profiles.json'), 'utf8'));
  }

  async dispose(): Promise<void> {
    await this.aws.stop();
    await this.world.dispose();
  }
}

/** Standard input of somebody at a terminal; then it ends. */
export function typing(lines: readonly string[]): InputStream {
  const stream = (async function* () {
    for (const line of lines) yield new TextEncoder().encode(`${line}\n`);
  })();
  return Object.assign(stream, { isTTY: true });
}

/** The template, to be changed. */
export const templateCopy = (): Template => structuredClone(TEMPLATE);
