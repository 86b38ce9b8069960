import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { info } from '../../support/fake-api.ts';
import { lines, records, World } from '../../support/run-cli.ts';

let world: World;
beforeEach(async () => {
  world = await World.create();
  world.api.autoWork = 0;
  world.api.model = (record) => (/record \d*5"/.test(record) ? { code: 'model_error', message: 'no' } : '1');
  await world.file('a.jsonl', records(1200));
  await world.run(['submit', 'a.jsonl', '--submission-id', 'sub']);
});
afterEach(() => world.dispose());

describe('batchml cancel', () => {
  it('cancels a submission and says what became of it', async () => {
    world.api.work(100);
    const { code, stdout, stderr } = await world.run(['cancel', 'sub']);
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toContain('sub: cancelled 1,100 jobs, 100 were final already');
  });

  it('cancels single jobs', async () => {
    world.api.work(1);
    const { stdout } = await world.run(['cancel', 'sub.0.0', 'sub.2.3', '--json']);
    expect(JSON.parse(stdout)).toEqual({
      submissions: [{ submissionId: 'sub', cancelled: 1, final: 1 }],
    });
    expect(world.api.jobs.filter(({ status }) => status === 'Cancelled')).toMatchObject([
      { jobId: 'sub.2.3' },
    ]);
  });

  it('says that a large submission is still being cancelled', async () => {
    world.api.faults = (request) => {
      if (!request.url.endsWith('/cancel')) return undefined;
      const submission = world.api.submissions.get('sub') as Parameters<typeof info>[0];
      const known = info(submission);
      return Response.json({ ...known, counts: { ...known.counts, Queued: 700, Cancelled: 500 } });
    };
    const { code, stderr } = await world.run(['cancel', 'sub']);
    expect(code).toBe(0);
    expect(stderr).toContain('sub: cancelled 500 jobs, 700 more are being cancelled, see batchml status sub');
    const { stdout } = await world.run(['cancel', 'sub', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ submissions: [{ cancelled: 500, cancelling: 700 }] });
  });

  it('names a job that does not exist', async () => {
    const { code, stderr } = await world.run(['cancel', 'sub.7.7']);
    expect(code).toBe(1);
    expect(stderr).toContain('there is no job sub.7.7');
  });
});

describe('batchml retry', () => {
  beforeEach(() => world.api.work(1200));

  it('queues all failed jobs of a submission again, once', async () => {
    const { code, stderr } = await world.run(['retry', 'sub']);
    expect(code).toBe(0);
    expect(stderr).toContain('sub: 120 failed jobs queued again');
    expect(stderr).toContain('batchml status sub --watch');
    expect(world.api.submissions.get('sub')?.generation).toBe(1);
    const again = await world.run(['retry', 'sub']);
    expect(again).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('nothing to retry; another retry'),
    });
  });

  it('takes the failed jobs of results --failed, more than one request holds', async () => {
    const failed = await world.run(['results', 'sub', '--failed']);
    const ids = lines(failed.stdout).map((line) => JSON.parse(line).jobId);
    const { stdout } = await world.run(['retry', '-', '--json'], { stdin: ids.slice(0, 110).join('\n') });
    expect(JSON.parse(stdout)).toEqual({
      submissions: [{ submissionId: 'sub', retried: 110, generation: 2 }],
    });
  });

  it('goes by what the API says it queued', async () => {
    world.api.faults = async (request) => {
      if (!request.url.endsWith('/retry')) return undefined;
      // Another retry comes first.
      const submission = world.api.submissions.get('sub');
      if (submission) submission.generation++;
      return undefined;
    };
    const { stdout, stderr } = await world.run(['retry', 'sub', '--json']);
    expect(JSON.parse(stdout)).toEqual({ submissions: [{ submissionId: 'sub', retried: 0, generation: 1 }] });
    expect(stderr).toContain('sub: nothing to retry; another retry is under way or nothing failed');
  });

  it('passes the generation that it saw', async () => {
    world.api.faults = async (request) => {
      if (!request.url.endsWith('/retry')) return undefined;
      expect(await request.clone().json()).toEqual({ generation: 0 });
      return undefined;
    };
    await world.run(['retry', 'sub']);
  });
});

describe('batchml list', () => {
  it('shows submissions, newest first', async () => {
    await world.run(['submit', 'a.jsonl', '--submission-id', 'newer']);
    const { code, stdout } = await world.run(['list']);
    expect(code).toBe(0);
    expect(lines(stdout).map((line) => line.split('\t')[0])).toEqual(['newer', 'sub']);
  });

  it('goes over pages up to the limit', async () => {
    await world.file('b.jsonl', '1\n');
    for (let i = 0; i < 120; i++)
      await world.api.fetch(
        new Request(`http://fake/submissions/n${i}`, {
          method: 'PUT',
          headers: { 'x-api-key': 'fake-key' },
          body: '{}',
        }),
      );
    const { stdout } = await world.run(['list', '--limit', '110', '--json']);
    const { submissions, more } = JSON.parse(stdout);
    expect([submissions.length, more, submissions[109].submissionId]).toEqual([110, true, 'n10']);
  });

  it('is an empty list when there is nothing', async () => {
    world.api.submissions.clear();
    expect(JSON.parse((await world.run(['list', '--json'])).stdout)).toEqual({
      submissions: [],
      more: false,
    });
    expect(await world.run(['list'])).toMatchObject({ code: 0, stdout: '' });
  });
});
