/** Work without a stream, and while the stream comes and goes: bells are only bells. */
import { KinesisServiceException } from '@aws-sdk/client-kinesis';
import { describe, expect, it } from 'vitest';
import { MINUTE } from '../support/aws/cloud.ts';
import { BUCKET, STREAM } from '../support/aws/services.ts';
import { doubling, records } from '../support/memory-pipeline.ts';
import { randomOf } from '../support/random.ts';
import { expectDone, expectNoTrouble, open, small } from './scenario.ts';

const WITHOUT = { BATCHML_STREAM: '' };
const WITH = { BATCHML_STREAM: STREAM };

describe('without a stream', () => {
  it('a submission is done, by the gather queue alone', async () => {
    const cloud = await open(doubling(), { env: { ...small, ...WITHOUT } });
    await cloud.submit('s', records(45), { chunkSize: 7 });
    await cloud.finish(['s']);
    await expectDone(cloud, 's');
    expectNoTrouble(cloud);
    expect(cloud.kinesis.meter.calls).toEqual({});
    // Two rounds of gathering and reconcile's bells, each of a minute.
    expect(cloud.invoked.get('gather')).toBeLessThan(10);
  });

  it('hundreds of single records in a second start a few gatherers, not one for ten', async () => {
    const cloud = await open(doubling(), { env: { BATCHML_BATCH_SIZE: '120', ...WITHOUT } });
    const ids: string[] = [];
    for (const record of records(300))
      ids.push((await cloud.call<{ job_id: string }>('POST', '/job', record)).job_id);
    expect(cloud.sqs.meter.calls['SendMessageBatch']).toBe(300);
    await cloud.settle(MINUTE - 1);
    expect(cloud.invoked.get('gather')).toBeLessThanOrEqual(3);
    await cloud.settle(5 * MINUTE);
    for (const id of ids)
      expect(await cloud.call('GET', `/job/${id}`)).toMatchObject({ status: 'Processed' });
    expectNoTrouble(cloud);
    await cloud.expectQuiet();
  });

  it.each([
    ['size', { BATCHML_BATCH_SIZE: '10', BATCHML_BATCH_WINDOW_SECONDS: '60' }, [10, 10, 5]],
    ['window', { BATCHML_BATCH_SIZE: '5000', BATCHML_BATCH_WINDOW_SECONDS: '30' }, [5, 10, 10]],
  ])('%s shapes batches as it does with one', async (_, env, expected) => {
    for (const stream of [WITH, WITHOUT]) {
      const cloud = await open(doubling(), { env: { ...env, ...stream } });
      const sizes = new Map<string, number>();
      cloud.s3.after = ({ name, input }) => {
        const key = String(input['Key']);
        if (name !== 'PutObject' || !key.startsWith('data/')) return;
        sizes.set(key, (cloud.s3.read(BUCKET, key) ?? '').trimEnd().split('\n').length);
      };
      // All at once; for the window, further apart than it is long.
      const singles = records(25);
      for (const some of [singles.slice(0, 10), singles.slice(10, 20), singles.slice(20)]) {
        for (const record of some) await cloud.call('POST', '/job', record);
        if (expected[0] === 5) await cloud.settle(55_000);
      }
      await cloud.settle(3 * MINUTE);
      expect([...sizes.values()].sort((a, b) => a - b)).toEqual([...expected].sort((a, b) => a - b));
      expectNoTrouble(cloud);
    }
  });
});

describe('a stream that comes and goes', () => {
  it('takes its unread bells with it; every open job is found all the same', async () => {
    const cloud = await open(doubling(), { env: { ...small, ...WITH } });
    await cloud.submit('s', records(45), { chunkSize: 7 });
    expect(cloud.kinesis.records).toBeGreaterThan(0);
    cloud.deploy(WITHOUT);
    await cloud.finish(['s']);
    await expectDone(cloud, 's');
    expectNoTrouble(cloud);
  });

  it('leaves bells that wait in the queue to be heard there', async () => {
    const cloud = await open(doubling(), { env: { ...small, ...WITHOUT } });
    await cloud.submit('s', records(45), { chunkSize: 7 });
    cloud.deploy(WITH);
    await cloud.settle(MINUTE - 1);
    expect(await cloud.counts('s')).toMatchObject({ Processed: 45 });
    expect(cloud.kinesis.meter.calls).toEqual({});
    await expectDone(cloud, 's');
    expectNoTrouble(cloud);
  });

  it('loses nothing to a function that still rings on the one that is gone', async () => {
    const cloud = await open(doubling(), { env: { ...small, ...WITH } });
    cloud.kinesis.before = () => {
      throw new KinesisServiceException({
        name: 'ResourceNotFoundException',
        $fault: 'client',
        message: `Stream ${STREAM} under account 123456789012 not found.`,
        $metadata: { httpStatusCode: 400 },
      });
    };
    await cloud.submit('s', records(45), { chunkSize: 7 });
    expect(cloud.refusals).toEqual([]);
    expect(cloud.told.warnings.join()).toContain('bells were not sent');
    cloud.deploy(WITHOUT);
    await cloud.finish(['s']);
    await expectDone(cloud, 's');
  });

  it('loses and doubles nothing when it changes at any time', async () => {
    for (let seed = 0; seed < 10; seed++) {
      const random = randomOf(seed);
      const cloud = await open(doubling(), { env: { ...small, ...(random() < 0.5 ? WITH : WITHOUT) } });
      for (const id of ['a', 'b', 'c']) {
        await cloud.submit(id, records(30), { chunkSize: 1 + Math.floor(random() * 10) });
        if (random() < 0.5) await cloud.settle(Math.floor(random() * 2 * MINUTE));
        cloud.deploy(random() < 0.5 ? WITH : WITHOUT);
        if (random() < 0.5) await cloud.settle(Math.floor(random() * 10_000));
      }
      await cloud.finish(['a', 'b', 'c']);
      for (const id of ['a', 'b', 'c']) await expectDone(cloud, id);
      expect(cloud.refusals).toEqual([]);
      expectNoTrouble(cloud);
    }
  });
});
