/** How jobs stand: their head says how they ended, else the batch that holds them whether they were started. */
import type { JobStatus } from '../core/job.ts';
import { batchRowsById } from './batches.ts';
import type { Context } from './context.ts';
import type { FoundHead } from './heads.ts';

/** Statuses of each chunk's jobs, by index. */
export async function statusesOf(context: Context, all: readonly FoundHead[]): Promise<JobStatus[][]> {
  const roots = new Set<string>();
  for (const { head } of all)
    for (const [index, holder] of head.holders.entries())
      if (holder && head.ends[index] === undefined) roots.add(holder.root);
  const rows = await batchRowsById(context, [...roots]);
  return all.map(({ head }) =>
    head.holders.map((holder, index): JobStatus => {
      const end = head.ends[index];
      if (end) return end.status;
      return holder && (rows.get(holder.root)?.attempts ?? 0) > 0 ? 'Processing' : 'Queued';
    }),
  );
}
