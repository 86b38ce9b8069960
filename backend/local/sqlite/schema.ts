/** Tables of the local ledger. A later version adds its steps to the end of `STEPS`, and never changes one. */
import type { Sql } from './sql.ts';

const STEPS = [
  `
CREATE TABLE pins (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, pin TEXT NOT NULL);

CREATE TABLE submissions (
  sid INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  pin INTEGER NOT NULL REFERENCES pins,
  content TEXT,
  name TEXT,
  created_at INTEGER NOT NULL,
  closed INTEGER NOT NULL DEFAULT 0,
  cancelling INTEGER NOT NULL DEFAULT 0,
  generation INTEGER NOT NULL DEFAULT 0,
  retrying TEXT,
  total INTEGER NOT NULL DEFAULT 0,
  started INTEGER NOT NULL DEFAULT 0,
  processed INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  cancelled INTEGER NOT NULL DEFAULT 0,
  retried INTEGER NOT NULL DEFAULT 0,
  isolated INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX submissions_changing ON submissions (sid) WHERE cancelling = 1 OR retrying IS NOT NULL;

-- ranges: JSON [[from, to, batch], ...]; NULL until a batch has the chunk; [] when it was cancelled before.
CREATE TABLE chunks (
  sid INTEGER NOT NULL REFERENCES submissions,
  n INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  jobs INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  accepted_at INTEGER NOT NULL,
  ranges TEXT,
  directory TEXT NOT NULL,
  UNIQUE (sid, n)
);
-- Apart from chunks: an update of a row writes all of it again.
CREATE TABLE chunk_lines (sid INTEGER NOT NULL, n INTEGER NOT NULL, lines TEXT NOT NULL, PRIMARY KEY (sid, n));
CREATE INDEX chunks_open ON chunks (accepted_at, sid, n) WHERE ranges IS NULL;

-- owner: the submission that all its jobs are of; NULL where they are of several.
CREATE TABLE batches (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  root TEXT NOT NULL,
  parent TEXT,
  round INTEGER NOT NULL,
  members TEXT NOT NULL,
  jobs INTEGER NOT NULL,
  pin INTEGER NOT NULL REFERENCES pins,
  owner INTEGER,
  generation INTEGER NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  requeues INTEGER NOT NULL DEFAULT 0,
  unusable INTEGER NOT NULL DEFAULT 0,
  suspect INTEGER NOT NULL,
  transform TEXT,
  scout TEXT,
  not_before INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  wait_deadline INTEGER NOT NULL,
  reason TEXT
);
CREATE INDEX batches_waiting ON batches (seq) WHERE state IN ('Forming', 'Waiting', 'Held');
CREATE INDEX batches_running ON batches (transform) WHERE state = 'Running';
CREATE INDEX batches_line ON batches (root);
CREATE INDEX batches_family ON batches (parent) WHERE parent IS NOT NULL;
CREATE INDEX batches_held ON batches (scout) WHERE state = 'Held';

CREATE TABLE transform_jobs (
  name TEXT PRIMARY KEY,
  batches TEXT NOT NULL,
  pin INTEGER NOT NULL REFERENCES pins,
  owner INTEGER,
  state TEXT NOT NULL,
  claimed_at INTEGER NOT NULL,
  deadline INTEGER NOT NULL,
  not_before INTEGER NOT NULL DEFAULT 0,
  reason TEXT
);
CREATE INDEX transform_jobs_open ON transform_jobs (pin) WHERE state <> 'Ended';

-- status: 0 back in the queue by a retry, 1 Processed, 2 Failed, 3 Cancelled. A job without a row takes its status
-- from its chunk and batch.
CREATE TABLE jobs (
  sid INTEGER NOT NULL,
  chunk INTEGER NOT NULL,
  idx INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  status INTEGER NOT NULL,
  ended_at INTEGER,
  batch TEXT,
  error_code TEXT,
  error_message TEXT,
  result TEXT,
  PRIMARY KEY (sid, chunk, idx)
) WITHOUT ROWID;
CREATE INDEX jobs_failed ON jobs (sid, chunk, idx) WHERE status = 2;
`,
];

/** The database was written by a later version. */
export class NewerDataError extends Error {
  readonly code = 'DATA_DIR_NEWER';
  constructor(version: number) {
    super(
      `the data folder was written by a newer batchml (format ${version}, this one knows ${STEPS.length})`,
    );
  }
}

/** Brings a database up to this version. Throws NewerDataError. */
export function migrate(sql: Sql): void {
  const version = sql.get<{ user_version: number }>('PRAGMA user_version')?.user_version ?? 0;
  if (version > STEPS.length) throw new NewerDataError(version);
  for (let step = version; step < STEPS.length; step++)
    sql.exec(`BEGIN; ${STEPS[step]}; PRAGMA user_version = ${step + 1}; COMMIT;`);
}
