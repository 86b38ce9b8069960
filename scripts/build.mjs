/** Builds the command line: one entry, with chunks for what is loaded only when it is needed (the engine, HTTP, tables). */
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const outdir = path('cli/dist');

// CommonJS packages that are bundled into ES modules find `require` here.
const REQUIRE = `import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);`;

await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: { main: path('cli/src/main.ts') },
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  chunkNames: 'chunks/[name]-[hash]',
  external: ['node-sqlite3-wasm'],
  banner: { js: REQUIRE },
  legalComments: 'linked',
  logLevel: 'warning',
});
