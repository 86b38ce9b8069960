/** The one table of the local store. Folders of an earlier layout are refused: nothing was released with one. */
import type { Sql } from './sql.ts';

/** Kept in `user_version`: 1 had a table for each kind of thing, 2 texts as keys. */
const LAYOUT = 3;

// Rows stand in the order in which they came, and keep their place: half the time to write of rows in the order of their keys.
const TABLES = `
CREATE TABLE items (
  id BLOB NOT NULL PRIMARY KEY,
  open BLOB,
  body BLOB NOT NULL
);
CREATE INDEX items_open ON items (open) WHERE open IS NOT NULL;
CREATE TABLE commits (n INTEGER NOT NULL);
INSERT INTO commits VALUES (0);
`;

/** The database was written by another version, whose layout this one does not read. */
export class OtherLayoutError extends Error {
  readonly code = 'DATA_DIR_LAYOUT';
  constructor(layout: number) {
    super(
      layout > LAYOUT
        ? `the data folder was written by a newer batchml (layout ${layout}, this one knows ${LAYOUT}): update batchml`
        : `the data folder was written by an older batchml (layout ${layout}, this one has ${LAYOUT}): finish its work with that version, or move the folder away and submit again`,
    );
  }
}

/** Makes the table in a new database. @throws OtherLayoutError */
export function prepareTables(sql: Sql): void {
  const layout = sql.get<{ user_version: number }>('PRAGMA user_version')?.user_version ?? 0;
  if (layout === LAYOUT) return;
  if (layout !== 0) throw new OtherLayoutError(layout);
  sql.exec(`BEGIN; ${TABLES}; PRAGMA user_version = ${LAYOUT}; COMMIT;`);
}
