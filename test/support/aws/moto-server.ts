/** A moto server (Python) on 127.0.0.1, for tests and benchmarks. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';

/** How long the server may take to answer first, in ms: Python imports for seconds on a busy machine. */
export const START_MS = 60_000;
const LOOK_MS = 100;

export interface Moto {
  readonly endpoint: string;
  stop(): Promise<void>;
}

let available: boolean | undefined;

/** Whether `python3` can import moto's server. */
export function motoAvailable(): boolean {
  available ??=
    spawnSync('python3', ['-c', 'import moto.server'], { stdio: 'ignore', timeout: START_MS }).status === 0;
  return available;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function answers(endpoint: string, child: ChildProcess): Promise<void> {
  const end = Date.now() + START_MS;
  while (Date.now() < end) {
    if (child.exitCode !== null) throw new Error(`the moto server ended with ${child.exitCode}`);
    const answered = await fetch(`${endpoint}/moto-api/data.json`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new Error(`the moto server did not answer within ${START_MS} ms`);
}

/** Starts a server on a free port and waits until it answers. It also ends with this process. */
export async function startMoto(): Promise<Moto> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const child = spawn('python3', ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
    env: { ...process.env, AWS_DEFAULT_REGION: 'us-east-1' },
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async () => {
    process.off('exit', kill);
    kill();
    await ended;
  };
  try {
    await answers(endpoint, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, stop };
}
