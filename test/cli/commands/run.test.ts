import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lines, records, World } from '../../support/run-cli.ts';

let world: World;
beforeEach(async () => {
  world = await World.create();
});
afterEach(() => world.dispose());

const MODEL = ['--model', 'http://127.0.0.1:8080'];

describe('batchml run', () => {
  it('prints a result line for each record, in order, and the outcome on stderr', async () => {
    await world.file('a.jsonl', records(1200));
    world.api.autoWork = 130;
    const { code, stdout, stderr } = await world.run(['run', 'a.jsonl', ...MODEL]);
    expect(code).toBe(0);
    expect(lines(stdout).map((line) => JSON.parse(line).line)).toEqual(
      Array.from({ length: 1200 }, (_, i) => i + 1),
    );
    expect(lines(stdout)[0]).toMatch(
      /^\{"line":1,"jobId":"run-[0-9a-f]{12}-0\.0\.0","status":"Processed","result":\{"echo":\{"text":"record 1"\}\}\}$/,
    );
    expect(stderr).toMatch(/a\.jsonl: 1,200 records/);
    expect(stderr).toMatch(/model ready: http:\/\/127\.0\.0\.1:8080/);
    expect(stderr).toMatch(/Processed +1,200/);
    expect(stderr).not.toContain('\u001b');
    expect(world.local.calls).toEqual(['open', 'prepare 3', expect.stringMatching(/^start run-/), 'close']);
  });

  it('passes numbers and custom IDs on untouched', async () => {
    world.api.model = () => '{"n":12345678901234567890.10}';
    await world.file('a.jsonl', '{"id":"x\\"1","v":1}\n');
    const { stdout } = await world.run(['run', 'a.jsonl', ...MODEL, '--id-field', 'id']);
    expect(stdout).toContain(
      '"customId":"x\\"1","status":"Processed","result":{"n":12345678901234567890.10}}',
    );
  });

  it('gives results in order though chunks are accepted out of order', async () => {
    await world.file('a.jsonl', records(3000));
    let later: () => void = () => undefined;
    const laterCame = new Promise<void>((resolve) => {
      later = resolve;
    });
    world.api.faults = async (request) => {
      if (request.url.endsWith('/chunks/2')) later();
      if (request.url.endsWith('/chunks/1')) await laterCame;
      return undefined;
    };
    const { code, stdout } = await world.run(['run', 'a.jsonl', ...MODEL]);
    expect(code).toBe(0);
    expect(lines(stdout).map((line) => JSON.parse(line).line)).toEqual(
      Array.from({ length: 3000 }, (_, i) => i + 1),
    );
  });

  it('exits with 3 when some fail, and says why by message', async () => {
    world.api.model = (record) =>
      record.includes('record 7"') || record.includes('record 9"')
        ? { code: 'model_error', message: 'bad text' }
        : '1';
    await world.file('a.jsonl', records(10));
    const { code, stdout, stderr } = await world.run(['run', 'a.jsonl', ...MODEL, '--data-dir', 'my data']);
    expect(code).toBe(3);
    expect(lines(stdout)[6]).toContain(
      '"status":"Failed","error":{"code":"model_error","message":"bad text"}',
    );
    expect(stderr).toContain('2 × model_error bad text (line 7)');
    expect(stderr).toMatch(
      /batchml local --model http:\/\/127\.0\.0\.1:8080 --data-dir 'my data'\n +batchml retry run-/,
    );
  });

  it('exits with 1 when all fail', async () => {
    world.api.model = () => ({ code: 'model_error', message: 'no' });
    await world.file('a.jsonl', records(3));
    expect((await world.run(['run', 'a.jsonl', ...MODEL, '-q'])).code).toBe(1);
  });

  it('reads standard input', async () => {
    const { code, stdout } = await world.run(['run', '-', ...MODEL, '--quiet'], { stdin: '1\n\n2' });
    expect(code).toBe(0);
    expect(lines(stdout).map((line) => JSON.parse(line))).toMatchObject([
      { line: 1, result: { echo: 1 } },
      { line: 3, result: { echo: 2 } },
    ]);
  });

  it('says what is wrong with the input before anything is sent', async () => {
    await world.file('bad.jsonl', `${'{"a":\n'.repeat(100)}{"a":1}\n`);
    const { code, stdout, stderr } = await world.run(['run', 'bad.jsonl', ...MODEL]);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr.match(/bad\.jsonl:\d+: /g)).toHaveLength(20);
    expect(stderr).toContain('and 80 more');
    expect(world.local.calls).toEqual([]);
    expect(world.api.requests).toEqual([]);
  });

  it('refuses an empty file', async () => {
    await world.file('empty.jsonl', '\n\n');
    const { code, stderr } = await world.run(['run', 'empty.jsonl', ...MODEL]);
    expect(code).toBe(2);
    expect(stderr).toContain('error: empty.jsonl has no records');
  });

  it('submits nothing to a model that is not ready', async () => {
    world.local.prepareError = Object.assign(new Error('no answer to GET /ping'), {
      code: 'MODEL_NOT_READY',
    });
    await world.file('a.jsonl', records(2));
    const { code, stderr } = await world.run(['run', 'a.jsonl', ...MODEL]);
    expect(code).toBe(1);
    expect(stderr).toContain('error: the model is not ready; nothing was submitted');
    expect(stderr).toContain('no answer to GET /ping');
    expect(world.api.submissions.size).toBe(0);
    expect(world.local.calls.at(-1)).toBe('close');
  });

  it('takes CSV as CSV, and other settings as they are given', async () => {
    await world.file('a.csv', 'h1,h2\n"a,b",2\n');
    const flags = [
      '--format',
      'csv',
      '--header',
      '--batch-size',
      '7',
      '--batch-window',
      '0.5',
      '--max-payload-mb',
      '1',
    ];
    const { code, stdout } = await world.run([
      'run',
      'a.csv',
      ...flags,
      '--model-command',
      'python3 x.py',
      '-q',
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ line: 2, result: { echo: '"a,b",2' } });
    expect(world.local.options?.pin).toMatchObject({
      model: 'command:python3 x.py',
      settings: { contentType: 'text/csv', batchSize: 7, batchWindowSeconds: 0.5, maxPayloadMb: 1 },
    });
  });

  it.each([
    [['--model', 'my-model'], /--model takes the URL of a model server, not "my-model"/],
    [[], /Neither --model nor --model-command/],
    [[...MODEL, '--model-command', 'x'], /exclude each other/],
    [[...MODEL, '--batch-size', '10001'], /--batch-size.*from 1 to 10000/],
    [[...MODEL, '--batch-size', '1.5'], /--batch-size.*whole number/],
    [[...MODEL, '--content-type', 'text/plain'], /--content-type.*text\/plain/],
    [[...MODEL, '--submission-id', 'a.b'], /--submission-id.*letters, digits/],
    [[...MODEL, '--header'], /--header is for --format csv/],
    [[...MODEL, '--limit', '0'], /--limit.*from 1/],
    [[...MODEL, '--max-wait-hours', '0'], /--max-wait-hours.*above 0, up to 720/],
    [[...MODEL, '--max-transform-hours', '720.5'], /--max-transform-hours.*above 0, up to 720/],
    [
      [...MODEL, '--format', 'csv', '--content-type', 'application/json'],
      /--format csv doesn't go with --content/,
    ],
    [
      [...MODEL, '--format', 'openai', '--content-type', 'text/csv'],
      /--format openai doesn't go with --content/,
    ],
    [[...MODEL, '--id-field', 'x', '--content-type', 'text/csv'], /--id-field doesn't go with --content/],
    [
      [...MODEL, '--content-type', 'text/csv'],
      /a\.jsonl:1: [\s\S]*next: for a model that takes JSON, leave --content/,
    ],
    [['--model', 'http://127.0.0.1/?a=b'], /--model must end with its path/],
  ])('refuses %j', async (flags, message) => {
    await world.file('a.jsonl', records(1));
    const env = { BATCHML_ENDPOINT: undefined, BATCHML_API_KEY: undefined };
    const { code, stdout, stderr } = await world.run(['run', 'a.jsonl', ...flags], { env });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });
});

describe('batchml run and others', () => {
  it.each(['http://me:s3cret@127.0.0.1:8080', 'me:s3cret@127.0.0.1:8080'])(
    'takes no password, and does not say it: %s',
    async (model) => {
      await world.file('a.jsonl', records(1));
      const { code, stderr } = await world.run(['run', 'a.jsonl', '--model', model]);
      expect(code).toBe(2);
      expect(stderr).not.toContain('s3cret');
    },
  );

  it('sends strings as rows', async () => {
    await world.file('a.jsonl', '"1,2"\n');
    const { code } = await world.run(['run', 'a.jsonl', ...MODEL, '--content-type', 'text/csv']);
    expect(code).toBe(0);
  });

  it('passes the hours on', async () => {
    await world.file('a.jsonl', records(1));
    await world.run(['run', 'a.jsonl', ...MODEL, '--max-wait-hours', '0.5', '--max-transform-hours', '48']);
    expect(world.local.options?.pin.settings).toMatchObject({ maxWaitHours: 0.5, maxTransformHours: 48 });
  });

  it('shows what a model says without acting on it', async () => {
    world.api.model = () => ({ code: 'model_error', message: '\u001b]0;owned\u0007\u001b[2Jx' });
    await world.file('a.jsonl', records(1));
    const { stderr } = await world.run(['run', 'a.jsonl', ...MODEL], { tty: true });
    expect(stderr).toContain('\\u001b]0;owned\\u0007\\u001b[2Jx');
    expect(stderr).not.toContain('\u001b]');
    expect(stderr).not.toContain('\u0007');
  });

  it('says what it does while the model is asked, and nothing more after Ctrl-C', async () => {
    await world.file('a.jsonl', records(1));
    world.local.preparing = () => {
      world.signal('SIGINT');
      world.local.options?.onEvent?.({ type: 'step-failed', bell: 'gather', message: 'closed' });
    };
    const { code, stderr } = await world.run(['run', 'a.jsonl', ...MODEL]);
    expect(code).toBe(130);
    expect(lines(stderr).slice(-2)).toEqual([
      'asking the model what it takes',
      'stopping; nothing was submitted',
    ]);
  });
});

describe('batchml run --output', () => {
  it.each(['/nonexistent/x', 'nonexistent/x'])('names the path as it was given: %s', async (path) => {
    await world.file('a.jsonl', records(1));
    const { code, stderr } = await world.run(['run', 'a.jsonl', ...MODEL, '--output', path]);
    expect(code).toBe(2);
    expect(stderr).toMatch(`error: ${path}: no such file or folder\n  next: check how it is spelt`);
  });

  it('proposes to read no output that keeps nothing', async () => {
    world.api.model = () => ({ code: 'model_error', message: 'no' });
    await world.file('a.jsonl', records(1));
    const { stderr } = await world.run(['run', 'a.jsonl', ...MODEL, '--output', '/dev/null']);
    expect(stderr).not.toContain('jq');
  });

  it('writes a file that appears when complete, and sums up with --json', async () => {
    await world.file('a.jsonl', records(20));
    const { code, stdout } = await world.run(['run', 'a.jsonl', ...MODEL, '--output', 'out.jsonl', '--json']);
    expect(code).toBe(0);
    expect(lines(await world.read('out.jsonl'))).toHaveLength(20);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'Finished', total: 20, counts: { Processed: 20 } });
  });

  it('leaves the old file when it does not get through', async () => {
    await world.file('a.jsonl', records(20));
    await world.file('out.jsonl', 'old');
    world.api.autoWork = 0;
    world.local.onNews = () => world.signal('SIGINT');
    const { code } = await world.run(['run', 'a.jsonl', ...MODEL, '--output', 'out.jsonl']);
    expect(code).toBe(130);
    expect(await world.read('out.jsonl')).toBe('old');
  });
});

describe('batchml run, again', () => {
  it('goes on with an unfinished submission of the same work, and says so', async () => {
    await world.file('a.jsonl', records(1000));
    world.api.autoWork = 100;
    let news = 0;
    world.local.onNews = () => {
      if (++news === 3) world.signal('SIGINT');
    };
    const first = await world.run(['run', 'a.jsonl', ...MODEL]);
    expect(first.code).toBe(130);
    expect(first.stderr).toContain(
      'the same command goes on from there:\n  batchml run a.jsonl --model http://127.0.0.1:8080',
    );
    expect(world.local.calls.at(-1)).toBe('close');
    world.local.onNews = () => {};
    const second = await world.run(['run', 'a.jsonl', ...MODEL]);
    expect(second.code).toBe(0);
    expect(second.stderr).toMatch(/resuming run-[0-9a-f]{12}-0: \d+ of 1,000 done/);
    expect(lines(second.stdout)).toHaveLength(1000);
    expect(world.api.submissions.size).toBe(1);
  });

  it('starts anew after a finished one, and with other settings', async () => {
    await world.file('a.jsonl', records(3));
    const ids = [];
    for (const more of [[], [], ['--batch-size', '3']]) {
      const { stdout } = await world.run(['run', 'a.jsonl', ...MODEL, ...more]);
      ids.push(JSON.parse(lines(stdout)[0] as string).jobId);
    }
    expect(ids[0]).toMatch(/^run-.{12}-0\.0\.0$/);
    expect(ids[1]).toBe((ids[0] as string).replace('-0.0.0', '-1.0.0'));
    expect(ids[2]).toMatch(/-0\.0\.0$/);
    expect(ids[2]).not.toBe(ids[0]);
  });

  it('prints a named, finished one again without the model', async () => {
    await world.file('a.jsonl', records(600));
    const first = await world.run(['run', 'a.jsonl', ...MODEL, '--submission-id', 'nightly']);
    world.local.calls.length = 0;
    const second = await world.run(['run', 'a.jsonl', ...MODEL, '--submission-id', 'nightly']);
    expect(second).toMatchObject({ code: 0, stdout: first.stdout });
    expect(world.local.calls).toEqual(['open', 'close']);
  });

  it('refuses a name that stands for other work, naming the difference', async () => {
    await world.file('a.jsonl', records(3));
    await world.file('b.jsonl', records(4));
    await world.run(['run', 'a.jsonl', ...MODEL, '--submission-id', 'n']);
    const other = ['--model', 'http://127.0.0.1:9', '--batch-size', '9'];
    const { code, stderr } = await world.run(['run', 'b.jsonl', ...other, '--submission-id', 'n']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/content: [0-9a-f]{12}… then, [0-9a-f]{12}… now/);
    expect(stderr).toContain('model: http://127.0.0.1:8080 then, http://127.0.0.1:9 now');
    expect(stderr).toContain('batchSize: 5000 then, 9 now');
    const json = await world.run(['run', 'b.jsonl', ...other, '--submission-id', 'n', '--json']);
    expect(JSON.parse(json.stdout).error).toMatchObject({
      code: 'conflict',
      differences: [
        { field: 'content' },
        { field: 'model', now: 'http://127.0.0.1:9' },
        { field: 'batchSize' },
      ],
    });
  });
});

describe('batchml run, stopped', () => {
  it('says at once what SIGTERM does, and exits with 143; a second signal ends it at once', async () => {
    await world.file('a.jsonl', records(5));
    world.api.autoWork = 0;
    world.local.onNews = () => {
      world.local.onNews = () => {};
      world.signal('SIGTERM');
      world.signal('SIGINT');
    };
    const { code, stderr } = await world.run(['run', 'a.jsonl', ...MODEL]);
    expect(code).toBe(143);
    expect(stderr).toContain('stopping; what was done is kept');
    expect(stderr).not.toContain('error:');
    expect(world.exits).toEqual([130]);
  });

  it('stops quietly when nobody reads the results', async () => {
    await world.file('a.jsonl', records(2000));
    const { code, stderr } = await world.run(['run', 'a.jsonl', ...MODEL], { closeStdoutAfter: 1 });
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/error|EPIPE/);
    expect(world.local.calls.at(-1)).toBe('close');
  });

  it('repeats what the engine could not store for a moment', async () => {
    await world.file('a.jsonl', records(600));
    let failures = 3;
    world.api.faults = (request) =>
      request.url.includes('/chunks/') && failures-- > 0
        ? Response.json({ error: { code: 'unavailable', message: 'disk full' } }, { status: 503 })
        : undefined;
    const { code, stdout } = await world.run(['run', 'a.jsonl', ...MODEL]);
    expect(code).toBe(0);
    expect(lines(stdout)).toHaveLength(600);
  });

  it('says what could not be stored when it lasts', async () => {
    await world.file('a.jsonl', records(5));
    world.api.faults = (request) =>
      request.url.includes('/chunks/')
        ? Response.json({ error: { code: 'unavailable', message: 'disk full' } }, { status: 503 })
        : undefined;
    const { code, stderr } = await world.run(['run', 'a.jsonl', ...MODEL]);
    expect(code).toBe(1);
    expect(stderr).toContain('error: disk full');
  });

  it('names the process that uses the data folder', async () => {
    await world.file('a.jsonl', records(5));
    await world.local.open({ dataDir: '/d', apiKey: 'k', pin: world.api.pin });
    const { code, stderr } = await world.run(['run', 'a.jsonl', ...MODEL]);
    expect(code).toBe(1);
    expect(stderr).toContain('in use by process 7 (batchml local)');
  });
});
