// Writes docs/cli.md: the command line's reference, made of the commands themselves (cli/src/reference.ts).
// usage: node scripts/cli-reference.mjs
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

// CommonJS packages that are bundled into ES modules find `require` here.
const REQUIRE = `import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);`;

const folder = mkdtempSync(join(tmpdir(), 'batchml-reference-'));
try {
  const outfile = join(folder, 'reference.mjs');
  await build({
    entryPoints: [path('cli/src/reference.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['node-sqlite3-wasm'],
    banner: { js: REQUIRE },
    logLevel: 'warning',
  });
  const { renderReference } = await import(pathToFileURL(outfile).href);
  writeFileSync(path('docs/cli.md'), renderReference());
} finally {
  rmSync(folder, { recursive: true, force: true });
}
