// Writes docs/openapi.json: the HTTP API, made of its routes and their schemas (backend/api/openapi.ts).
// usage: node scripts/openapi.mjs
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'batchml-openapi-'));
try {
  const outfile = join(folder, 'openapi.mjs');
  await build({
    entryPoints: [path('backend/api/openapi.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  });
  const { openApiDocument } = await import(pathToFileURL(outfile).href);
  const { version } = JSON.parse(readFileSync(path('cli/package.json'), 'utf8'));
  writeFileSync(path('docs/openapi.json'), `${JSON.stringify(openApiDocument(version), null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
