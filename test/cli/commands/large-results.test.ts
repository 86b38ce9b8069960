/** A result of 20 MB on one machine, from the model to the output: in process by `run`, over a socket by the others. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { openLocal } from '@batchml/backend/local';
import { DEFAULT_SETTINGS } from '@batchml/backend/words';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createHttpFetch } from '../../../cli/src/client/http.ts';
import { World } from '../../support/run-cli.ts';

const LARGE = 20_000_000;
/** Numbers that a parser would change, and characters of all lengths. */
const result = (n: number) => {
  const text = n === 1 ? 'xé€😀"\\n'.repeat(LARGE / 14) : 'small';
  return `{"id": 12345678901234567890, "n":${n}, "text":${JSON.stringify(text)}}`;
};

let world: World;
let server: Server;
let closeLocal: () => Promise<void> = async () => undefined;
let expected: string[];
let env: Record<string, string>;
beforeAll(async () => {
  world = await World.create();
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (bytes) => {
      body += bytes;
    });
    request.on('end', () => response.end(body.replace(/^\{"n":(\d)\}$/gm, (_, n) => result(Number(n)))));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const model = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await world.file('a.jsonl', '{"n":0}\n{"n":1}\n{"n":2}\n');
  const dataDir = join(world.dir, 'data');
  const ran = await world.run(
    [
      'run',
      'a.jsonl',
      '--model',
      model,
      '--data-dir',
      dataDir,
      '--output',
      'r.jsonl',
      '--submission-id',
      's',
    ],
    { deps: { openLocal } },
  );
  expect([ran.stdout, ran.code], ran.stderr).toEqual(['', 0]);
  const pin = { model, settings: DEFAULT_SETTINGS };
  const pipeline = await openLocal({ dataDir, pin, apiKey: 'key' });
  closeLocal = () => pipeline.close();
  env = { BATCHML_ENDPOINT: await pipeline.listen(0), BATCHML_API_KEY: 'key' };
  expected = [0, 1, 2].map(
    (n) => `{"line":${n + 1},"jobId":"s.0.${n}","status":"Processed","result":${result(n)}}`,
  );
  expect(Buffer.byteLength(expected[1] as string)).toBeGreaterThan(LARGE);
}, 120_000);
afterAll(async () => {
  await closeLocal();
  server.closeAllConnections();
  server.close();
  await world.dispose();
});

/** Two large texts in a report are of no use to anybody. */
const same = (text: string, wanted: string) => expect(text === wanted, text.slice(0, 300)).toBe(true);
const run = (...argv: string[]) => world.run(argv, { env, deps: { fetch: createHttpFetch() } });

it('run writes it whole', async () => {
  same(await world.read('r.jsonl'), `${expected.join('\n')}\n`);
});

it.each([
  ['of a submission', ['s'], [0, 1, 2]],
  ['of jobs', ['s.0.1', 's.0.2'], [1, 2]],
])('results prints it whole, %s', async (_name, args, lines) => {
  const { stdout, code, stderr } = await run('results', ...args);
  expect(code, stderr).toBe(0);
  same(stdout, lines.map((n) => `${expected[n]}\n`).join(''));
});

it('status shows it whole with its job in a pipe', async () => {
  const { stdout } = await run('status', 's.0.1');
  same(stdout, `s.0.1\tProcessed\t2\t\t\t${result(1)}\n`);
  const json = await run('status', 's.0.1', '--json');
  expect(json.stdout.endsWith(`,"result":${result(1)}}]}\n`)).toBe(true);
  expect(JSON.parse(json.stdout)).toMatchObject({ type: 'status', jobs: [{ jobId: 's.0.1' }] });
});
