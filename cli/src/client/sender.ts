/**
 * Sends chunks, a few in flight, and gives their acknowledgements in order. A chunk whose answer was lost is sent
 * again: the API answers with the same IDs.
 */
import { ApiError } from './api-errors.ts';
import type { ApiClient } from './client.ts';

export interface OutgoingChunk {
  readonly n: number;
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly jobs: readonly { readonly line: number; readonly customId: string | undefined }[];
}

export interface Acknowledged {
  readonly n: number;
  readonly jobs: OutgoingChunk['jobs'];
  readonly jobIds: readonly string[];
}

export const CHUNKS_IN_FLIGHT = 4;

/** A refusal says which lines it is about; one of the whole submission (409) is about no lines. */
function withLines(error: unknown, { jobs }: OutgoingChunk): unknown {
  if (!(error instanceof ApiError) || !error.refusal || error.status === 409) return error;
  const lines = `lines ${jobs[0]?.line} to ${jobs.at(-1)?.line}`;
  return new ApiError(error.status, error.code, `${lines} were refused: ${error.message}`);
}

async function send(client: ApiClient, submission: string, chunk: OutgoingChunk): Promise<Acknowledged> {
  const jobIds = await client.sendChunk(submission, chunk.n, chunk.body).catch((error: unknown) => {
    throw withLines(error, chunk);
  });
  if (jobIds.length !== chunk.jobs.length)
    throw new Error(
      `chunk ${chunk.n} has ${chunk.jobs.length} jobs, but the API answered with ${jobIds.length} IDs`,
    );
  return { n: chunk.n, jobs: chunk.jobs, jobIds };
}

export async function* sendChunks(
  client: ApiClient,
  submission: string,
  chunks: AsyncIterable<OutgoingChunk>,
  inFlight = CHUNKS_IN_FLIGHT,
): AsyncGenerator<Acknowledged> {
  const flying: Promise<Acknowledged>[] = [];
  try {
    for await (const chunk of chunks) {
      const sent = send(client, submission, chunk);
      // Handled when its turn comes, or by the wait below.
      sent.catch(() => {});
      flying.push(sent);
      if (flying.length >= inFlight) yield await (flying.shift() as Promise<Acknowledged>);
    }
    while (flying.length > 0) yield await (flying.shift() as Promise<Acknowledged>);
  } finally {
    await Promise.allSettled(flying);
  }
}
