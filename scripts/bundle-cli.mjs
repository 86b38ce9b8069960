/** Bundles the command line, in memory. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { usedZod } from './build-handlers.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

// CommonJS packages that are bundled into ES modules find `require` here.
const REQUIRE = `import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);`;

/** Its files for cli/dist, and esbuild's account of what went into which. */
export function bundleCli() {
  return build({
    entryPoints: { main: 'cli/src/main.ts' },
    absWorkingDir: ROOT,
    outdir: join(ROOT, 'cli/dist'),
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // ES modules, where a package has them too: what isn't used is left out (of the AWS SDK, most of it).
    mainFields: ['module', 'main'],
    // Names stay, for `--debug`.
    minifyWhitespace: true,
    minifySyntax: true,
    chunkNames: 'chunks/[name]-[hash]',
    external: ['node-sqlite3-wasm'],
    banner: { js: REQUIRE },
    legalComments: 'linked',
    plugins: [usedZod],
    metafile: true,
    logLevel: 'warning',
  });
}
