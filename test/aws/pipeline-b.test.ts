/** The pipeline's tests over the ledger on DynamoDB and objects on S3 (the tests' own). */
import { describe } from 'vitest';
import { awsBackend } from '../support/aws/backend.ts';
import { MemoryPipeline } from '../support/memory-pipeline.ts';

MemoryPipeline.backend = awsBackend;

describe.each(['poison', 'read', 'retry', 'trouble'])('%s', async (name) => {
  await import(`../pipeline/${name}.test.ts`);
});
