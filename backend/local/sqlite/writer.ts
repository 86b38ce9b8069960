/**
 * Group commit: writes asked for in the same turn of the event loop share one transaction, hence one fsync. Each is
 * answered only after the commit, and each fails alone.
 */
import type { Sql } from './sql.ts';

export interface Writer {
  /** Runs `change` inside a transaction; resolves once it is committed. What it throws undoes it and rejects. */
  write<T>(change: (sql: Sql) => T): Promise<T>;
}

interface Entry {
  run(): void;
  commit(): void;
  reject(error: unknown): void;
}

export function createWriter(sql: Sql): Writer {
  let waiting: Entry[] = [];

  function flush(): void {
    const entries = waiting;
    waiting = [];
    const written: Entry[] = [];
    try {
      sql.exec('BEGIN IMMEDIATE');
      for (const entry of entries) {
        sql.exec('SAVEPOINT entry');
        try {
          entry.run();
          sql.exec('RELEASE entry');
          written.push(entry);
        } catch (error) {
          // A full disk ends the whole transaction: then nothing of it was written.
          if (!sql.inTransaction()) throw error;
          sql.exec('ROLLBACK TO entry');
          sql.exec('RELEASE entry');
          entry.reject(error);
        }
      }
      sql.exec('COMMIT');
    } catch (error) {
      if (sql.inTransaction()) sql.exec('ROLLBACK');
      for (const entry of entries) entry.reject(error);
      return;
    }
    for (const entry of written) entry.commit();
  }

  return {
    write: (change) =>
      new Promise((resolve, reject) => {
        if (waiting.length === 0) setImmediate(flush);
        let result: ReturnType<typeof change>;
        waiting.push({
          run: () => {
            result = change(sql);
          },
          commit: () => resolve(result),
          reject,
        });
      }),
  };
}
