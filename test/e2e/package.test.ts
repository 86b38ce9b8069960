/** The npm package as a user gets it: packed, installed into an empty folder without a network, and run. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/local-pipeline.ts';

const CLI = fileURLToPath(new URL('../../cli', import.meta.url));
const SQLITE = dirname(createRequire(import.meta.url).resolve('node-sqlite3-wasm/package.json'));
/** Packing and installing on a busy machine. */
const INSTALL_MS = 180_000;

const { path: folder, remove } = temporaryFolder();
const home = join(folder, 'home');
let tarball: string;

/** Without what npm sets for the scripts that it runs, such as these tests. */
const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));

function npm(cwd: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd, encoding: 'utf8', env: clean });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed:\n${stderr}`);
  return stdout;
}

function pack(cwd: string): string {
  return join(
    folder,
    npm(cwd, 'pack', '--silent', '--pack-destination', folder).trim().split('\n').at(-1) ?? '',
  );
}

/** The command as npm has linked it; without a network, as no proxy answers. */
function batchml(args: readonly string[], cwd = home) {
  return spawnSync(join(home, 'node_modules/.bin/batchml'), args, {
    cwd,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: home, BATCHML_HOME: join(home, 'batchml') },
  });
}

beforeAll(async () => {
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{"name":"empty","version":"1.0.0","private":true}');
  tarball = pack(CLI);
  // Its one dependency comes from a file too: nothing is asked of a registry.
  npm(home, 'install', '--offline', '--no-audit', '--no-fund', '--install-links', tarball, pack(SQLITE));
}, INSTALL_MS);
afterAll(() => {
  remove();
});

const installed = (path = '') => join(home, 'node_modules/batchml', path);

function files(at = installed(), prefix = ''): string[] {
  return readdirSync(at, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(join(at, entry.name), `${prefix}${entry.name}/`) : [`${prefix}${entry.name}`],
  );
}

describe('the npm package', () => {
  it('holds what is run, the stack and the licences, and nothing else', () => {
    const all = files();
    expect(all.filter((path) => !/^dist\//.test(path)).sort()).toEqual([
      'LICENSE',
      'README.md',
      'THIRD_PARTY_NOTICES',
      'bin/batchml.js',
      'package.json',
    ]);
    const kinds =
      /^dist\/(main\.js|chunks\/[\w-]+\.js|stack\/(template\.json|manifest\.json|[\w-]+\.zip))(\.LEGAL\.txt)?$/;
    expect(all.filter((path) => path.startsWith('dist/') && !kinds.test(path))).toEqual([]);
    expect(all.filter((path) => /\.zip$/.test(path))).toHaveLength(6);
    // A registry's visitor sees the size; so should we, when it jumps.
    expect(statSync(tarball).size).toBeLessThan(3_000_000);
  });

  it('brings nothing with it but SQLite', () => {
    expect(
      readdirSync(join(home, 'node_modules'))
        .filter((name) => !name.startsWith('.'))
        .sort(),
    ).toEqual(['batchml', 'node-sqlite3-wasm']);
  });

  it('says whose code is in it', () => {
    const notices = readFileSync(installed('THIRD_PARTY_NOTICES'), 'utf8');
    for (const name of ['commander', 'undici', '@aws-sdk/client-cloudformation', 'hono', 'zod', 'cli-table3'])
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, 'm'));
  });

  it('says nothing of the machine that it was made on', () => {
    const root = fileURLToPath(new URL('../..', import.meta.url)).slice(0, -1);
    for (const path of files().filter((path) => /\.(js|json|txt)$/.test(path)))
      expect(readFileSync(installed(path), 'utf8').includes(root), path).toBe(false);
  });

  it('prints its version', () => {
    const { version } = JSON.parse(readFileSync(join(CLI, 'package.json'), 'utf8'));
    expect(batchml(['--version'])).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('runs a model over a file of records', () => {
    writeFileSync(join(home, 'a.jsonl'), '{"n":1}\n{"n":2}\n{"n":3}\n');
    writeFileSync(
      join(home, 'serve.cjs'),
      `require('node:http').createServer((request, response) => {
        let body = '';
        request.on('data', (text) => { body += text; });
        request.on('end', () => response.end(body));
      }).listen(process.env.PORT, '127.0.0.1');`,
    );
    const { status, stdout, stderr } = batchml(['run', 'a.jsonl', '--model-command', 'node serve.cjs']);
    expect(stderr).toContain('Processed');
    expect(status).toBe(0);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).result),
    ).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  it('writes the stack into a folder, to be deployed by other means', () => {
    const { status, stderr } = batchml(['deploy', '--export', 'stack']);
    expect(stderr).not.toContain('error');
    expect(status).toBe(0);
    const exported = readdirSync(join(home, 'stack'));
    expect(exported).toContain('template.json');
    const manifest: Record<string, { file: string }> = JSON.parse(
      readFileSync(installed('dist/stack/manifest.json'), 'utf8'),
    );
    for (const { file } of Object.values(manifest))
      expect(
        readFileSync(join(home, 'stack', file)).equals(readFileSync(installed(`dist/stack/${file}`))),
      ).toBe(true);
  });
});
