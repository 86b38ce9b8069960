/** `POST /job`, the AWS sample's way in: what accepting costs, and that its bell may get lost. */
import { expect, it } from 'vitest';
import type { Cloud } from '../support/aws/cloud.ts';
import type { Call, Fault } from '../support/aws/invocations.ts';
import { STREAM } from '../support/aws/services.ts';
import { doubling, MINUTE, records } from '../support/memory-pipeline.ts';
import { expectNoTrouble, open } from './scenario.ts';

const WAYS = [
  ['the queue', 'sqs', ''],
  ['the stream', 'kinesis', STREAM],
] as const;

const post = async (cloud: Cloud, record: string, key?: string) =>
  (await cloud.call<{ job_id: string }>('POST', '/job', record, key ? { 'idempotency-key': key } : undefined))
    .job_id;

const expectResult = async (cloud: Cloud, id: string, twice: number) => {
  await cloud.settle(3 * MINUTE);
  expect(await cloud.call('GET', `/job/${id}`)).toMatchObject({ status: 'Processed', result: { twice } });
  await cloud.expectQuiet();
};

it.each(WAYS)('takes one write and one bell by %s', async (_, service, stream) => {
  const cloud = await open(doubling(), { env: { BATCHML_STREAM: stream } });
  // The first of a process keeps what it is pinned to.
  await post(cloud, '{"n":0}');
  for (const key of [undefined, 'a-key']) {
    cloud.forget();
    const ids: string[] = [];
    for (const record of records(key === undefined ? 20 : 1)) ids.push(await post(cloud, record, key));
    const each = ['store', service];
    expect(cloud.invocations.calls.map((call) => call.service)).toEqual(ids.flatMap(() => each));
    expect(cloud.table.meter.reads).toEqual({});
    expect(cloud.table.meter.writes).toEqual({ table: ids.length, index: ids.length });
  }
  expectNoTrouble(cloud);
});

/** At the first call of a kind, once. */
function once(cloud: Cloud, which: (call: Call) => boolean, fault: Fault): void {
  let left = 1;
  cloud.invocations.faultAt = (call) => (which(call) && left-- > 0 ? fault : undefined);
}

it.each(WAYS)('whose bell is lost on the way to %s is found by reconcile', async (_, service, stream) => {
  const cloud = await open(doubling(), { env: { BATCHML_STREAM: stream } });
  cloud.invocations.faultAt = (call) =>
    call.by === 'api' && call.service === service ? 'fail before' : undefined;
  const id = await post(cloud, '{"n":21}');
  expect(cloud.told.warnings.join()).toContain('bells were not sent; reconcile rings for what is open');
  await cloud.settle(MINUTE - 1);
  expect(await cloud.call('GET', `/job/${id}`)).toMatchObject({ status: 'Queued', result: null });
  await expectResult(cloud, id, 42);
});

it.each(WAYS)(
  'whose function dies before the bell to %s is the same job when it is sent again',
  async (_, service, stream) => {
    const cloud = await open(doubling(), { env: { BATCHML_STREAM: stream } });
    once(cloud, (call) => call.by === 'api' && call.service === service, 'die before');
    const id = await post(cloud, '{"n":21}', 'a-key');
    expect(cloud.refusals).toHaveLength(1);
    expect(await post(cloud, '{"n":21}', 'a-key')).toBe(id);
    await expectResult(cloud, id, 42);
    expect(
      cloud.table.items().filter(({ pk, sk }) => pk.startsWith('C#') && sk.startsWith('h#')),
    ).toHaveLength(1);
  },
);
