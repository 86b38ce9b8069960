/**
 * Builds what the package ships, in cli/dist: the command line (one entry, with chunks for what is loaded only when it is
 * needed: the engine, HTTP, tables, the AWS SDK), and the stack (template and zip files; made anew only if what it is made
 * of has changed).
 *
 *     node scripts/build.mjs
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleCli } from './bundle-cli.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(ROOT, 'cli/dist');
const STACK = join(DIST, 'stack');
/** Says of which sources cli/dist/stack was made. Not in there: that is shipped. */
const STACK_SOURCES = join(ROOT, 'backend/dist/stack-sources');
/** What is half written, by this process. */
const SCRATCH = join(ROOT, `backend/dist/build-${process.pid}`);

/**
 * Writes it. A file that is there already isn't touched, and others go last: a command that runs meanwhile finds its
 * chunks, and two builds of the same sources don't disturb each other.
 */
async function writeCli() {
  const { outputFiles } = await bundleCli();
  for (const { path, contents } of outputFiles) await writeChanged(path, contents);
  const made = new Set(outputFiles.map(({ path }) => path));
  for (const path of await filesIn(DIST))
    if (!made.has(path) && !path.startsWith(`${STACK}/`)) await rm(path, { force: true });
}

async function writeChanged(path, contents) {
  const old = await readFile(path).catch(() => undefined);
  if (old?.equals(contents)) return;
  await mkdir(dirname(path), { recursive: true });
  const temporary = join(SCRATCH, relative(ROOT, path).replaceAll(sep, '+'));
  await mkdir(SCRATCH, { recursive: true });
  await writeFile(temporary, contents);
  await rename(temporary, path);
}

async function filesIn(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

/** A hash of all that the stack is made of: the backend's sources, the scripts, and the versions of packages. */
async function stackSources() {
  const skipped = ['node_modules', 'dist', 'local'].map((name) => join(ROOT, 'backend', name, '/'));
  const sources = (await filesIn(join(ROOT, 'backend'))).filter(
    (path) => /\.(ts|json)$/.test(path) && !skipped.some((folder) => path.startsWith(folder)),
  );
  const scripts = ['synth.mjs', 'build-handlers.mjs', 'zip.mjs'].map((name) => join(ROOT, 'scripts', name));
  const hash = createHash('sha256');
  for (const path of [...sources, ...scripts, join(ROOT, 'package-lock.json')].sort()) {
    const contents = await readFile(path);
    hash.update(`${relative(ROOT, path)}\n${contents.length}\n`).update(contents);
  }
  return hash.digest('hex');
}

/** Whether every file that the stack's manifest names is there. */
async function stackIsWhole() {
  try {
    const manifest = JSON.parse(await readFile(join(STACK, 'manifest.json'), 'utf8'));
    const there = new Set(await readdir(STACK));
    return there.has('template.json') && Object.values(manifest).every(({ file }) => there.has(file));
  } catch {
    return false;
  }
}

async function writeStack() {
  const sources = await stackSources();
  const made = await readFile(STACK_SOURCES, 'utf8').catch(() => undefined);
  if (made === sources && (await stackIsWhole())) return;
  // The CDK takes its time to load.
  const { buildStack } = await import('./synth.mjs');
  const fresh = join(SCRATCH, 'stack');
  await buildStack(fresh);
  const files = await readdir(fresh);
  for (const name of files) await writeChanged(join(STACK, name), await readFile(join(fresh, name)));
  for (const name of await readdir(STACK))
    if (!files.includes(name)) await rm(join(STACK, name), { force: true });
  await writeChanged(STACK_SOURCES, Buffer.from(sources));
}

try {
  await Promise.all([writeCli(), writeStack()]);
} finally {
  await rm(SCRATCH, { recursive: true, force: true });
}
