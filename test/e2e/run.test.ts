/** `batchml run` as a process, with real model servers. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Home, makeHome } from '../support/cli-process.ts';
import { numbered } from '../support/local-pipeline.ts';
import { type ModelOptions, type ModelServer, startModel } from '../support/model-server.ts';

let home: Home;
const models: ModelServer[] = [];
beforeEach(() => {
  home = makeHome();
});
afterEach(async () => {
  await home.dispose();
  for (const model of models.splice(0)) await model.close();
});

async function model(options?: ModelOptions): Promise<ModelServer> {
  const server = await startModel(options);
  models.push(server);
  return server;
}

const jsonl = (records: readonly string[]) => `${records.join('\n')}\n`;

describe('batchml run', () => {
  test('prints one result line for each record, in order, and nothing else on stdout', async () => {
    const { url } = await model();
    const file = home.file('a.jsonl', jsonl(numbered(1500)));
    const { code, lines, stderr } = await home.run(['run', file, '--model', url]);
    expect(code, stderr).toBe(0);
    expect(lines.map(({ line, status, result }) => [line, status, result])).toEqual(
      Array.from({ length: 1500 }, (_, n) => [n + 1, 'Processed', { echo: { n } }]),
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: there must be no escape sequence in a pipe.
    expect(stderr).not.toMatch(/\u001b/);
  });

  test('a line without a newline, blank lines, a BOM and CRLF keep their line numbers', async () => {
    const { url } = await model();
    const file = home.file('a.jsonl', '\ufeff{"n":1}\r\n\r\n  \n{"n":2}\r\n{"n":3}');
    const { lines } = await home.run(['run', file, '--model', url, '-q']);
    expect(lines.map(({ line, result }) => [line, result])).toEqual([
      [1, { echo: { n: 1 } }],
      [4, { echo: { n: 2 } }],
      [5, { echo: { n: 3 } }],
    ]);
  });

  test('a record of 1 MB goes through', async () => {
    const { url } = await model();
    const text = 'x'.repeat(1_000_000);
    const file = home.file('a.jsonl', jsonl([`{"text":"${text}"}`]));
    const { code, lines } = await home.run(['run', file, '--model', url, '-q']);
    expect(code).toBe(0);
    expect(lines[0]?.['result']).toEqual({ echo: { text } });
  });

  test('standard input, CSV with a header, OpenAI lines and custom IDs', async () => {
    const { url } = await model();
    const csv = await home.run(['run', '-', '--format', 'csv', '--header', '--model', url, '-q'], {
      stdin: 'a,b\n1,"x, y"\n',
    });
    expect(csv.lines).toMatchObject([{ line: 2, result: '3,"a, ""b""",0.5' }]);
    const openai = '{"custom_id":"q-1","method":"POST","url":"/v1","body":{"n":12345678901234567890}}\n';
    const answered = await home.run(['run', '-', '--format', 'openai', '--model', url, '-q'], {
      stdin: openai,
    });
    expect(answered.stdout).toContain(
      '"customId":"q-1","status":"Processed","result":{"echo":{"n":12345678901234567890}}',
    );
    const named = await home.run(['run', '-', '--id-field', 'id', '--model', url, '-q'], {
      stdin: '{"id":"r1"}\n',
    });
    expect(named.lines).toMatchObject([{ customId: 'r1' }]);
  });

  test('a bad record fails alone: exit 3, and its message in its line', async () => {
    const { url } = await model({
      wrong: (records) =>
        records.includes('{"n":7}') ? { status: 422, body: '{"detail":"n must not be 7"}' } : undefined,
    });
    const file = home.file('a.jsonl', jsonl(numbered(20)));
    const { code, lines, stderr } = await home.run(['run', file, '--model', url]);
    expect(code).toBe(3);
    expect(lines.filter((line) => line['status'] === 'Failed')).toMatchObject([
      { line: 8, error: { code: 'model_error', message: 'n must not be 7' } },
    ]);
    expect(stderr).toContain('n must not be 7');
    expect(stderr).toContain('batchml retry');
  });

  test('a model that refuses everything: exit 1, its message, and no flood of requests', async () => {
    const server = await model({ wrong: () => ({ status: 500, body: 'CUDA out of memory' }) });
    const file = home.file('a.jsonl', jsonl(numbered(3000)));
    const { code, lines, stderr } = await home.run(['run', file, '--model', server.url]);
    expect(code).toBe(1);
    expect(lines.length).toBe(3000);
    expect(stderr).toContain('CUDA out of memory');
    expect(server.requests()).toBeLessThan(60);
  });

  test('a hundred bad lines: the first twenty are named, nothing is sent, exit 2', async () => {
    const server = await model();
    const file = home.file('a.jsonl', jsonl([...numbered(5), ...Array(100).fill('{"n":')]));
    const { code, stdout, stderr } = await home.run(['run', file, '--model', server.url]);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr.match(/a\.jsonl:\d+: /g)?.length).toBe(20);
    expect(stderr).toContain('a.jsonl:6: ');
    expect(stderr).toContain('and 80 more');
    expect(server.requests()).toBe(0);
    expect(existsSync(join(home.path, 'batchml', 'data', 'batchml.db'))).toBe(false);
  });

  test.each([
    ['an empty file', ['run', 'empty.jsonl'], 2, /no records/],
    ['a file that is not there', ['run', 'none.jsonl'], 2, /none\.jsonl: no such file/],
    ['no model', ['run', 'one.jsonl', '--no-model'], 2, /unknown option/],
    ['an unknown option', ['run', 'one.jsonl', '--bogus'], 2, /--bogus/],
    ['a setting out of range', ['run', 'one.jsonl', '--batch-size', '0'], 2, /--batch-size/],
  ])('%s is exit %s', async (_name, args, exit, message) => {
    const { url } = await model();
    home.file('empty.jsonl', '\n\n');
    home.file('one.jsonl', '{}\n');
    const { code, stderr, stdout } = await home.run([...args, '--model', url]);
    expect(code, stderr).toBe(exit);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
  });

  test('a model that never answers ping: exit 1, and nothing was submitted', async () => {
    const file = home.file('a.jsonl', '{}\n');
    const { code, stderr } = await home.run([
      'run',
      file,
      '--model',
      'http://127.0.0.1:9',
      '--ping-timeout',
      '1',
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/nothing was submitted/);
    expect(stderr).toMatch(/connection refused/);
  });

  test('a model command that ends at once is told with its last words', async () => {
    const file = home.file('a.jsonl', '{}\n');
    const { code, stderr } = await home.run(['run', file, '--model-command', 'echo no such weights; exit 3']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/exited with code 3/);
    expect(stderr).toMatch(/no such weights/);
  });

  test('| head -1 ends quietly', async () => {
    const { url } = await model();
    home.file('a.jsonl', jsonl(numbered(5000)));
    const { stdout, stderr } = await home.shell(
      `batchml run a.jsonl --model ${url} | head -1; echo "\${PIPESTATUS[0]}"`,
    );
    expect(stdout).toMatch(/^\{"line":1,.*\}\n0\n$/);
    expect(stderr).not.toMatch(/EPIPE|error/i);
  });

  test('--output appears when it is complete', async () => {
    const { url } = await model();
    const file = home.file('a.jsonl', jsonl(numbered(10)));
    const output = join(home.path, 'out.jsonl');
    const { code, stdout } = await home.run(['run', file, '--model', url, '--output', output]);
    expect([code, stdout]).toEqual([0, '']);
    expect(readFileSync(output, 'utf8').trimEnd().split('\n').length).toBe(10);
  });
});

describe('an interrupted run', () => {
  /** A model that answers its first requests only until it is let go on. */
  async function stuckModel(
    after: number,
  ): Promise<{ url: string; letGo: () => void; stuck: Promise<void> }> {
    let letGo: () => void = () => undefined;
    let tell: () => void = () => undefined;
    const open = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const stuck = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const server = await model({
      gate: async (request) => {
        if (request <= after) return;
        tell();
        await open;
      },
    });
    return { url: server.url, letGo, stuck };
  }

  const settings = [
    '--content-type',
    'application/jsonlines',
    '--batch-strategy',
    'MultiRecord',
    '--batch-size',
    '10',
  ];

  test('Ctrl-C: exit 130, says so; the same command resumes, and then starts anew', async () => {
    const { url, letGo, stuck } = await stuckModel(3);
    const file = home.file('a.jsonl', jsonl(numbered(100)));
    const args = ['run', file, '--model', url, ...settings];
    const first = home.start(args);
    await stuck;
    first.child.kill('SIGINT');
    const { code, stderr } = await first.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/same command/);
    letGo();
    const second = await home.run(args);
    expect(second.code).toBe(0);
    expect(second.stderr).toMatch(/resuming run-\w+-0/);
    expect(second.lines.map(({ line }) => line)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    const third = await home.run(args);
    expect(third.stderr).toMatch(/submission run-\w+-1/);
  });

  test('a name: prints the finished results again; another content, model or setting is exit 2', async () => {
    const { url } = await model();
    const file = home.file('a.jsonl', jsonl(numbered(3)));
    const other = home.file('b.jsonl', jsonl(numbered(4)));
    const args = ['--submission-id', 'nightly', '--model', url];
    const first = await home.run(['run', file, ...args]);
    const again = await home.run(['run', file, ...args]);
    expect([again.code, again.stdout]).toEqual([0, first.stdout]);
    const differs = await home.run(['run', other, ...args]);
    expect(differs.code).toBe(2);
    expect(differs.stderr).toMatch(/content/);
    const settled = await home.run(['run', file, ...args, '--batch-size', '7']);
    expect(settled.code).toBe(2);
    expect(settled.stderr).toMatch(/batchSize: 5000 then, 7 now/);
  });

  test('a data folder in use: exit 1, and says by whom', async () => {
    const { url, letGo, stuck } = await stuckModel(3);
    const file = home.file('a.jsonl', jsonl(numbered(100)));
    const first = home.start(['run', file, '--model', url, ...settings]);
    await stuck;
    const second = await home.run(['run', file, '--model', url]);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`process ${first.child.pid} (batchml run)`);
    letGo();
    expect((await first.ended).code).toBe(0);
  });

  /** A model that answers four requests and no more; `dying` resolves with the fifth. */
  async function dyingModel(): Promise<{ server: ModelServer; dying: Promise<void> }> {
    let die: () => void = () => undefined;
    const dying = new Promise<void>((resolve) => {
      die = resolve;
    });
    const server = await startModel({
      gate: async (request) => {
        if (request < 5) return;
        die();
        await new Promise(() => undefined);
      },
    });
    return { server, dying };
  }

  test('a model that dies half-way and comes back costs nothing but time', async () => {
    const { server, dying } = await dyingModel();
    const file = home.file('a.jsonl', jsonl(numbered(200)));
    const started = home.start(['run', file, '--model', server.url, ...settings]);
    await dying;
    await server.close();
    models.push(await startModel({ port: server.port }));
    const { code, lines, stderr } = await started.ended;
    expect(code, stderr).toBe(0);
    expect(lines.map(({ line }) => line)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  });

  test('a model that does not come back ends the run with exit 1; with the model, the same command goes on', async () => {
    const { server, dying } = await dyingModel();
    const file = home.file('a.jsonl', jsonl(numbered(200)));
    const args = ['run', file, '--model', server.url, ...settings, '--ping-timeout', '1'];
    const started = home.start(args);
    await dying;
    await server.close();
    const gone = await started.ended;
    expect(gone.code).toBe(1);
    expect(gone.stderr).toMatch(/the model is gone/);
    expect(gone.stderr).toMatch(/same command/);
    models.push(await startModel({ port: server.port }));
    const { code, lines } = await home.run(args);
    expect(code).toBe(0);
    expect(lines.map(({ line }) => line)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  });
});
