/** Result lines of a whole submission, in order, as pages of NDJSON text that are passed on as they are. */
import type { ApiClient } from './client.ts';

export interface PagesOptions {
  /** Where to start, as a page gave it. */
  readonly cursor?: string;
  /** Only jobs of this status. */
  readonly status?: string;
  /** Where a job isn't final yet: wait, then look again. Without it every job is listed as it is. */
  readonly whenPending?: () => Promise<void>;
}

export async function* resultPages(
  client: ApiClient,
  submission: string,
  { cursor: start, status, whenPending }: PagesOptions = {},
): AsyncGenerator<string> {
  let cursor = start;
  for (;;) {
    const page = await client.results(submission, {
      cursor,
      ...(status === undefined ? {} : { status }),
      final: whenPending !== undefined,
    });
    if (page.text !== '') yield page.text;
    if (page.cursor === undefined) return;
    cursor = page.cursor;
    if (page.pending) await whenPending?.();
  }
}
