/** What the end to end scenarios share. */
import { expect } from 'vitest';
import { Cloud, type CloudOptions, MINUTE } from '../support/aws/cloud.ts';
import { deadLettersUrl, QUEUES } from '../support/aws/services.ts';
import { expectWhole } from '../support/expect-whole.ts';
import type { Model } from '../support/fake-transforms.ts';
import { doubling } from '../support/memory-pipeline.ts';

export const open = (model: Model = doubling(), options: CloudOptions = {}) => Cloud.open(model, options);
export const small = { BATCHML_BATCH_SIZE: '10' };

/** Every job is final as it should be, and nothing is open. */
export async function expectDone(
  cloud: Cloud,
  id: string,
  succeeds: ((n: number) => boolean) | 'any' = () => true,
): Promise<void> {
  await expectWhole(cloud, id, succeeds);
  await cloud.settle(2 * MINUTE);
  await cloud.expectQuiet();
}

/** Nothing went wrong that a function told of, and there are no dead letters. */
export function expectNoTrouble({ told, sqs, invocations }: Cloud): void {
  expect({ ...told, failures: invocations.failures }).toMatchObject({
    errors: [],
    warnings: [],
    failures: [],
  });
  expect(QUEUES.flatMap((queue) => sqs.messages(deadLettersUrl(queue)))).toEqual([]);
}
