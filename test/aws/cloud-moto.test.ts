/** A few of the scenarios with a moto server as the far side: the real clients, over HTTP. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { Cloud, type CloudOptions, MINUTE } from '../support/aws/cloud.ts';
import { motoSide } from '../support/aws/far-side.ts';
import { describeMoto } from '../support/aws/moto.ts';
import { expectWhole } from '../support/expect-whole.ts';
import type { Model } from '../support/fake-transforms.ts';
import { doubling, numberOf, records } from '../support/memory-pipeline.ts';

describeMoto('on a moto server', (endpoint) => {
  const open = (model: Model, options: CloudOptions = {}) =>
    Cloud.open(model, {
      ...options,
      far: (services) => motoSide(endpoint(), `t-${randomUUID()}`, services),
    });
  const small = { BATCHML_BATCH_SIZE: '10' };
  const expectDone = async (
    cloud: Cloud,
    id: string,
    succeeds: ((n: number) => boolean) | 'any' = () => true,
  ) => {
    await expectWhole(cloud, id, succeeds);
    await cloud.settle(2 * MINUTE);
    await cloud.expectQuiet();
    expect(cloud.told).toMatchObject({ errors: [], warnings: [] });
  };

  it('every record gets its result, and a bad one its error', async () => {
    const cloud = await open(doubling((n) => n === 33));
    await cloud.submit('s', records(40), { chunkSize: 15 });
    await cloud.finish(['s']);
    await expectDone(cloud, 's', (n) => n !== 33);
    expect((await cloud.jobs('s'))[33]?.error).toEqual({
      code: 'model_error',
      message: 'record 33 is poison',
    });
    expect(cloud.events.entries).toHaveLength(1);
  });

  it('single records gather', async () => {
    const cloud = await open(doubling());
    const post = (n: number) =>
      cloud.call<{ job_id: string }>('POST', '/job', `{"n":${n}}`, { 'idempotency-key': `${n}` });
    const ids = await Promise.all([1, 2, 3].map(post));
    expect(await post(1)).toEqual(ids[0]);
    await cloud.settle(2 * MINUTE);
    for (const [i, { job_id }] of ids.entries())
      expect(await cloud.call('GET', `/job/${job_id}`)).toMatchObject({ result: { twice: (i + 1) * 2 } });
    expect(cloud.sagemaker.created).toHaveLength(1);
  });

  it('large results are read by their places', async () => {
    const cloud = await open((record) => JSON.stringify('é'.repeat(numberOf(record) * 250_000)));
    await cloud.submit('s', records(3));
    await cloud.finish(['s']);
    expect(await cloud.call('GET', '/job/s.0.2')).toMatchObject({ result: 'é'.repeat(500_000) });
  });

  it('events that come twice, in any order or not at all, and several functions at once', async () => {
    const cloud = await open(
      doubling((n) => n === 5),
      { env: small },
    );
    let turn = 0;
    const random = () => ((turn++ * 7919) % 1000) / 1000;
    cloud.trouble = { random, lose: 0.3, twice: true, shuffle: true };
    cloud.together = 3;
    await cloud.submit('s', records(20), { chunkSize: 7 });
    await cloud.finish(['s']);
    await expectWhole(cloud, 's', (n) => n !== 5);
  });

  it('users cancel and retry', async () => {
    const cloud = await open(
      doubling((n) => n % 10 === 3),
      { env: { ...small, BATCHML_MAX_TRANSFORM_JOBS: '1' } },
    );
    await cloud.submit('s', records(15));
    await cloud.finish(['s']);
    cloud.sagemaker.durationMs = 5 * MINUTE;
    cloud.sagemaker.model = doubling();
    await cloud.call('POST', '/submissions/s/retry', { generation: 0 });
    await cloud.settle(MINUTE);
    await cloud.submit('c', records(10));
    await cloud.settle(MINUTE);
    await cloud.call('POST', '/submissions/c/cancel');
    await cloud.finish(['s', 'c']);
    await expectDone(cloud, 's');
    await expectDone(cloud, 'c', 'any');
    expect(await cloud.counts('c')).toMatchObject({ Cancelled: 10 });
  });
});
