/** Records of the stream as the chunks that they name. */
import type { KinesisStreamRecord } from 'aws-lambda';
import { parseRecord } from '../aws/events.ts';
import type { NamedChunk } from '../ports/ledger.ts';
import type { Runtime } from './runtime.ts';

export interface HeardStream {
  readonly chunks: readonly NamedChunk[];
  /** What comes again should the step fail (ReportBatchItemFailures). */
  readonly rung: readonly string[];
  readonly refused: readonly string[];
}

/** A record that can't be read must not hold up its shard: it is told of and passed over. */
export function hearStream(
  { log }: Pick<Runtime, 'log'>,
  records: readonly KinesisStreamRecord[],
): HeardStream {
  const read = records.map(({ kinesis }) => ({ kinesis, chunk: parseRecord(kinesis.data) }));
  for (const { kinesis, chunk } of read)
    if (!chunk) log.error('a record can not be read', { record: kinesis.sequenceNumber });
  const chunks = read.flatMap(({ chunk }) => chunk ?? []);
  // The first record stands for all: the stream is read again from there on.
  const rung = chunks.length > 0 ? [records[0]?.kinesis.sequenceNumber ?? ''] : [];
  return { chunks, rung, refused: [] };
}
