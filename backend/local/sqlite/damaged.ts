/** The database can't be read, or has lost what was written to it. */
export class DataDirDamagedError extends Error {
  readonly code = 'DATA_DIR_DAMAGED';
  constructor(what: string, options?: ErrorOptions) {
    super(`the database of the data folder is damaged: ${what}`, options);
  }
}

/** What SQLite says in such a case: SQLITE_CORRUPT and SQLITE_NOTADB, https://sqlite.org/rescode.html */
const SAID = /database disk image is malformed|file is not a database/;

/** Runs a step of the driver; damage that it finds is said by name. */
export function noticingDamage<T>(step: () => T): T {
  try {
    return step();
  } catch (error) {
    const { message } = error as Error;
    if (SAID.test(message)) throw new DataDirDamagedError(`SQLite says "${message}"`, { cause: error });
    throw error;
  }
}
