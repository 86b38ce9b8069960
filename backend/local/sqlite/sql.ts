/** The small SQL interface that both SQLite drivers are put behind; everything is synchronous. */

export type SqlValue = string | number | null | Uint8Array;
export type SqlRow = Record<string, SqlValue>;

export interface Sql {
  /** The database file. */
  readonly path: string;
  /** Runs statements without parameters. */
  exec(sql: string): void;
  /** Runs one statement; gives the number of rows it changed. Statements are prepared once and kept. */
  run(sql: string, params?: readonly SqlValue[]): number;
  /** The first row. */
  get<T = SqlRow>(sql: string, params?: readonly SqlValue[]): T | undefined;
  all<T = SqlRow>(sql: string, params?: readonly SqlValue[]): T[];
  /** Whether a transaction is open. (SQLite ends it by itself on a full disk.) */
  inTransaction(): boolean;
  close(): void;
}
