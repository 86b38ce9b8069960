import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterEach, describe, expect, it } from 'vitest';
import { ModelNotReadyError } from '../../../backend/local/transform/ping.ts';
import { bench, cleanUp, LINES } from './harness.ts';

afterEach(cleanUp);

/** A command line of Node that runs this text. */
const node = (script: string) => `command:${quote(process.execPath)} -e ${quote(script)}`;
const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

const SERVER = `
  const { createServer } = require('node:http');
  console.log('listening as', process.pid, process.env.SAGEMAKER_BATCH);
  createServer((request, response) => {
    let body = '';
    request.on('data', (data) => { body += data; });
    request.on('end', () => {
      if (body.includes('crash')) process.exit(3);
      response.end(request.url === '/invocations' ? body : '');
    });
  }).listen(process.env.SAGEMAKER_BIND_TO_PORT, '127.0.0.1');
`;
const STUBBORN = `process.on('SIGTERM', () => console.log('asked to end'));${SERVER}`;

/** Until nothing listens at a URL any more; the ends of other processes can only be watched for. */
async function goneFrom(url: string): Promise<void> {
  for (;;) {
    try {
      await fetch(`${url}/ping`);
    } catch {
      return;
    }
    await wait(20);
  }
}

describe('a model that is a command', () => {
  it('is started with a port, used by all, and ended by close', async () => {
    const b = bench();
    const model = node(SERVER);
    const [url, same] = await Promise.all([b.host.ready(model, 10_000), b.host.ready(model, 10_000)]);
    expect(same).toBe(url);
    expect(await b.host.ready(model, 10_000)).toBe(url);
    b.object('b-1', ['1', '2']);
    expect(await b.run(model, {})).toEqual({ status: 'Completed' });
    expect(await readFile(join(b.root, 'logs/model.log'), 'utf8')).toMatch(/^listening as \d+ true\n$/);
    expect(b.events.filter(({ type }) => type === 'model-ready')).toHaveLength(1);
    await b.transforms.close();
    await b.host.close();
    await goneFrom(url);
  });

  it('ends with all of its group', async () => {
    const b = bench();
    const url = await b.host.ready(`${node(SERVER)}; echo done`, 10_000);
    await b.host.close();
    await goneFrom(url);
  });

  it('is killed when it does not end in time', async () => {
    const b = bench(5000, 300);
    const url = await b.host.ready(node(STUBBORN), 10_000);
    const from = performance.now();
    await b.host.close();
    expect(performance.now() - from).toBeGreaterThan(290);
    expect(await readFile(join(b.root, 'logs/model.log'), 'utf8')).toContain('asked to end');
    await goneFrom(url);
  });

  it('is started again when a record has ended it', async () => {
    const b = bench();
    b.object('b-1', ['1']);
    b.object('b-2', ['"crash"']);
    b.object('b-3', ['3']);
    const ended = await b.run(node(SERVER), { ...LINES, maxConcurrentTransforms: 1 });
    expect(ended).toMatchObject({ status: 'Failed', fault: 'records' });
    expect(await b.transforms.dataLog('job')).toMatchObject([{ batch: 'b-2', kind: 'ModelDisconnected' }]);
    expect([...(await b.transforms.outputs('job'))].sort()).toEqual(['b-1', 'b-3']);
    const log = await readFile(join(b.root, 'logs/model.log'), 'utf8');
    expect(log.match(/listening/g)).toHaveLength(2);
  });

  it('is probed to the end, though a record of the sample ends it', async () => {
    const b = bench();
    b.object('b-1', ['1', '"crash"', '3']);
    await b.run(node(SERVER), {});
    expect(b.events).toContainEqual(
      expect.objectContaining({ contentType: 'application/jsonlines', batchStrategy: 'MultiRecord' }),
    );
  });

  it('is not started for ever when it exits, and its last words are told', async () => {
    const b = bench();
    const model = 'command:echo one; echo two; echo three; echo four >&2; exit 7';
    const error = await b.host.ready(model, 60_000).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ModelNotReadyError);
    const log = join(b.root, 'logs/model.log');
    expect((error as Error).message).toBe(
      `the model command exited with code 7; its last lines: two\nthree\nfour; log: ${log}`,
    );
    expect((await readFile(log, 'utf8')).match(/one/g)).toHaveLength(3);
    b.object('b-1', ['1']);
    expect(await b.run(model, LINES)).toMatchObject({ status: 'Failed', fault: 'model' });
  });

  it('tells its last words too when it never answers', async () => {
    const b = bench();
    const ready = b.host.ready('command:echo loading; exec sleep 30', 200);
    await expect(ready).rejects.toThrow(
      /within 0\.2 s; the last try: connection refused; its last lines: loading; log: /,
    );
  });

  it('does not outlive this process, however it ends', async () => {
    const b = bench();
    const script = join(b.root, 'host.mjs');
    await build({
      stdin: {
        contents: `
          import { ModelHost } from './backend/local/transform/model-host.ts';
          const host = new ModelHost({ logDir: process.argv[2], env: process.env });
          console.log(await host.ready(process.argv[3], 10000));
          if (process.argv[4] === 'exit') process.exit(0);
          setInterval(() => {}, 1000);`,
        resolveDir: process.cwd(),
        loader: 'ts',
      },
      outfile: script,
      bundle: true,
      platform: 'node',
      format: 'esm',
      banner: {
        js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
      },
    });
    for (const how of ['exit', 'kill']) {
      const child = spawn(process.execPath, [script, b.root, node(STUBBORN), how], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(child, 'exit');
      const [url] = await once(child.stdout, 'data');
      if (how === 'kill') child.kill('SIGKILL');
      await exited;
      await goneFrom(String(url).trim());
    }
  });
});
