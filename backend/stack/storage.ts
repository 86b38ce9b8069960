/** What is kept: the table and the bucket (left behind when the stack is deleted), and the stream of bells, where there is one. */
import { Aws, CfnDeletionPolicy, type CfnResource, Fn, type Stack } from 'aws-cdk-lib';
import { CfnTable } from 'aws-cdk-lib/aws-dynamodb';
import { CfnStream } from 'aws-cdk-lib/aws-kinesis';
import { OPEN_INDEX_ATTRIBUTES } from '../core/open-index.ts';
import type { Choices } from './conditions.ts';
import type { Parameters } from './parameters.ts';

/** Stays when the stack goes or replaces it, but not when the stack's very creation fails: nothing is in it then. */
export function keep(resource: CfnResource): void {
  resource.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE;
  resource.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
}

export function addTable(stack: Stack): CfnTable {
  const table = new CfnTable(stack, 'Table', {
    billingMode: 'PAY_PER_REQUEST',
    attributeDefinitions: ['pk', 'sk', 'openKey', 'openAt'].map((attributeName) => ({
      attributeName,
      attributeType: 'S',
    })),
    keySchema: [
      { attributeName: 'pk', keyType: 'HASH' },
      { attributeName: 'sk', keyType: 'RANGE' },
    ],
    globalSecondaryIndexes: [
      {
        indexName: 'open',
        keySchema: [
          { attributeName: 'openKey', keyType: 'HASH' },
          { attributeName: 'openAt', keyType: 'RANGE' },
        ],
        projection: { projectionType: 'INCLUDE', nonKeyAttributes: [...OPEN_INDEX_ATTRIBUTES] },
      },
    ],
    timeToLiveSpecification: { attributeName: 'ttl', enabled: true },
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    sseSpecification: { sseEnabled: true },
  });
  keep(table);
  return table;
}

/**
 * Bells that ring for new chunks, where JobStreamShardCount asks for it. Nothing is lost with it (reconcile rings again), so
 * it comes and goes with that parameter and with the stack; but a shard keeps bells for a day, in their order.
 */
export function addStream(
  stack: Stack,
  parameters: Parameters,
  { stream: wanted, streamOnDemand }: Choices,
): CfnStream {
  const stream = new CfnStream(stack, 'Stream', {
    retentionPeriodHours: 24,
    streamModeDetails: {
      streamMode: Fn.conditionIf(streamOnDemand.logicalId, 'ON_DEMAND', 'PROVISIONED').toString(),
    },
    // Not to be given with ON_DEMAND.
    shardCount: Fn.conditionIf(
      streamOnDemand.logicalId,
      Aws.NO_VALUE,
      parameters.JobStreamShardCount.valueAsNumber,
    ) as unknown as number,
    streamEncryption: { encryptionType: 'KMS', keyId: 'alias/aws/kinesis' },
  });
  stream.cfnOptions.condition = wanted;
  return stream;
}
