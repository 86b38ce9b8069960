/**
 * Sends chunks, a few in flight, and gives their acknowledgements in order. A chunk whose answer was lost is sent
 * again: the API answers with the same IDs.
 */
import type { ApiClient } from './client.ts';

export interface OutgoingChunk {
  readonly n: number;
  readonly body: string;
  readonly jobs: readonly { readonly line: number; readonly customId: string | undefined }[];
}

export interface Acknowledged {
  readonly n: number;
  readonly jobs: OutgoingChunk['jobs'];
  readonly jobIds: readonly string[];
}

export const CHUNKS_IN_FLIGHT = 4;

async function send(client: ApiClient, submission: string, chunk: OutgoingChunk): Promise<Acknowledged> {
  const jobIds = await client.sendChunk(submission, chunk.n, chunk.body);
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
