/** Records of the stream as the chunks that they name. */
import type { KinesisStreamRecord } from 'aws-lambda';
import { OTHER_VERSION, parseRecord } from '../aws/events.ts';
import { inParallel } from '../core/in-parallel.ts';
import type { NamedChunk } from '../ports/ledger.ts';
import { bury, warnOfVersion } from './messages.ts';
import type { Runtime } from './runtime.ts';

export interface HeardStream {
  readonly chunks: readonly NamedChunk[];
  /** What comes again should the step fail (ReportBatchItemFailures). */
  readonly rung: readonly string[];
  readonly refused: readonly string[];
}

/** Records of another version that are put into the dead letters at a time. */
const AT_A_TIME = 8;

/**
 * A record that can't be read must not hold up its shard: it is logged and passed over. So is one of another version, which
 * goes to the dead letters.
 */
export async function hearStream(
  runtime: Pick<Runtime, 'log' | 'bury'>,
  records: readonly KinesisStreamRecord[],
): Promise<HeardStream> {
  const chunks: NamedChunk[] = [];
  const strange: { record: string; text: string }[] = [];
  for (const { kinesis } of records) {
    const record = kinesis.sequenceNumber;
    const text = Buffer.from(kinesis.data, 'base64').toString('utf8');
    const chunk = parseRecord(text);
    if (chunk === OTHER_VERSION) strange.push({ record, text });
    else if (chunk) chunks.push(chunk);
    else runtime.log.error('a record can not be read', { record });
  }
  await inParallel(strange, AT_A_TIME, async ({ record, text }) => {
    warnOfVersion(runtime, record, text);
    await bury(runtime, record, text);
  });
  // The first record stands for all: the stream is read again from there on.
  const rung = chunks.length > 0 ? [records[0]?.kinesis.sequenceNumber ?? ''] : [];
  return { chunks, rung, refused: [] };
}
