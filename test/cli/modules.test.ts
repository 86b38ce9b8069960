/**
 * What a command loads, as it is built: V8 tells which chunks a real process has run (NODE_V8_COVERAGE), the bundler's
 * account tells what is in them.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Listener, listen } from '../../backend/local/listen.ts';
import { type Home, makeHome } from '../support/cli-process.ts';
import { FAKE_KEY, FakeApi } from '../support/fake-api.ts';
import { FakeStackAws, STACK } from '../support/fake-stack-aws.ts';

interface Metafile {
  readonly outputs: Readonly<
    Record<string, { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }>
  >;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const api = new FakeApi();
let outputs: Metafile['outputs'];
let home: Home;
let server: Listener;
let aws: FakeStackAws;

beforeAll(async () => {
  const { bundleCli } = await import(new URL('../../scripts/bundle-cli.mjs', import.meta.url).href);
  ({ outputs } = ((await bundleCli()) as { metafile: Metafile }).metafile);
  server = await listen({ fetch: api.fetch } as never, 0);
  aws = await FakeStackAws.start();
  home = makeHome();
  home.file('a.jsonl', '{"n":1}\n');
  home.file('empty.jsonl', '');
});
afterAll(async () => {
  await home.dispose();
  await server.close();
  await aws.stop();
});

/** Packages, and folders of our own sources, of which the command has loaded something. */
async function loadedBy(args: readonly string[], env: Record<string, string> = {}): Promise<Set<string>> {
  const folder = join(home.path, 'coverage');
  mkdirSync(folder);
  try {
    const { code, stderr } = await home.run(args, {
      env: {
        NODE_V8_COVERAGE: folder,
        BATCHML_ENDPOINT: server.url,
        BATCHML_API_KEY: FAKE_KEY,
        ...env,
      },
    });
    expect(code, stderr).toBeLessThan(4);
    const scripts = readdirSync(folder).flatMap((file): { url: string }[] =>
      file.startsWith('coverage-') ? JSON.parse(readFileSync(join(folder, file), 'utf8')).result : [],
    );
    return new Set(scripts.flatMap(({ url }) => partsOf(url)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function partsOf(url: string): string[] {
  if (!url.startsWith('file://')) return [url];
  const path = relative(ROOT, fileURLToPath(url));
  const inputs = outputs[path]?.inputs;
  if (inputs === undefined && path.startsWith('cli/dist/'))
    throw new Error(`${path} was built of other sources: npm run build`);
  if (inputs === undefined) return [nameOf(path)];
  return Object.entries(inputs).flatMap(([input, { bytesInOutput }]) =>
    bytesInOutput > 0 ? [nameOf(input)] : [],
  );
}

/** `undici`, `@aws-sdk/client-sts`, `cli/src/input`, `backend/local`. */
function nameOf(path: string): string {
  const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*node_modules)/.exec(path) ?? [];
  return name ?? path.replace(/^((cli\/src|backend)\/[^/]+)\/.*$/, '$1');
}

const HEAVY =
  /^(@aws-sdk|@smithy|aws-cdk|constructs|node-sqlite3-wasm|zod|hono|@hono|backend\/(local|aws|stack|pipeline))/;

const heavy = (loaded: ReadonlySet<string>): string[] => [...loaded].filter((name) => HEAVY.test(name));

describe('what a command loads', () => {
  it.each([
    [['--version']],
    [['--help']],
    [['profile', 'list']],
    [['status']],
    [['list']],
    [['submit', 'a.jsonl']],
    [['run', 'a.jsonl']],
    [['logs', '--data-dir', '.']],
    [['info']],
    [['deploy', '--export', 'stack']],
    [['deploy', '--help']],
  ])('%j: no AWS, no CDK, no SQLite, no engine', async (args) => {
    const local: Record<string, string> =
      args[0] === 'logs' ? { BATCHML_ENDPOINT: 'http://127.0.0.1:1' } : {};
    const loaded = await loadedBy(args, local);
    expect(loaded).toContain('commander');
    expect(heavy(loaded)).toEqual([]);
  });

  it('--version: no HTTP and no tables either', async () => {
    const loaded = await loadedBy(['--version']);
    for (const name of ['undici', 'cli-table3', 'ora']) expect(loaded).not.toContain(name);
    expect(await loadedBy(['status'])).toContain('undici');
  });

  it('run on this machine: the engine, no AWS', async () => {
    const loaded = heavy(await loadedBy(['run', 'empty.jsonl', '--model', 'http://127.0.0.1:1']));
    // The input is looked at first.
    expect(loaded).toEqual([]);
    const { url } = server;
    const some = heavy(await loadedBy(['run', 'a.jsonl', '--model', url, '--ping-timeout', '1']));
    expect(some).toContain('backend/local');
    expect(some.filter((name) => /^(@aws-sdk|@smithy|aws-cdk|backend\/(aws|stack))/.test(name))).toEqual([]);
  });

  it('logs of a stack: one client of AWS, and of no other service', async () => {
    aws.write('api', Date.now(), 'hello');
    const profiles = {
      prod: { endpoint: server.url, key: FAKE_KEY, stack: STACK.name, region: STACK.region },
    };
    mkdirSync(join(home.path, 'batchml/config'), { recursive: true });
    home.file('batchml/config/profiles.json', JSON.stringify({ active: 'prod', profiles }));
    const loaded = await loadedBy(['logs'], {
      BATCHML_ENDPOINT: '',
      BATCHML_API_KEY: '',
      AWS_ENDPOINT_URL: aws.deps.endpoint,
      AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
    });
    expect([...loaded].filter((name) => name.startsWith('@aws-sdk/client-'))).toEqual([
      '@aws-sdk/client-cloudwatch-logs',
    ]);
    expect(
      [...loaded].filter((name) => /^(aws-cdk|node-sqlite|backend\/(local|aws|stack))/.test(name)),
    ).toEqual([]);
  });
});
