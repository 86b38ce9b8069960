/**
 * Kinesis in this process, spoken to with the SDK's command objects. What it does, as Kinesis does it:
 *
 * - PutRecord, and PutRecords of 1-500 records and 10 MiB: records fail in their places when `fails` says so, the others
 *   are stored. Records of one partition key go to one shard, in the order in which they came.
 * - A record has 1 MiB at most. Nothing is lost or forgotten: readers keep their own place.
 * - `meter` counts calls; `records` and `bytes` what was stored, keys included, `units` the 25 KB that on provisioned streams are paid for.
 */
import { createHash } from 'node:crypto';
import { type KinesisClient, KinesisServiceException } from '@aws-sdk/client-kinesis';
import { type Command, FakeClient } from './fake-client.ts';
import { Meter } from './meter.ts';

const MAX_RECORDS = 500;
const MAX_RECORD_BYTES = 1024 * 1024;
const MAX_REQUEST_BYTES = 10 * 1024 * 1024;
const UNIT_BYTES = 25 * 1024;

export interface StreamRecord {
  readonly key: string;
  readonly data: Buffer;
  readonly sequence: string;
}

interface Entry {
  readonly Data: Uint8Array;
  readonly PartitionKey: string;
}

const refusal = (name: string, message: string) =>
  new KinesisServiceException({ name, $fault: 'client', message, $metadata: { httpStatusCode: 400 } });

export class FakeKinesis extends FakeClient {
  readonly meter = new Meter();
  records = 0;
  bytes = 0;
  units = 0;
  /** Whether a record is refused for want of throughput. */
  fails: () => boolean = () => false;
  readonly shards: readonly StreamRecord[][];
  #next = 0;

  constructor(shards = 2) {
    super();
    this.shards = Array.from({ length: shards }, () => []);
  }

  get client(): Pick<KinesisClient, 'send'> {
    return this as never;
  }

  /** Puts a record as a stranger does. */
  put(key: string, data: Uint8Array): string {
    const shard = createHash('md5').update(key).digest().readUInt32BE(0) % this.shards.length;
    const sequence = String(this.#next++).padStart(10, '0');
    this.shards[shard]?.push({ key, data: Buffer.from(data), sequence });
    return sequence;
  }

  protected override carryOut({ name, input }: Command): object {
    this.meter.call(name);
    if (name === 'PutRecord') {
      const entry = input as unknown as Entry;
      check(entry);
      if (this.fails())
        throw refusal(
          'ProvisionedThroughputExceededException',
          'Rate exceeded for shard shardId-000000000000',
        );
      return this.#store(entry);
    }
    if (name !== 'PutRecords') throw new Error(`the Kinesis of the tests knows no ${name}`);
    const entries = (input['Records'] ?? []) as readonly Entry[];
    if (entries.length === 0 || entries.length > MAX_RECORDS)
      throw refusal('ValidationException', `Member must have length from 1 to ${MAX_RECORDS}`);
    for (const entry of entries) check(entry);
    if (entries.reduce((sum, { Data }) => sum + Data.length, 0) > MAX_REQUEST_BYTES)
      throw refusal('InvalidArgumentException', 'Records size exceeds 10 MB limit');
    const Records = entries.map((entry) =>
      this.fails()
        ? { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded for shard' }
        : this.#store(entry),
    );
    return { FailedRecordCount: Records.filter((record) => 'ErrorCode' in record).length, Records };
  }

  #store({ Data, PartitionKey }: Entry): { SequenceNumber: string; ShardId: string } {
    const size = Data.length + Buffer.byteLength(PartitionKey);
    this.records++;
    this.bytes += size;
    this.units += Math.ceil(size / UNIT_BYTES);
    return { SequenceNumber: this.put(PartitionKey, Data), ShardId: 'shardId-000000000000' };
  }
}

function check({ Data, PartitionKey }: Entry): void {
  if (!(Data instanceof Uint8Array)) throw refusal('SerializationException', 'Data must be bytes');
  if (PartitionKey.length < 1 || PartitionKey.length > 256)
    throw refusal('ValidationException', 'PartitionKey must have length from 1 to 256');
  if (Data.length + Buffer.byteLength(PartitionKey) > MAX_RECORD_BYTES)
    throw refusal('ValidationException', 'Member must have length less than or equal to 1048576');
}
