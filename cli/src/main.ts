/** The program: the command line in the real world. The only file that touches the process. */
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { main } from './cli.ts';
import { createHttpFetch } from './client/http.ts';
import type { SignalName } from './errors.ts';

let stdinUsed = false;

// The AWS SDK's notice of its own future releases: the one in this package stays as it is.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

process.exitCode = await main(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  get stdin() {
    stdinUsed = true;
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  now: Date.now,
  sleep: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {}),
  randomHex: (bytes) => randomBytes(bytes).toString('hex'),
  fetch: createHttpFetch(),
  signals: (listener) => {
    const names: readonly SignalName[] = ['SIGINT', 'SIGTERM'];
    const listeners = names.map((name) => [name, () => listener(name)] as const);
    for (const [name, listen] of listeners) process.on(name, listen);
    return () => {
      for (const [name, listen] of listeners) process.removeListener(name, listen);
    };
  },
  tmpDir: tmpdir(),
  stackDir: fileURLToPath(new URL('./stack/', import.meta.url)),
  openLocal: async (options) => (await import('@batchml/backend/local')).openLocal(options),
  exit: (code) => process.exit(code),
});

// An input that was not read to its end would keep the process waiting for more.
if (stdinUsed) process.stdin.destroy();
