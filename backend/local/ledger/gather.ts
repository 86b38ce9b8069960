import { type Batch, countJobs, type Member } from '../../core/batch.ts';
import type { GatherLedger, OpenChunk } from '../../ports/ledger.ts';
import type { Sql } from '../sqlite/sql.ts';
import { type Db, findBatch, inScope, insertBatch, sidOf } from './rows.ts';

export function gatherLedger({ sql, write }: Db): GatherLedger {
  return {
    // A batch of one submission alone, but for single jobs: a run that works on its own submission finds all of it.
    async openChunks(scope, limit) {
      const { where, params } = inScope(sql, scope, 'c.sid');
      return sql
        .all<
          Omit<OpenChunk, 'closed' | 'acceptedAt' | 'group'> & { closed: number; at: number; grp: string }
        >(
          `SELECT s.id AS submission, c.n, c.jobs, c.bytes, c.accepted_at AS at,
             s.pin || CASE s.kind WHEN 'batch' THEN ' ' || s.sid ELSE '' END AS grp,
             s.closed AND s.kind = 'batch' AS closed
           FROM chunks c JOIN submissions s ON s.sid = c.sid
           WHERE c.ranges IS NULL AND s.cancelling = 0 AND ${where} ORDER BY c.accepted_at, c.sid, c.n LIMIT ?`,
          [...params, limit],
        )
        .map(({ closed, at, grp, ...chunk }) => ({
          ...chunk,
          closed: closed === 1,
          acceptedAt: at,
          group: grp,
        }));
    },

    formBatches: (drafts) => write((tx) => formBatches(tx, drafts)),

    async chunkLines(submission, n) {
      const row = sql.get<{ lines: string }>('SELECT lines FROM chunk_lines WHERE sid = ? AND n = ?', [
        sidOf(sql, submission) ?? -1,
        n,
      ]);
      if (!row) throw new Error(`chunk ${n} of submission ${submission} is not in the store`);
      return row.lines;
    },

    markWaiting: (batches) =>
      write((tx) => {
        for (const id of batches)
          tx.run("UPDATE batches SET state = 'Waiting' WHERE id = ? AND state = 'Forming'", [id]);
      }),
  };
}

function formBatches(sql: Sql, drafts: readonly Batch[]): Batch[] {
  const known = drafts.flatMap(({ id }) => findBatch(sql, id) ?? []);
  if (known.length === drafts.length) return known;
  const ranges = new Map<string, [from: number, to: number, batch: string][]>();
  for (const draft of drafts)
    for (const { submission, chunk, from, to } of draft.members) {
      const key = `${submission}.${chunk}`;
      ranges.set(key, [...(ranges.get(key) ?? []), [from, to, draft.id]]);
    }
  const claimed = new Set<string>();
  for (const [key, list] of ranges) {
    const dot = key.lastIndexOf('.');
    const changed = sql.run('UPDATE chunks SET ranges = ? WHERE sid = ? AND n = ? AND ranges IS NULL', [
      JSON.stringify(list),
      sidOf(sql, key.slice(0, dot)) ?? -1,
      Number(key.slice(dot + 1)),
    ]);
    if (changed === 1) claimed.add(key);
  }
  return drafts.map((draft) => {
    const members = draft.members.filter(({ submission, chunk }: Member) =>
      claimed.has(`${submission}.${chunk}`),
    );
    const batch = { ...draft, members, jobs: countJobs(members) };
    insertBatch(sql, batch, batch.jobs > 0 ? 'Forming' : 'Done');
    return batch;
  });
}
