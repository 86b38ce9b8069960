import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lines, records, World } from '../../support/run-cli.ts';

let world: World;
let ids: string;
beforeEach(async () => {
  world = await World.create();
  world.api.pageSize = 70;
  world.api.autoWork = 0;
  await world.file('a.jsonl', records(1100));
  world.api.model = (record) =>
    /record \d*99"/.test(record) ? { code: 'model_error', message: 'no' } : '1.0';
  ids = (await world.run(['submit', 'a.jsonl', '--submission-id', 'sub'])).stdout;
});
afterEach(() => world.dispose());

const finish = (): void => world.api.work(Number.POSITIVE_INFINITY);
const lineNumbers = (text: string): number[] => lines(text).map((line) => JSON.parse(line).line);
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('batchml results', () => {
  it('prints a line for each job, as the API wrote it', async () => {
    finish();
    const { code, stdout } = await world.run(['results', 'sub']);
    expect(code).toBe(3);
    expect(lineNumbers(stdout)).toEqual(upTo(1100));
    expect(lines(stdout)[0]).toBe('{"line":1,"jobId":"sub.0.0","status":"Processed","result":1.0}');
  });

  it('reads a result from its address where it is too large for an answer; what is not there is an error', async () => {
    const link = '"resultUrl":"https://bucket/o?signed","resultRange":"bytes=2-4"';
    world.api.model = (record) => (record.includes('record 2"') ? `null,${link}` : '1.0');
    finish();
    const s3 = { body: '::1.5:', status: 206 };
    world.api.faults = (request) => {
      if (!request.url.startsWith('https://bucket/')) return undefined;
      const headers = { 'content-range': 'bytes 2-4/6', 'content-length': '3' };
      return new Response(s3.body.slice(2, 5), { status: s3.status, headers });
    };
    const { code, stdout } = await world.run(['results', 'sub']);
    expect(code).toBe(0);
    expect(lines(stdout)[1]).toBe('{"line":2,"jobId":"sub.0.1","status":"Processed","result":1.5}');
    expect(lineNumbers(stdout)).toEqual(upTo(1100));
    s3.status = 404;
    const gone = await world.run(['results', 'sub', '--output', 'r.jsonl']);
    expect(gone.code).toBe(1);
    expect(gone.stderr).toContain("the result of sub.0.1 can't be read");
    expect(gone.stderr).toContain('batchml results sub.0.1');
    await expect(world.read('r.jsonl')).rejects.toThrow('ENOENT');
  });

  it('refuses an unfinished submission with 8, and prints nothing', async () => {
    world.api.work(10);
    const { code, stdout, stderr } = await world.run(['results', 'sub']);
    expect([code, stdout]).toEqual([8, '']);
    expect(stderr).toContain('10 of 1,100 jobs are final');
    expect(stderr).toContain('next: batchml results sub --wait');
    const json = await world.run(['results', 'sub', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      error: { code: 'still_running', counts: { Processed: 10 } },
    });
  });

  it('--wait prints them as they come, in order', async () => {
    world.api.autoWork = 33;
    const { code, stdout } = await world.run(['results', 'sub', '--wait']);
    expect(code).toBe(3);
    expect(lineNumbers(stdout)).toEqual(upTo(1100));
  });

  it('takes a million-line style list of IDs from standard input as the submission that it is', async () => {
    world.api.autoWork = 100;
    world.api.requests.length = 0;
    const { stdout } = await world.run(['results', '-', '--wait'], { stdin: ids });
    expect(lineNumbers(stdout)).toEqual(upTo(1100));
    expect(world.api.requests.filter((request) => request.startsWith('POST'))).toEqual([]);
  });

  it('takes parts of a submission, in its order', async () => {
    finish();
    const some = ['sub.2.50', 'sub.0.3', ...upTo(120).map((i) => `sub.1.${i}`), 'sub.0.98'];
    const { code, stdout } = await world.run(['results', ...some]);
    expect(code).toBe(3);
    expect(lineNumbers(stdout)).toEqual([4, 99, ...upTo(120).map((i) => 501 + i), 1051]);
  });

  it('waits for the selected jobs only', async () => {
    world.api.autoWork = 50;
    const { code, stdout } = await world.run(['results', 'sub.0.0', 'sub.0.10', '--wait']);
    expect(code).toBe(0);
    expect(lineNumbers(stdout)).toEqual([1, 11]);
  });

  it('--failed prints the failed ones only', async () => {
    finish();
    const all = await world.run(['results', 'sub', '--failed']);
    expect(lineNumbers(all.stdout)).toEqual([99, 199, 299, 399, 499, 599, 699, 799, 899, 999, 1099]);
    const some = await world.run(['results', 'sub.0.98', 'sub.0.99', 'sub.1.98', '--failed']);
    expect(lineNumbers(some.stdout)).toEqual([99, 599]);
  });

  it('--failed --wait waits for the end first', async () => {
    world.api.autoWork = 200;
    const { stdout } = await world.run(['results', 'sub', '--failed', '--wait']);
    expect(lines(stdout)).toHaveLength(11);
  });

  it('--wait gives what is final of one that is still being sent, and says so once', async () => {
    const { api } = world;
    const submission = api.submissions.get('sub');
    const late = submission?.chunks.get(1);
    if (!submission || !late) throw new Error('no submission');
    submission.closed = false;
    submission.chunks.delete(1);
    api.work(Number.POSITIVE_INFINITY);
    let looks = 0;
    let before = '';
    api.faults = () => {
      if (++looks === 30) before = written;
      if (looks === 40) submission.chunks.set(1, late);
      if (looks === 60) submission.closed = true;
      if (looks > 60) api.work(200);
      return undefined;
    };
    let written = '';
    const out = new Writable({
      write(chunk, _encoding, done) {
        written += chunk;
        done();
      },
    });
    const { code, stderr } = await world.run(['results', 'sub', '--wait'], { deps: { stdout: out } });
    expect(code).toBe(3);
    expect(lineNumbers(before)).toEqual(upTo(500));
    expect(lineNumbers(written)).toEqual(upTo(1100));
    expect(stderr.match(/still being sent/g)).toHaveLength(1);
    expect(stderr).toContain('batchml cancel sub');
  });

  it('writes a file that appears when complete', async () => {
    finish();
    const { stdout } = await world.run(['results', 'sub', '--output', 'r.jsonl']);
    expect(stdout).toBe('');
    expect(lines(await world.read('r.jsonl'))).toHaveLength(1100);
  });

  it('takes the objects of submit --json', async () => {
    finish();
    const { stdout } = await world.run(['results', '-'], { stdin: '{"line":1,"jobId":"sub.0.0"}\n' });
    expect(lineNumbers(stdout)).toEqual([1]);
  });

  it.each([
    ['nope', 'nope'],
    ['nope.0.1', 'nope.0.1'],
    ['sub.0.700', 'sub.0.700'],
    ['sub.9.0', 'sub.9.0'],
  ])('names an unknown ID: %s', async (id, named) => {
    finish();
    const { code, stdout, stderr } = await world.run(['results', id]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`there is no job or submission ${named}`);
    expect(stderr).toContain('batchml list');
  });

  it('exits quietly when nobody reads', async () => {
    finish();
    const { code, stderr } = await world.run(['results', 'sub'], { closeStdoutAfter: 1 });
    expect([code, stderr]).toEqual([0, '']);
  });

  it('says on Ctrl-C that the jobs go on', async () => {
    world.api.faults = (request) => {
      if (request.url.includes('final=true')) world.signal('SIGINT');
      return undefined;
    };
    const { code, stderr } = await world.run(['results', '-', '--wait'], { stdin: ids });
    expect(code).toBe(130);
    expect(stderr).toContain('the jobs go on. Their results later:\n  batchml results sub --wait');
  });

  it.each([
    [[], /which one/],
    [['-'], /standard input has no IDs/],
    [['a b'], /not a job or submission ID: a b/],
    [['-', '-'], /can be named once/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await world.run(['results', ...args]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
