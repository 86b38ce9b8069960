import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/local-pipeline.ts';

const JOBS = 3000;
const RESULT = Buffer.from(`"${'x'.repeat(64 * 1024 - 3)}"\n`);

it('takes an answer of 190 MB to its results in a heap of 64 MB', async () => {
  const server = createServer(async (request, response) => {
    request.resume();
    if (request.method === 'POST')
      for (let i = 0; i < JOBS; i++) if (!response.write(RESULT)) await once(response, 'drain');
    response.end();
  });
  const folder = temporaryFolder();
  try {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const outfile = join(folder.path, 'transform.mjs');
    await build({
      entryPoints: [fileURLToPath(new URL('../support/transform-process.ts', import.meta.url))],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire('/');" },
    });
    const { port } = server.address() as AddressInfo;
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, [
      '--max-old-space-size=64',
      outfile,
      `http://127.0.0.1:${port}`,
      String(JOBS),
    ]);
    const { filed, memoryMb } = JSON.parse(stdout) as { filed: number; memoryMb: number };
    expect(filed).toBe(JOBS);
    expect(memoryMb).toBeLessThan(250);
  } finally {
    server.close();
    folder.remove();
  }
});
