import { DEFAULT_SETTINGS } from '@batchml/backend/words';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lines, records, World } from '../../support/run-cli.ts';

let world: World;
beforeEach(async () => {
  world = await World.create();
});
afterEach(() => world.dispose());

const unavailable = (retryAfter = '0'): Response =>
  Response.json(
    { error: { code: 'unavailable', message: 'try later' } },
    { status: 503, headers: { 'retry-after': retryAfter } },
  );

describe('batchml submit', () => {
  it('prints a job ID a line in a pipe, in order, and closes the submission', async () => {
    await world.file('a.jsonl', records(1201));
    const { code, stdout, stderr } = await world.run(['submit', 'a.jsonl']);
    expect(code).toBe(0);
    const ids = lines(stdout);
    expect(ids).toHaveLength(1201);
    const [id] = world.api.submissions.keys();
    expect(id).toMatch(/^s-\d{14}-[0-9a-f]{6}$/);
    expect([ids[0], ids[500], ids[1200]]).toEqual([`${id}.0.0`, `${id}.1.0`, `${id}.2.200`]);
    expect(stderr).toContain(`submitted 1,201 jobs as ${id}`);
    expect(world.api.submissions.get(id as string)).toMatchObject({ closed: true, name: 'a.jsonl' });
  });

  it('prints a receipt on a terminal', async () => {
    await world.file('a.jsonl', records(2));
    const { stdout, stderr } = await world.run(['submit', 'a.jsonl', '--submission-id', 'mine'], {
      tty: true,
    });
    expect(stdout).toBe('');
    expect(stderr).toContain('batchml status mine --watch');
    expect(stderr).toContain('batchml results mine --wait');
  });

  it('prints an object a line with --json, and the submission alone with --print', async () => {
    await world.file('a.jsonl', '{"k":"x"}\n\n{"k":"y"}\n');
    const json = await world.run([
      'submit',
      'a.jsonl',
      '--json',
      '--id-field',
      'k',
      '--submission-id',
      'one',
    ]);
    expect(lines(json.stdout).map((line) => JSON.parse(line))).toEqual([
      { line: 1, jobId: 'one.0.0', submissionId: 'one', customId: 'x' },
      { line: 3, jobId: 'one.0.1', submissionId: 'one', customId: 'y' },
    ]);
    const print = await world.run(['submit', 'a.jsonl', '--print', 'submission', '--submission-id', 'two']);
    expect(print.stdout).toBe('two\n');
    const both = await world.run([
      'submit',
      'a.jsonl',
      '--print',
      'submission',
      '--json',
      '--submission-id',
      'three',
    ]);
    expect(JSON.parse(both.stdout)).toEqual({ submissionId: 'three' });
  });

  it('reads OpenAI files', async () => {
    await world.file('a.jsonl', '{"custom_id":"c1","method":"POST","url":"/v1/x","body":{"a":1}}\n');
    await world.run(['submit', 'a.jsonl', '--format', 'openai']);
    expect(world.api.jobs).toMatchObject([{ customId: 'c1', record: '{"a":1}' }]);
  });

  it('loses and doubles nothing when answers are lost', async () => {
    await world.file('a.jsonl', records(2600));
    let count = 0;
    world.api.faults = async (request) => {
      if (!request.url.includes('/chunks/') || ++count % 3 !== 0) return undefined;
      // The chunk arrives, its answer doesn't.
      const faults = world.api.faults;
      world.api.faults = () => undefined;
      await world.api.fetch(request);
      world.api.faults = faults;
      throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNRESET' } });
    };
    const { code, stdout } = await world.run(['submit', 'a.jsonl']);
    expect(code).toBe(0);
    expect(new Set(lines(stdout)).size).toBe(2600);
    expect(world.api.jobs).toHaveLength(2600);
  });

  it('says how to go on when the API stays away, and goes on', async () => {
    await world.file('a.jsonl', records(1500));
    world.api.faults = (request) => (request.url.endsWith('/chunks/2') ? unavailable() : undefined);
    const failed = await world.run(['submit', 'a.jsonl', '--json']);
    expect(failed.code).toBe(1);
    const { error } = JSON.parse(lines(failed.stdout).at(-1) as string);
    expect(error).toMatchObject({ code: 'unavailable', acknowledged: 1000 });
    expect(error.next.at(-1)).toMatch(/batchml submit a\.jsonl --json --submission-id s-/);
    world.api.faults = () => undefined;
    const again = await world.run(['submit', 'a.jsonl', '--submission-id', error.submissionId]);
    expect(again.code).toBe(0);
    expect(lines(again.stdout)).toHaveLength(1500);
    expect(world.api.submissions.size).toBe(1);
  });

  it('says what was sent when it is stopped half-way', async () => {
    await world.file('a.jsonl', records(1500));
    world.api.faults = (request) => {
      if (request.url.endsWith('/chunks/2')) world.signal('SIGINT');
      return undefined;
    };
    const { code, stderr } = await world.run(['submit', 'a.jsonl']);
    expect(code).toBe(130);
    expect(stderr).toMatch(/stopping; [\d,]+ of 1,500 jobs were acknowledged/);
    expect(stderr).toMatch(/batchml submit a\.jsonl --submission-id s-\d{14}-/);
  });

  it('sends all of it even if nobody reads the IDs any more', async () => {
    await world.file('a.jsonl', records(1500));
    const { code, stderr } = await world.run(['submit', 'a.jsonl'], { closeStdoutAfter: 1 });
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/error/);
    expect(world.api.jobs).toHaveLength(1500);
    expect([...world.api.submissions.values()][0]?.closed).toBe(true);
  });

  it('refuses an ID that stands for other content', async () => {
    await world.file('a.jsonl', records(2));
    await world.file('b.jsonl', records(3));
    await world.run(['submit', 'a.jsonl', '--submission-id', 'x']);
    const { code, stderr } = await world.run(['submit', 'b.jsonl', '--submission-id', 'x']);
    expect(code).toBe(2);
    expect(stderr).toContain('submission x exists, with other content');
  });

  it('sends nothing of a file with a bad line', async () => {
    await world.file('a.jsonl', '{"a":1}\n{"a":\n');
    const { code, stdout } = await world.run(['submit', 'a.jsonl', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout).error).toMatchObject({
      code: 'bad_input',
      problems: [{ file: 'a.jsonl', line: 2 }],
    });
    expect(world.api.requests).toEqual(['GET /settings']);
  });
});

describe('batchml submit, to an API with settings', () => {
  const pinned = (settings: Partial<typeof DEFAULT_SETTINGS>): void => {
    world.api.pin = { model: 'm', settings: { ...DEFAULT_SETTINGS, ...settings } };
  };

  it('checks records by its payload limit', async () => {
    pinned({ maxPayloadMb: 1 });
    await world.file('a.jsonl', `1\n"${'x'.repeat(1024 * 1024)}"\n`);
    const { code, stderr } = await world.run(['submit', 'a.jsonl']);
    expect(code).toBe(2);
    expect(stderr).toContain('a.jsonl:2: the record is 1048578 bytes long; the limit is 1048576');
    expect(world.api.submissions.size).toBe(0);
  });

  it('checks records by its content type', async () => {
    pinned({ contentType: 'text/csv' });
    await world.file('a.jsonl', '"1,2"\n{"a":1}\n"a\\nb"\n');
    const { code, stderr } = await world.run(['submit', 'a.jsonl']);
    expect(code).toBe(2);
    expect(stderr).toContain('a.jsonl:2: the model is sent text/csv');
    expect(stderr).toContain('a.jsonl:3: a line break inside the row at column 2');
    expect(stderr).toContain('start the API without --content-type text/csv');
    const openai = await world.run(['submit', 'a.jsonl', '--format', 'openai']);
    expect(openai).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--format openai doesn't go with"),
    });
    await world.file('b.csv', 'a,1\n');
    expect((await world.run(['submit', 'b.csv', '--format', 'csv'])).code).toBe(0);
  });

  it('refuses rows for a model that is sent JSON', async () => {
    await world.file('b.csv', 'a,1\n');
    const { code, stderr } = await world.run(['submit', 'b.csv', '--format', 'csv']);
    expect(code).toBe(2);
    expect(stderr).toContain("--format csv doesn't go with this API, which sends its model JSON");
    expect(world.api.submissions.size).toBe(0);
  });

  it('goes by the settings of a submission that is there', async () => {
    pinned({ contentType: 'text/csv' });
    await world.file('b.csv', 'a,1\n');
    await world.run(['submit', 'b.csv', '--format', 'csv', '--submission-id', 'x']);
    pinned({});
    const again = await world.run(['submit', 'b.csv', '--format', 'csv', '--submission-id', 'x']);
    expect(again.code).toBe(0);
    expect(again.stderr).toContain('x was there already, with the same 1 job; nothing new was submitted');
  });

  it('takes an API that does not tell its settings as it is', async () => {
    world.api.faults = (request) =>
      request.url.endsWith('/settings')
        ? Response.json({ error: { code: 'not_found', message: 'no route' } }, { status: 404 })
        : undefined;
    await world.file('b.csv', 'a,1\n');
    expect((await world.run(['submit', 'b.csv', '--format', 'csv'])).code).toBe(0);
  });

  it('says what was refused, and how to end what is there', async () => {
    await world.file('a.jsonl', records(1500));
    world.api.faults = (request) =>
      request.url.endsWith('/chunks/2')
        ? Response.json({ error: { code: 'bad_record', message: 'not so' } }, { status: 400 })
        : undefined;
    const { code, stderr } = await world.run(['submit', 'a.jsonl', '--submission-id', 'x']);
    expect(code).toBe(1);
    expect(stderr).toContain('error: lines 1001 to 1500 were refused: not so');
    expect(stderr).toContain('submission x is open, with 1,000 jobs');
    expect(stderr).toContain('batchml cancel x');
    expect(stderr).not.toContain('send the rest');
  });

  it('says that a closed one takes no more', async () => {
    await world.file('a.jsonl', records(600));
    const { api } = world;
    api.faults = (request) => {
      for (const one of request.url.includes('/chunks/') ? api.submissions.values() : []) one.closed = true;
      return undefined;
    };
    const { code, stderr } = await world.run(['submit', 'a.jsonl', '--submission-id', 'x']);
    expect(code).toBe(1);
    expect(stderr).toContain('next: it was cancelled or closed; take another name');
    expect(stderr).not.toContain('send the rest');
  });

  it('says what a full disk is', async () => {
    await world.file('a.jsonl', records(6));
    const message = 'it could not be stored: SQLITE_FULL (is the disk full?)';
    world.api.faults = (request) =>
      request.url.includes('/chunks/')
        ? Response.json({ error: { code: 'unavailable', message } }, { status: 503 })
        : undefined;
    const { code, stdout } = await world.run(['submit', 'a.jsonl', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout).error).toMatchObject({
      code: 'disk_full',
      next: ['free some space, then the same command goes on', expect.stringContaining('send the rest')],
    });
  });
});
