/** `batchml local` and the commands that talk to it, as processes and in shell pipes. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Home, makeHome, type Started } from '../support/cli-process.ts';
import { numbered } from '../support/local-pipeline.ts';
import { type ModelServer, startModel } from '../support/model-server.ts';

let home: Home;
let model: ModelServer;
let poisoned: boolean;
beforeEach(async () => {
  home = makeHome();
  poisoned = true;
  model = await startModel({
    wrong: (records) =>
      poisoned && records.includes('{"n":13}') ? { status: 400, body: 'unlucky' } : undefined,
  });
});
afterEach(async () => {
  await home.dispose();
  await model.close();
});

async function serve(): Promise<Started> {
  const server = home.start(['local', '--model', model.url, '--port', '0', '--batch-window', '0']);
  await server.says('serves');
  await server.says('batchml submit');
  return server;
}

const jsonl = (records: readonly string[]) => `${records.join('\n')}\n`;

describe('batchml local', () => {
  test('serves until Ctrl-C; its key is kept in a private file; info and key tell', async () => {
    const server = await serve();
    const info = JSON.parse((await home.run(['info', '--json'])).stdout);
    expect(info).toMatchObject({ profile: 'local', api: 'ok', model: model.url });
    const key = (await home.run(['key'])).stdout.trim();
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(statSync(join(home.path, 'batchml', 'data', 'api-key')).mode & 0o777).toBe(0o600);

    const post = (headers: Record<string, string>) =>
      fetch(`${info.endpoint}/job`, { method: 'POST', headers, body: '{"n":1}' });
    const refused = await post({});
    expect([refused.status, await refused.json()]).toEqual([403, { message: 'Forbidden' }]);
    const accepted = await post({ 'x-api-key': key });
    expect([accepted.status, await accepted.json()]).toEqual([200, { job_id: expect.any(String) }]);

    server.child.kill('SIGINT');
    expect((await server.ended).code).toBe(0);
    const gone = await home.run(['list']);
    expect([gone.code, gone.stderr]).toEqual([1, expect.stringMatching(/batchml local/)]);
    await serve();
    expect((await home.run(['key'])).stdout.trim()).toBe(key);
  });

  test('a port that is taken: exit 1, and says which', async () => {
    await serve();
    const { endpoint } = JSON.parse((await home.run(['info', '--json'])).stdout);
    const port = new URL(endpoint).port;
    const other = join(home.path, 'other');
    const { code, stderr } = await home.run([
      'local',
      '--model',
      model.url,
      '--port',
      port,
      '--data-dir',
      other,
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain(port);
  });
});

describe('pipes', () => {
  test('submit | status - --watch', async () => {
    await serve();
    home.file('a.jsonl', jsonl(numbered(1200)));
    const { stdout } = await home.shell(
      'batchml submit a.jsonl | batchml status - --watch --interval 0.1; echo "$?"',
    );
    expect(stdout).toMatch(/(^|\n)3\n$/);
  });

  test('submit | results - --wait, in order, with the failed one in its place', async () => {
    await serve();
    home.file('a.jsonl', jsonl(numbered(1200)));
    const { stdout } = await home.shell('batchml submit a.jsonl | batchml results - --wait');
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map((line) => line.line)).toEqual(Array.from({ length: 1200 }, (_, i) => i + 1));
    expect(lines[13]).toMatchObject({ status: 'Failed', error: { message: 'unlucky' } });
    expect(lines[14]).toMatchObject({ status: 'Processed', result: { echo: { n: 14 } } });
  });

  test('submit in a pipe prints one job ID a line; --print submission its ID; --json objects', async () => {
    await serve();
    home.file('a.jsonl', jsonl(numbered(3)));
    const ids = await home.run(['submit', 'a.jsonl', '--submission-id', 'mine']);
    expect(ids.stdout).toBe('mine.0.0\nmine.0.1\nmine.0.2\n');
    const again = await home.run(['submit', 'a.jsonl', '--submission-id', 'mine', '--print', 'submission']);
    expect(again.stdout).toBe('mine\n');
    const json = await home.run(['submit', 'a.jsonl', '--submission-id', 'mine', '--json']);
    expect(json.lines[2]).toMatchObject({ line: 3, jobId: 'mine.0.2', submissionId: 'mine' });
  });

  test('retry runs the failed ones again, and only those', async () => {
    await serve();
    home.file('a.jsonl', jsonl(numbered(50)));
    await home.shell('batchml submit a.jsonl --submission-id mine | batchml status - --watch --interval 0.1');
    const failed = await home.run(['results', 'mine', '--failed']);
    expect(failed.lines).toMatchObject([{ jobId: 'mine.0.13' }]);
    poisoned = false;
    const sentBefore = model.sent.get('{"n":12}');
    expect((await home.run(['retry', 'mine'])).code).toBe(0);
    const { code, lines } = await home.run(['results', 'mine', '--wait']);
    expect(code).toBe(0);
    expect(lines[13]).toMatchObject({ status: 'Processed' });
    expect(model.sent.get('{"n":12}')).toBe(sentBefore);
  });

  test('an unfinished submission is exit 8; an unknown ID exit 1; a wrong key exit 4', async () => {
    const server = await serve();
    const { endpoint } = JSON.parse((await home.run(['info', '--json'])).stdout);
    const key = (await home.run(['key'])).stdout.trim();
    const headers = { 'x-api-key': key };
    await fetch(`${endpoint}/submissions/open/chunks/0`, {
      method: 'POST',
      headers,
      body: '{"line":1,"record":{}}',
    });
    const open = await home.run(['results', 'open']);
    expect([open.code, open.stdout]).toEqual([8, '']);
    const unknown = await home.run(['results', 'nothing.0.0']);
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('nothing.0.0')]);
    const env = { BATCHML_ENDPOINT: endpoint, BATCHML_API_KEY: 'wrong' };
    expect((await home.run(['list'], { env })).code).toBe(4);
    const json = await home.run(['status', 'nothing', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'not_found', next: expect.any(Array) } });
    server.child.kill('SIGTERM');
    await server.ended;
  });
});
