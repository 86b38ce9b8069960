// One small patch for each promise of the design, each of which must make the suite fail. A promise whose mutant lives has
// no test. Each is applied to a copy of the working tree; prints a table.
// usage: node scripts/mutants.mjs [words of a mutant's promise or file...]
import { spawnSync } from 'node:child_process';
import {
  cpSync,
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
const wanted = process.argv.slice(2);
const chosen = MUTANTS.filter(({ promise, file }) =>
  wanted.every((word) => `${promise} ${file}`.toLowerCase().includes(word.toLowerCase())),
);

const copy = mkdtempSync(join(tmpdir(), 'batchml-mutants-'));
let lived = 0;
try {
  copyTree();
  const all = [...new Set(chosen.flatMap(({ tests }) => tests))];
  const healthy = runTests(all);
  if (healthy.status !== 0)
    throw new Error(`the suite fails without a mutant: ${firstFailure(healthy.stdout)}`);
  console.log('| promise | mutant | where | suite |\n| --- | --- | --- | --- |');
  for (const mutant of chosen) {
    const outcome = tryMutant(mutant);
    if (!outcome.startsWith('fails')) lived++;
    console.log(`| ${mutant.promise} | ${mutant.what} | ${mutant.file} | ${outcome} |`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(`\n${chosen.length - lived} of ${chosen.length} mutants made the suite fail`);
process.exitCode = lived === 0 ? 0 : 1;

/** The sources, and the packages by links; the workspaces' own links must lead into the copy. */
function copyTree() {
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
}

function tryMutant({ file, find, replace, tests }) {
  const path = join(copy, file);
  const text = readFileSync(path, 'utf8');
  if (text.split(find).length !== 2) return `STALE: the text to replace is not there once`;
  writeFileSync(
    path,
    text.replace(find, () => replace),
  );
  try {
    const run = runTests(tests);
    if (run.status === 0) return 'PASSES';
    return `fails: ${firstFailure(run.stdout)}`;
  } finally {
    writeFileSync(path, text);
  }
}

function runTests(tests) {
  return spawnSync('npx', ['vitest', 'run', '--bail', '1', '--reporter', 'json', ...tests], {
    cwd: copy,
    encoding: 'utf8',
    timeout: 300_000,
    maxBuffer: 1 << 28,
    env: { ...process.env, NO_COLOR: '1' },
  });
}

function firstFailure(output) {
  try {
    const report = JSON.parse(output.slice(output.indexOf('{')));
    const all = report.testResults.flatMap((file) => file.assertionResults);
    return (all.find((test) => test.status === 'failed')?.fullName ?? 'before any test')
      .trim()
      .replaceAll('|', '/');
  } catch {
    return 'it did not end';
  }
}
