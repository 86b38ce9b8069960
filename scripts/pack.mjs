/**
 * Makes cli/ ready to be packed, as `npm pack` and `npm publish` ask for it there (prepack): builds it, and puts the licence,
 * the README and the notices beside it. With --clean (postpack) they are taken away again.
 */
import { spawnSync } from 'node:child_process';
import { copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { notices } from './notices.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CLI = join(ROOT, 'cli');
const COPIED = ['LICENSE', 'README.md'];
const NOTICES = 'THIRD_PARTY_NOTICES';

if (process.argv.includes('--clean')) {
  for (const name of [...COPIED, NOTICES]) await rm(join(CLI, name), { force: true });
} else {
  const { status } = spawnSync(process.execPath, [join(ROOT, 'scripts/build.mjs')], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  for (const name of COPIED) await copyFile(join(ROOT, name), join(CLI, name));
  await writeFile(join(CLI, NOTICES), await notices());
}
