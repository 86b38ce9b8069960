/**
 * The command line as a process that kills itself (`kill -9`) at a chosen call of the pipeline's ports: `KILL_AT` is
 * `port.method:call:before|after`. Without it, the plain command line.
 */
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { openLocal } from '../../backend/local/index.ts';
import type { Ports } from '../../backend/ports/index.ts';
import { main } from '../../cli/src/cli.ts';

const [name = '', call = '0', when = ''] = (process.env['KILL_AT'] ?? '').split(':');
const [port, method] = name.split('.');
let calls = 0;

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** The port with one method that dies at its `call`th call, before or after it has taken effect. */
function deadly<T extends object>(target: T): T {
  return new Proxy(target, {
    get(object, key) {
      const value: unknown = Reflect.get(object, key, object);
      if (typeof value !== 'function') return value;
      if (key !== method) return value.bind(object);
      return async (...args: unknown[]) => {
        const mine = ++calls === Number(call);
        if (mine && when === 'before') die();
        const answer: unknown = await value.apply(object, args);
        if (mine && when === 'after') die();
        return answer;
      };
    },
  });
}

const wrapPorts = (ports: Ports): Ports =>
  Object.fromEntries(
    Object.entries(ports).map(([key, value]) => [key, key === port ? deadly(value as object) : value]),
  ) as unknown as Ports;

process.exitCode = await main(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  now: Date.now,
  sleep: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined),
  randomHex: (bytes) => randomBytes(bytes).toString('hex'),
  fetch: () => Promise.reject(new Error('a run needs no network but its model')),
  signals: () => () => undefined,
  tmpDir: tmpdir(),
  stackDir: '',
  openLocal: (options) => openLocal({ ...options, wrapPorts }),
  exit: (code) => process.exit(code),
});
process.stdin.destroy();
