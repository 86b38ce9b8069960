/** The ledger on DynamoDB: one table, one sparse index (see keys.ts), large texts in the bucket. */
import type { Ledger } from '../../ports/ledger.ts';
import { acceptLedger } from './accept.ts';
import { cancelLedger } from './cancel.ts';
import type { Context } from './context.ts';
import { gatherLedger, type NamedChunk } from './gather.ts';
import { markAnnounced, oldestWaiting, openWork, unannounced } from './open-work.ts';
import { readLedger, singleStatus } from './read.ts';
import { retryLedger } from './retry.ts';
import { settleLedger } from './settle.ts';
import { startLedger } from './start.ts';
import { Table, type TableOptions } from './table.ts';

export type { NamedChunk } from './gather.ts';

export interface DynamoLedgerOptions extends Pick<Context, 'blobs' | 'clock' | 'retentionDays'> {
  readonly client: TableOptions['client'];
  /** The table's name. */
  readonly table: string;
  readonly pause?: TableOptions['pause'];
  readonly jitter?: TableOptions['jitter'];
}

export interface DynamoLedger extends Ledger {
  /** The same ledger, whose `openChunks` looks at these by a consistent read besides: the index lags behind. */
  named(chunks: readonly NamedChunk[]): DynamoLedger;
  /** When the oldest job that was never started was accepted (epoch ms). */
  oldestWaiting(): Promise<number | undefined>;
  /** Closed submissions of many jobs whose end was not told yet. */
  unannounced(): Promise<readonly string[]>;
  /** Marks a finished submission's end as told; false when it isn't finished in that generation, or was told. */
  markAnnounced(id: string, generation: number): Promise<boolean>;
}

export function dynamoLedger(options: DynamoLedgerOptions): DynamoLedger {
  const { client, table: name, blobs, clock, retentionDays, pause, jitter } = options;
  const table = new Table({ client, name, ...(pause ? { pause } : {}), ...(jitter ? { jitter } : {}) });
  const context: Context = { table, blobs, clock, retentionDays };
  const single = singleStatus(context);
  const rest = {
    ...acceptLedger(context, single),
    ...readLedger(context),
    ...startLedger(context),
    ...settleLedger(context),
    ...cancelLedger(context),
    ...retryLedger(context),
    openWork: openWork(context),
    oldestWaiting: () => oldestWaiting(context),
    unannounced: () => unannounced(context),
    markAnnounced: (id: string, generation: number) => markAnnounced(context, single, id, generation),
  };
  const named = (chunks: readonly NamedChunk[]): DynamoLedger => ({
    ...rest,
    ...gatherLedger(context, chunks),
    named,
  });
  return named([]);
}
