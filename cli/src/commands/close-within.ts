/** Closes the pipeline, under a time limit: its state is safe at any moment, so waiting for ever gains nothing. */
import type { LocalPipeline } from '@batchml/backend/local';
import type { Context } from '../context.ts';

export async function closeWithin(
  { deps }: Pick<Context, 'deps'>,
  pipeline: Pick<LocalPipeline, 'close'>,
  ms: number,
): Promise<void> {
  const closed = new AbortController();
  const closing = pipeline.close().finally(() => closed.abort());
  await Promise.race([closing, deps.sleep(ms, closed.signal)]);
}
