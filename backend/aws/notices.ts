/** Events that other systems may hear: a submission is finished. A rule of the stack takes them further. */
import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { type StatusCounts, type Submission, statusCounts } from '../core/submission.ts';
import { inGroups } from './retry.ts';

/** Entries of PutEvents (Amazon EventBridge API). */
const ENTRIES_MOST = 10;
export const NOTICE_SOURCE = 'batchml';
export const NOTICE_TYPE = 'Submission Finished';

/** `detail` of the event. */
export interface FinishedNotice {
  readonly submissionId: string;
  readonly name: string | null;
  readonly total: number;
  readonly counts: StatusCounts;
  readonly generation: number;
  readonly stack: string;
  /** ISO 8601. */
  readonly finishedTime: string;
}

export function finishedNotice(submission: Submission, stack: string, at: number): FinishedNotice {
  return {
    submissionId: submission.id,
    name: submission.name ?? null,
    total: submission.counters.total,
    counts: statusCounts(submission.counters),
    generation: submission.generation,
    stack,
    finishedTime: new Date(at).toISOString(),
  };
}

/** Puts notices on the default bus; gives those that it took. They are answered for in place (PutEvents). */
export async function putNotices(
  client: Pick<EventBridgeClient, 'send'>,
  notices: readonly FinishedNotice[],
): Promise<FinishedNotice[]> {
  const taken: FinishedNotice[] = [];
  for (const some of inGroups(notices, ENTRIES_MOST)) {
    const { FailedEntryCount, Entries = [] } = await client.send(
      new PutEventsCommand({
        Entries: some.map((notice) => ({
          Source: NOTICE_SOURCE,
          DetailType: NOTICE_TYPE,
          Detail: JSON.stringify(notice),
          Time: new Date(notice.finishedTime),
        })),
      }),
    );
    taken.push(...(FailedEntryCount ? some.filter((_, i) => Entries[i]?.EventId !== undefined) : some));
  }
  return taken;
}
