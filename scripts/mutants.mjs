// One small patch for each promise of the design, each of which must make a test fail. A promise whose mutant survives has no
// test. Each is applied to a copy of the working tree, several at once; prints a table.
// usage: node scripts/mutants.mjs [words of a mutant's promise, text or file...]
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MUTANTS } from './mutants-list.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Mutants tried at once, each in a copy of its own. */
const AT_ONCE = Number(process.env.BATCHML_MUTANTS_AT_ONCE ?? 2);
/** One that makes a test hang is killed by then. */
const TIMEOUT_MS = 120_000;

const wanted = process.argv.slice(2).map((word) => word.toLowerCase());
const chosen = MUTANTS.filter(({ promise, what, file }) =>
  wanted.every((word) => `${promise} ${what} ${file}`.toLowerCase().includes(word)),
);

const running = new Set();
process.on('SIGINT', () => {
  for (const pid of running) process.kill(-pid, 'SIGKILL');
  process.exit(130);
});
process.on('exit', () => rmSync(copies, { recursive: true, force: true }));
const copies = mkdtempSync(join(tmpdir(), 'batchml-mutants-'));
const began = Date.now();
const survivors = [];
const trees = Array.from({ length: AT_ONCE }, (_, i) => copyTree(join(copies, `${i}`)));
await expectHealthy(trees[0]);
console.log('| promise | mutant | where | outcome | s |\n| --- | --- | --- | --- | --- |');
let next = 0;
await Promise.all(
  trees.map(async (tree) => {
    while (next < chosen.length) {
      const mutant = chosen[next++];
      const from = Date.now();
      const outcome = await tryMutant(tree, mutant);
      if (!outcome.startsWith('killed')) survivors.push(mutant);
      const { promise, what, file } = mutant;
      console.log(`| ${promise} | ${what} | ${file} | ${outcome} | ${secondsSince(from)} |`);
    }
  }),
);
console.log(
  `\n${chosen.length - survivors.length} of ${chosen.length} mutants killed, in ${secondsSince(began)} s`,
);
for (const { promise, what } of survivors) console.log(`not killed: ${promise}: ${what}`);
process.exitCode = survivors.length === 0 ? 0 : 1;

function secondsSince(from) {
  return Math.round((Date.now() - from) / 1000);
}

/** The sources, and the packages by links; the workspaces' own links must lead into the copy. */
function copyTree(copy) {
  for (const name of [
    'backend',
    'cli',
    'docs',
    'test',
    'scripts',
    'examples',
    'package.json',
    'package-lock.json',
    'vitest.config.ts',
    'tsconfig.json',
    'tsconfig.base.json',
  ])
    cpSync(join(root, name), join(copy, name), {
      recursive: true,
      filter: (path) => !path.includes('node_modules') && !path.includes('__pycache__'),
    });
  const modules = join(copy, 'node_modules');
  mkdirSync(join(modules, '@batchml'), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules')))
    if (name !== '@batchml' && name !== 'batchml' && name !== '.vite' && name !== '.vite-temp')
      symlinkSync(join(root, 'node_modules', name), join(modules, name));
  symlinkSync(join(copy, 'backend'), join(modules, '@batchml', 'backend'));
  symlinkSync(join(copy, 'cli'), join(modules, 'batchml'));
  return copy;
}

/** All tests that mutants name pass without any. */
async function expectHealthy(tree) {
  const runs = new Map();
  for (const { tests, project, env, only } of chosen)
    for (const test of tests) {
      if (!existsSync(join(tree, test))) throw new Error(`there is no ${test}`);
      // Files of which only parts are asked for are one run, by all those parts.
      const narrow = !chosen.some((other) => other.only === undefined && other.tests.includes(test));
      const key = JSON.stringify([project, env, narrow]);
      const run = runs.get(key) ?? { project, env, files: new Set(), parts: new Set() };
      runs.set(key, run);
      run.files.add(test);
      if (narrow) run.parts.add(only);
    }
  for (const { files, parts, ...how } of runs.values()) {
    const only = parts.size > 0 ? [...parts].join('|') : undefined;
    const run = await runTests(tree, { ...how, only, tests: [...files] }, AT_ONCE);
    if (run.status !== 0)
      throw new Error(`a test fails without a mutant: ${firstFailure(run.stdout)}\n${run.stderr}`);
  }
  console.log(`all their tests pass without a mutant: ${secondsSince(began)} s\n`);
}

async function tryMutant(tree, { file, edits, ...how }) {
  const [texts, patched] = [new Map(), new Map()];
  for (const [find, replace, other = file] of edits) {
    const path = join(tree, other);
    if (!texts.has(path)) texts.set(path, readFileSync(path, 'utf8'));
    const parts = (patched.get(path) ?? texts.get(path)).split(pattern(find));
    if (parts.length !== 2) return `STALE: this is there ${parts.length - 1} times: ${find}`;
    patched.set(path, parts.join(replace));
  }
  for (const [path, text] of patched) writeFileSync(path, text);
  try {
    const run = await runTests(tree, how, 1);
    if (run.status === 0) return 'SURVIVED';
    const failure = firstFailure(run.stdout);
    return failure === undefined ? 'BROKEN: no test ran' : `killed: ${failure}`;
  } finally {
    for (const [path, text] of texts) writeFileSync(path, text);
  }
}

/** A text whose white space may be any: a formatter may break it otherwise. */
function pattern(find) {
  const escaped = find.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(escaped.replace(/\s+/g, '\\s+'));
}

/**
 * Runs tests in a tree until one fails.
 * @param how `tests`: files; `only`: part of the tests' names; `project` and `env` of the run
 */
function runTests(tree, { tests, only, project = 'unit', env = {} }, workers) {
  const args = ['run', '--project', project, '--bail', '1', '--reporter', 'json', `--maxWorkers=${workers}`];
  if (only !== undefined) args.push('--testNamePattern', only);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', ...args, ...tests], {
      cwd: tree,
      // A group of its own: its workers end with it.
      detached: true,
      env: { ...process.env, ...env, NO_COLOR: '1' },
    });
    const [stdout, stderr] = [[], []];
    child.stdout.on('data', (part) => stdout.push(part));
    child.stderr.on('data', (part) => stderr.push(part));
    const allowed = workers === 1 ? TIMEOUT_MS : 10 * TIMEOUT_MS;
    running.add(child.pid);
    const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), allowed);
    child.on('close', (status) => {
      clearTimeout(timer);
      running.delete(child.pid);
      resolve({ status, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
    });
  });
}

function firstFailure(output) {
  try {
    const report = JSON.parse(output.slice(output.indexOf('{"numTotalTestSuites"')));
    const all = report.testResults.flatMap((file) => file.assertionResults);
    const failed = all.find((test) => test.status === 'failed');
    return failed?.fullName.trim().replaceAll('|', '/');
  } catch {
    return 'a test that does not end';
  }
}
