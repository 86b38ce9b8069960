/**
 * Builds the Lambda functions: each handler bundled into one ES module, in a zip whose name carries its hash. The same
 * sources give the same bytes: fixed times, fixed order, no paths.
 *
 *     node scripts/build-handlers.mjs [folder]
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { zip } from './zip.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const HANDLERS = ['api', 'gather', 'start', 'file-results', 'settle', 'reconcile'];
const OUTDIR = join(ROOT, 'backend/dist/handlers');

// CommonJS packages that are bundled into ES modules find `require` here.
const REQUIRE =
  "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);";

/**
 * `import { z }` takes hold of all of Zod, forty languages and JSON Schema among it; of `import * as z`, which is the same
 * object, esbuild keeps what is used.
 */
export const usedZod = {
  name: 'used-zod',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]backend[\\/].*\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace(
        "import { z } from 'zod';",
        "import * as z from 'zod';",
      ),
      loader: 'ts',
    }));
  },
};

/** In Lambda credentials are in the environment: no files, no SSO, no metadata service of EC2. */
const environmentCredentials = {
  name: 'environment-credentials',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@aws-sdk\/credential-provider-node$/ }, ({ resolveDir }) => ({
      path: 'credentials',
      namespace: 'lambda',
      pluginData: resolveDir,
    }));
    onLoad({ filter: /.*/, namespace: 'lambda' }, ({ pluginData }) => ({
      contents:
        "import { fromEnv } from '@aws-sdk/credential-provider-env'; export const defaultProvider = () => fromEnv();",
      resolveDir: pluginData,
    }));
  },
};

/** One handler in memory: the files of its zip, and esbuild's account of what went into it. */
export async function bundleHandler(handler) {
  const { outputFiles, metafile } = await build({
    entryPoints: [`backend/handlers/${handler}.ts`],
    absWorkingDir: ROOT,
    outfile: 'index.mjs',
    write: false,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    banner: { js: REQUIRE },
    // Licences ask for their notices to travel along.
    legalComments: 'external',
    plugins: [usedZod, environmentCredentials],
    metafile: true,
    logLevel: 'warning',
  });
  const named = (end) => outputFiles.find(({ path }) => path.endsWith(end))?.contents;
  const notices = named('.LEGAL.txt');
  return {
    metafile,
    files: [
      { name: 'index.mjs', contents: named('index.mjs') },
      ...(notices?.length ? [{ name: 'index.mjs.LEGAL.txt', contents: notices }] : []),
    ],
  };
}

/**
 * Writes `{handler}-{hash}.zip` for each handler, and `manifest.json`, into a folder that is emptied before.
 * @param {string} outdir
 * @returns {Promise<Record<string, { file: string, sha256: string, bytes: number }>>} the manifest
 */
export async function buildHandlers(outdir = OUTDIR) {
  const built = await Promise.all(
    HANDLERS.map(async (handler) => {
      const contents = zip((await bundleHandler(handler)).files);
      const sha256 = createHash('sha256').update(contents).digest('hex');
      return { handler, contents, sha256, file: `${handler}-${sha256.slice(0, 16)}.zip` };
    }),
  );
  await rm(outdir, { recursive: true, force: true });
  await mkdir(outdir, { recursive: true });
  const manifest = {};
  for (const { handler, contents, sha256, file } of built) {
    await writeFile(join(outdir, file), contents);
    manifest[handler] = { file, sha256, bytes: contents.length };
  }
  await writeFile(join(outdir, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const manifest = await buildHandlers(process.argv[2]);
  for (const { file, bytes } of Object.values(manifest))
    console.log(`${String(Math.ceil(bytes / 1024)).padStart(5)} KiB  ${file}`);
}
