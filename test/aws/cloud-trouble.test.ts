/** The deployed pipeline where services refuse, outputs and events get lost, and transform jobs fail. */
import { describe, expect, it } from 'vitest';
import { MINUTE } from '../support/aws/cloud.ts';
import { S3_TEST } from '../support/aws/lambda-events.ts';
import { BUCKET, deadLettersUrl, NAME_PREFIX, QUEUES, queueUrl } from '../support/aws/services.ts';
import { doubling, HOUR, records } from '../support/memory-pipeline.ts';
import { expectDone, expectNoTrouble, open, small } from './scenario.ts';

describe('creating a transform job', () => {
  it('waits out throttles', async () => {
    const cloud = await open();
    cloud.sagemaker.trouble.throttles = 3;
    await cloud.submit('s', records(20));
    await cloud.finish(['s']);
    await expectDone(cloud, 's');
    expect(cloud.sagemaker.created).toHaveLength(1);
    expectNoTrouble(cloud);
  });

  it('waits for instances, however long', async () => {
    const cloud = await open();
    cloud.sagemaker.trouble.quota = 0;
    await cloud.submit('s', records(20));
    await cloud.settle(2 * HOUR);
    expect(await cloud.counts('s')).toMatchObject({ Processed: 0, Failed: 0 });
    cloud.sagemaker.trouble.quota = 1;
    await cloud.finish(['s']);
    await expectDone(cloud, 's');
    expectNoTrouble(cloud);
  });

  it('fails with the reason what waited too long for them', async () => {
    const cloud = await open(doubling(), { env: { BATCHML_MAX_WAIT_HOURS: '1' } });
    cloud.sagemaker.trouble.quota = 0;
    await cloud.submit('s', records(20));
    await cloud.settle(HOUR + 5 * MINUTE);
    await expectDone(cloud, 's', () => false);
    const error = (await cloud.jobs('s'))[0]?.error;
    expect(error).toMatchObject({ code: 'waited_too_long', message: expect.stringContaining('Quotas') });
  });

  it('for a model that there is none of fails at once, with the reason', async () => {
    const cloud = await open(doubling(), { env: { BATCHML_MODEL: 'no-such-model' } });
    await cloud.submit('s', records(20));
    await cloud.settle(MINUTE);
    await expectDone(cloud, 's', () => false);
    expect((await cloud.jobs('s'))[0]?.error).toMatchObject({
      code: 'model_unavailable',
      message: expect.stringContaining('Could not find model'),
    });
  });

  it('runs no more at a time than it may', async () => {
    const cloud = await open(doubling(), { env: { ...small, BATCHML_MAX_TRANSFORM_JOBS: '1' } });
    cloud.sagemaker.durationMs = 4 * MINUTE;
    let most = 0;
    cloud.sagemaker.after = () => {
      most = Math.max(most, cloud.sagemaker.inProgress.length);
    };
    for (const id of ['a', 'b', 'c']) {
      await cloud.submit(id, records(20));
      await cloud.settle(MINUTE);
    }
    await cloud.finish(['a', 'b', 'c']);
    for (const id of ['a', 'b', 'c']) await expectDone(cloud, id);
    expect(most).toBe(1);
    expect(cloud.sagemaker.created).toHaveLength(2);
  });
});

describe('a transform job', () => {
  it('that takes hours is waited for, and one that takes too many is stopped', async () => {
    const cloud = await open(doubling(), { env: { BATCHML_MAX_TRANSFORM_HOURS: '2' } });
    cloud.sagemaker.durationMs = HOUR;
    await cloud.submit('s', records(20));
    await cloud.settle(HOUR - MINUTE);
    expect(await cloud.counts('s')).toMatchObject({ Processing: 20 });
    await cloud.settle(2 * MINUTE);
    await expectDone(cloud, 's');
    cloud.sagemaker.durationMs = 3 * HOUR;
    await cloud.submit('t', records(20));
    await cloud.settle(2 * HOUR + 5 * MINUTE);
    await expectDone(cloud, 't', () => false);
    expect((await cloud.jobs('t'))[0]?.error?.code).toBe('ran_too_long');
    expect(cloud.sagemaker.inProgress).toEqual([]);
    expectNoTrouble(cloud);
  });

  it('for want of capacity is tried again, ever later', async () => {
    const cloud = await open();
    cloud.sagemaker.trouble.fault = {
      times: 3,
      reason:
        'CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type.',
    };
    await cloud.submit('s', records(20));
    await cloud.finish(['s']);
    await expectDone(cloud, 's');
    expect(Math.max(...cloud.sagemaker.sent.values())).toBe(1);
  });

  it('that nobody tells the end of is found by reconcile', async () => {
    const cloud = await open();
    cloud.trouble = { random: () => 0, lose: 1, twice: false, shuffle: false };
    cloud.sagemaker.durationMs = 10 * MINUTE;
    await cloud.submit('s', records(20));
    await cloud.settle(12 * MINUTE);
    await expectDone(cloud, 's');
  });

  it('of a stranger concerns nobody, nor does what is no event', async () => {
    const cloud = await open();
    const detail = {
      TransformJobName: 'another-00000000000000000000000000000000',
      TransformJobStatus: 'Completed',
    };
    const change = { 'detail-type': 'SageMaker Transform Job State Change', source: 'aws.sagemaker', detail };
    cloud.sqs.put(queueUrl('settle'), JSON.stringify(change));
    cloud.sqs.put(queueUrl('results'), S3_TEST);
    cloud.s3.put(BUCKET, 'result/readme.txt', 'x');
    cloud.s3.put(BUCKET, 'results-archive/a.out', 'x');
    cloud.s3.put(BUCKET, `result/${NAME_PREFIX}-0123456789abcdef0123456789abcdef/b-unknown.jsonl.out`, 'x');
    await cloud.submit('s', records(20));
    await cloud.finish(['s']);
    await expectDone(cloud, 's');
    expectNoTrouble(cloud);
  });

  it('has dead letters for what can not be read, and goes on', async () => {
    const cloud = await open();
    for (const queue of QUEUES) cloud.sqs.put(queueUrl(queue), 'not JSON {');
    cloud.kinesis.put('x', Buffer.from([0xff, 0xfe]));
    cloud.kinesis.put('s', Buffer.from('{}'));
    await cloud.submit('s', records(20));
    await cloud.finish(['s']);
    await expectDone(cloud, 's');
    expect(QUEUES.map((queue) => cloud.sqs.messages(deadLettersUrl(queue)).map(({ body }) => body))).toEqual(
      QUEUES.map(() => ['not JSON {']),
    );
  });
});

describe('outputs', () => {
  it('that get lost are made again', async () => {
    const cloud = await open(doubling(), { env: small });
    cloud.sagemaker.trouble.dropOutput = (_, attempt) => attempt === 1;
    await cloud.submit('s', records(30));
    await cloud.finish(['s']);
    await expectDone(cloud, 's');
    expect(Math.max(...cloud.sagemaker.sent.values())).toBe(2);
  });

  it.each<[string, (text: string) => string]>([
    ['cut short', (text) => text.slice(0, -20)],
    ['without a line', (text) => text.slice(text.indexOf('\n') + 1)],
    ['that are empty', () => ''],
    ['with a line twice', (text) => text + text.slice(0, text.indexOf('\n') + 1)],
  ])('%s are not filed, and their batch is tried again', async (_, spoil) => {
    const cloud = await open();
    let times = 0;
    cloud.sagemaker.trouble.spoil = (text) => (times++ === 0 ? spoil(text) : text);
    await cloud.submit('s', records(20));
    await cloud.finish(['s']);
    await expectDone(cloud, 's');
  });

  it('with blanks between their tokens, or in another order, are filed by their IDs', async () => {
    const cloud = await open();
    cloud.sagemaker.trouble.spoil = (text) =>
      `${text
        .trimEnd()
        .split('\n')
        .reverse()
        .map((line) => line.replace('{"id":', '{ "id": ').replace(',"Sage', ', "Sage'))
        .join('\n')}\n`;
    await cloud.submit('s', records(20));
    await cloud.finish(['s']);
    await expectDone(cloud, 's');
  });
});

describe('events', () => {
  it.each([
    ['twice and in any order', 0],
    ['twice, in any order, or not at all', 0.5],
    ['never', 1],
  ])('that come %s end in the same', async (_, lose) => {
    const cloud = await open(
      doubling((n) => n === 5),
      { env: small },
    );
    let turn = 0;
    const random = () => ((turn++ * 7919) % 1000) / 1000;
    cloud.trouble = { random, lose, twice: lose < 1, shuffle: true };
    cloud.together = 3;
    await cloud.submit('s', records(60), { chunkSize: 7 });
    await cloud.finish(['s']);
    await expectDone(cloud, 's', (n) => n !== 5);
    expect(cloud.events.entries.length).toBeGreaterThanOrEqual(1);
  });

  it('of an index that lags behind are enough', async () => {
    const cloud = await open(
      doubling((n) => n === 5),
      { env: small },
    );
    cloud.table.lagIndex(true);
    cloud.table.pageItems = 2;
    await cloud.submit('s', records(60), { chunkSize: 7 });
    for (let minute = 0; minute < 20; minute++) {
      await cloud.settle(MINUTE);
      cloud.table.catchUp(5);
    }
    cloud.table.lagIndex(false);
    await cloud.finish(['s']);
    await expectDone(cloud, 's', (n) => n !== 5);
  });

  it('that can not be sent change nothing but the time that it takes', async () => {
    const cloud = await open();
    cloud.sqs.fails = () => true;
    cloud.kinesis.fails = () => true;
    await cloud.submit('s', records(20));
    await cloud.settle(3 * MINUTE);
    expect(await cloud.counts('s')).toMatchObject({ Queued: 20 });
    cloud.sqs.fails = () => false;
    await cloud.finish(['s']);
    await expectDone(cloud, 's');
    expect(cloud.told.warnings.length).toBeGreaterThan(0);
  });
});
