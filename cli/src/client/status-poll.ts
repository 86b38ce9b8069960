/** Statuses of selected submissions and jobs, asked for again and again; what is over isn't asked for again. */
import type { SubmissionInfo } from '@batchml/backend/wire';
import { isOver, openOf, type SubmissionStatus, totalOf } from '../outcome.ts';
import type { ApiClient } from './client.ts';
import { JobTally } from './job-tally.ts';
import type { SubmissionSelection } from './selection.ts';

/** A selected submission: all of it, or the jobs named. */
export interface Selected {
  readonly info: SubmissionInfo;
  readonly whole: boolean;
  readonly selection: SubmissionSelection;
}

/** The status of a whole submission. */
export function statusOf({
  submissionId,
  createdTime,
  name,
  state,
  total,
  counts,
}: SubmissionInfo): SubmissionStatus {
  const named = name === undefined ? {} : { name };
  return { submissionId, createdTime, ...named, state, total, counts, partial: false };
}

interface Member {
  readonly selected: Selected;
  readonly tally: JobTally;
  last: SubmissionStatus | undefined;
}

export class StatusPoll {
  private readonly client: ApiClient;
  private readonly members: Member[];

  constructor(client: ApiClient, all: readonly Selected[]) {
    this.client = client;
    this.members = all.map((selected) => ({
      selected,
      tally: new JobTally(client, selected.selection),
      last: undefined,
    }));
  }

  async look(): Promise<SubmissionStatus[]> {
    const all: SubmissionStatus[] = [];
    for (const member of this.members) {
      if (member.last === undefined || !isOver(member.last)) member.last = await this.lookAt(member);
      all.push(member.last);
    }
    return all;
  }

  private async lookAt({ selected: { info, whole }, tally, last }: Member): Promise<SubmissionStatus> {
    // It was looked up a moment ago, before the first look.
    if (whole) return statusOf(last === undefined ? info : await this.client.submission(info.submissionId));
    const counts = await tally.count();
    const state = openOf(counts) === 0 ? 'Finished' : 'Running';
    return { ...statusOf(info), state, total: totalOf(counts), counts, partial: true };
  }
}
