/**
 * A small story of 12 jobs, told again and again with a fault at one call to AWS after the other: two submissions, one of three
 * chunks (of which one is cut, and two share a batch) and three batches with a poison record that a retry heals, and one that is
 * cancelled. However it goes, every job must
 * reach its one right final status, and nothing may stay open.
 */
import { expect, it } from 'vitest';
import { Cloud, MINUTE } from '../support/aws/cloud.ts';
import type { Call, Fault } from '../support/aws/invocations.ts';
import { expectWhole } from '../support/expect-whole.ts';
import { doubling, records } from '../support/memory-pipeline.ts';

/**
 * Every third call, another third for each kind of fault: 0, 1 or 2 for others, `all` for each.
 * Of the store and of each service alike.
 */
const WHICH = process.env['BATCHML_EVERY_CALL'] ?? '0';
const STEP = 3;
const KINDS: readonly Fault[] = ['die before', 'die after', 'lost', 'pause'];
const isTried = (fault: Fault, n: number) =>
  WHICH === 'all' || n % STEP === (KINDS.indexOf(fault) + Number(WHICH)) % STEP;

const POISON = 4;
const ENV = { BATCHML_BATCH_SIZE: '6' };

async function tellStory(cloud: Cloud): Promise<void> {
  await cloud.submit('s', records(10), { chunks: [8, 1, 1] });
  await cloud.submit('c', records(2, 100), { chunkSize: 2, open: true });
  await cloud.call('POST', '/submissions/c/cancel');
  await cloud.finish(['s', 'c']);
  const [failed, ...others] = (await cloud.jobs('s')).filter(({ status }) => status !== 'Processed');
  expect(others).toEqual([]);
  expect(failed).toMatchObject({
    ref: { submission: 's', chunk: 0, index: POISON },
    status: 'Failed',
    error: { code: 'model_error', message: `record ${POISON} is poison` },
  });
  cloud.sagemaker.model = doubling();
  await cloud.call('POST', '/submissions/s/retry', { generation: 0 });
  await cloud.finish(['s', 'c']);
}

/** What must hold at the end, whatever happened. */
async function expectEnd(cloud: Cloud): Promise<void> {
  await cloud.settle(2 * MINUTE);
  await expectWhole(cloud, 's', () => true);
  await expectWhole(cloud, 'c', 'any');
  expect(await cloud.counts('s')).toMatchObject({ Processed: 10 });
  expect(await cloud.counts('c')).toMatchObject({ Cancelled: 2 });
  expect((await cloud.jobs('s')).map(({ generation }) => generation)).toEqual(
    records(10).map((_, n) => (n === POISON ? 1 : 0)),
  );
  await cloud.expectQuiet();
}

async function run(at: number | undefined, fault: Fault | undefined): Promise<readonly Call[]> {
  const cloud = await Cloud.open(
    doubling((n) => n === POISON),
    { env: ENV },
  );
  cloud.invocations.faultAt = ({ n }) => (n === at ? fault : undefined);
  await tellStory(cloud);
  await expectEnd(cloud);
  if (fault === 'pause') {
    const before = await Promise.all(['s', 'c'].map((id) => cloud.jobs(id)));
    await cloud.invocations.resume();
    await cloud.settle(5 * MINUTE);
    await expectEnd(cloud);
    expect(await Promise.all(['s', 'c'].map((id) => cloud.jobs(id)))).toEqual(before);
  }
  return cloud.invocations.calls;
}

/** One test for each kind of fault: the story with it at each call. */
export function provesEveryCall(faults: readonly Fault[]): void {
  it.each(faults)(
    '%s',
    async (fault) => {
      const all = await run(undefined, undefined);
      const calls = all.filter(({ n }) => isTried(fault, n));
      const wrong: string[] = [];
      for (const { n, service, command, by } of calls) {
        try {
          expect((await run(n, fault))[n]).toMatchObject({ service, command, by });
        } catch (error) {
          wrong.push(`at call ${n}, ${service}.${command} by ${by}: ${(error as Error).message}`);
        }
      }
      process.stdout.write(`every call x ${fault}: ${all.length} calls, ${calls.length} runs\n`);
      expect(wrong).toEqual([]);
    },
    300_000,
  );
}
