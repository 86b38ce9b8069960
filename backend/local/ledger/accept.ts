import type { AcceptLedger, SubmissionDraft } from '../../ports/ledger.ts';
import type { Sql } from '../sqlite/sql.ts';
import { type Db, pinId, SELECT_SUBMISSION, type SubmissionRow, toSubmission } from './rows.ts';

export function acceptLedger({ write }: Db): AcceptLedger {
  return {
    openSubmission: (draft) =>
      write((sql) => {
        const { row, created } = openRow(sql, draft);
        return { created, submission: toSubmission(row) };
      }),

    acceptChunk: (chunk, draft) =>
      write((sql) => {
        const { row } = openRow(sql, draft);
        const known = sql.get<{ sha256: string }>('SELECT sha256 FROM chunks WHERE sid = ? AND n = ?', [
          row.sid,
          chunk.n,
        ]);
        if (known) return known.sha256 === chunk.sha256 ? 'repeated' : 'conflict';
        if (row.closed) return 'closed';
        sql.run(
          'INSERT INTO chunks (sid, n, sha256, jobs, bytes, accepted_at, directory) VALUES (?, ?, ?, ?, ?, ?, ?)',
          [
            row.sid,
            chunk.n,
            chunk.sha256,
            chunk.jobs,
            Buffer.byteLength(chunk.lines),
            chunk.acceptedAt,
            JSON.stringify(chunk.directory),
          ],
        );
        sql.run('INSERT INTO chunk_lines (sid, n, lines) VALUES (?, ?, ?)', [row.sid, chunk.n, chunk.lines]);
        // A single job's submission takes this one chunk.
        const closed = row.kind === 'single' ? 1 : 0;
        sql.run('UPDATE submissions SET total = total + ?, closed = ? WHERE sid = ?', [
          chunk.jobs,
          closed,
          row.sid,
        ]);
        return 'accepted';
      }),

    closeSubmission: (id, jobs) =>
      write((sql) => {
        const row = sql.get<{ total: number }>('SELECT total FROM submissions WHERE id = ?', [id]);
        if (!row) return { kind: 'unknown' };
        if (row.total !== jobs) return { kind: 'mismatch', total: row.total };
        sql.run('UPDATE submissions SET closed = 1 WHERE id = ?', [id]);
        return { kind: 'closed', total: row.total };
      }),
  };
}

function openRow(sql: Sql, draft: SubmissionDraft): { row: SubmissionRow; created: boolean } {
  const select = () => sql.get<SubmissionRow>(`${SELECT_SUBMISSION} WHERE s.id = ?`, [draft.id]);
  const known = select();
  if (known) return { row: known, created: false };
  sql.run('INSERT INTO submissions (id, kind, pin, content, name, created_at) VALUES (?, ?, ?, ?, ?, ?)', [
    draft.id,
    draft.kind,
    pinId(sql, draft.pin),
    draft.content ?? null,
    draft.name ?? null,
    draft.createdAt,
  ]);
  return { row: select() as SubmissionRow, created: true };
}
