/**
 * Builds what `batchml deploy` uploads: the functions' zip files, and the CloudFormation template that names them. The same
 * sources give the same bytes.
 *
 *     node scripts/synth.mjs [folder]
 */
import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { buildHandlers } from './build-handlers.mjs';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** Loads the stack's TypeScript, with the CDK as it is installed. */
async function loadStack() {
  // Inside the repository, where the CDK is found; of this call alone, as several may build at once.
  const outfile = path(`backend/dist/synth-${randomUUID()}.mjs`);
  await build({
    entryPoints: [path('backend/stack/synth.ts')],
    outfile,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  });
  try {
    return await import(pathToFileURL(outfile).href);
  } finally {
    await rm(outfile, { force: true });
  }
}

/**
 * Writes `template.json`, the zip files that it names, and their `manifest.json`.
 * @param outdir emptied first
 * @param buildZips writes the zip files, by names with their contents' hashes, and gives the manifest
 * @returns the template's size, and the manifest
 */
export async function buildStack(outdir = path('cli/dist/stack'), buildZips = buildHandlers) {
  const [manifest, { templateOf }] = await Promise.all([buildZips(outdir), loadStack()]);
  const handlers = Object.fromEntries(Object.entries(manifest).map(([handler, { file }]) => [handler, file]));
  const template = templateOf({ handlers });
  await writeFile(join(outdir, 'template.json'), template);
  return { templateBytes: Buffer.byteLength(template), manifest };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { templateBytes, manifest } = await buildStack(process.argv[2]);
  for (const { file, bytes } of Object.values(manifest)) console.log(`${file}: ${bytes} bytes`);
  console.log(`template.json: ${templateBytes} bytes`);
}
