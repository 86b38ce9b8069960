import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Builds the command line once for all tests of the real process. */
export default function buildCli(): void {
  const script = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the build failed:\n${stderr}`);
}
