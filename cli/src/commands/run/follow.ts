/** Sends the records and gives their results, both at a time; the counts on the way are the progress. */
import type { LocalPipeline } from '@batchml/backend/local';
import type { SubmissionInfo } from '@batchml/backend/wire';
import { AcceptedResults } from '../../client/accepted-results.ts';
import type { ApiClient } from '../../client/client.ts';
import { sendChunks } from '../../client/sender.ts';
import type { Context } from '../../context.ts';
import { finalOf, isFinished } from '../../outcome.ts';
import { progressLine } from '../../ui/outcome-text.ts';
import type { CheckedInput } from '../checked-input.ts';
import { News } from './news.ts';

const PROGRESS_MS = 200;

export interface RunParts {
  readonly context: Context;
  readonly client: ApiClient;
  /** Resolves when there may be something new. */
  readonly news: Pick<LocalPipeline, 'news'>;
  readonly id: string;
  readonly input: CheckedInput;
  /** Takes pages of result lines. */
  readonly write: (page: string) => Promise<void>;
  /** Aborted by Ctrl-C, and by whichever half fails first. */
  readonly scope: AbortController;
}

/** Draws how far the submission is, now and then. */
function progressTeller({ context, client, id, input }: RunParts): () => void {
  const { deps, terminal, progress } = context;
  const startedAt = deps.now();
  let doneBefore: number | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let looking = false;
  const look = async (): Promise<void> => {
    const { counts } = await client.submission(id);
    const done = finalOf(counts);
    doneBefore ??= done;
    const rate = { jobs: done - doneBefore, ms: deps.now() - startedAt };
    progress.update(progressLine(counts, input.summary.jobs, rate));
  };
  return () => {
    if (terminal.quiet || looking || deps.now() - lookedAt < PROGRESS_MS) return;
    looking = true;
    lookedAt = deps.now();
    // Only progress: what is wrong is said by those who work.
    look()
      .catch(() => {})
      .finally(() => {
        looking = false;
      });
  };
}

async function send({ client, id, input }: RunParts, results: AcceptedResults): Promise<void> {
  let chunks = 0;
  for await (const { jobIds } of sendChunks(client, id, input.chunks())) {
    results.accepted(jobIds.length);
    chunks++;
  }
  await client.closeSubmission(id, input.summary.jobs, chunks);
  results.end();
}

/** Resolves when every result is written, with the submission as it ended. */
export async function sendAndFollow(parts: RunParts): Promise<SubmissionInfo> {
  const { client, id, write, scope } = parts;
  const results = new AcceptedResults(client, id, scope.signal);
  const news = new News(progressTeller(parts));
  const next = (): Promise<void> => news.next(scope.signal);
  const follow = async (): Promise<SubmissionInfo> => {
    for await (const page of results.pages(next)) await write(page);
    for (;;) {
      const info = await client.submission(id);
      if (isFinished(info)) return info;
      await next();
    }
  };
  const guard = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      scope.abort(error);
      throw error;
    }
  };
  const stop = new AbortController();
  const pumping = news.pump(parts.news, stop.signal);
  try {
    const [, followed] = await Promise.allSettled([guard(send(parts, results)), guard(follow())]);
    scope.signal.throwIfAborted();
    return (followed as PromiseFulfilledResult<SubmissionInfo>).value;
  } finally {
    stop.abort();
    await pumping;
  }
}
