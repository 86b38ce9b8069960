/** The acceptance scenarios of a deployed stack, over the real handlers and fakes of AWS. */
import { beforeAll, describe } from 'vitest';
import { acceptance, type Target } from '../support/acceptance.ts';
import { Cloud, KEY } from '../support/aws/cloud.ts';
import { doubling, MINUTE } from '../support/memory-pipeline.ts';

const BAD = 666;

describe('the harness', () => {
  let target: Target;
  beforeAll(async () => {
    const cloud = await Cloud.open(doubling((n) => n === BAD));
    target = {
      fetch: (method, path, { body, headers = {} } = {}) =>
        cloud.fetch(method, path, { body, headers: { 'x-api-key': KEY, ...headers } }),
      wait: () => cloud.settle(MINUTE),
      record: (n) => `{"n":${n === BAD ? BAD + 1 : n}}`,
      badRecord: `{"n":${BAD}}`,
      id: (name) => name,
    };
  });
  acceptance(() => target);
});
