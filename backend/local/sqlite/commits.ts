/**
 * Commits are counted twice: in the database, as part of each, and in a small file beside it, after it. SQLite drops what follows
 * the first damaged page of a write-ahead log without a word, as it drops a commit that a crash cut short; by the file we know
 * which of the two it was. The file is written after the commit was synced, and isn't synced itself: it never promises too much.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { privateFile } from '../private-files.ts';
import { DataDirDamagedError } from './damaged.ts';
import type { Sql } from './sql.ts';

export interface Commits {
  /** Counts the commit that is under way, as part of it. */
  count(sql: Sql): void;
  /** It was synced. */
  done(): void;
}

/** @throws DataDirDamagedError */
export function openCommits(sql: Sql): Commits {
  const file = `${sql.path}-commits`;
  let kept = sql.get<{ n: number }>('SELECT n FROM commits')?.n ?? 0;
  const promised = readCount(file);
  if (promised > kept)
    throw new DataDirDamagedError(
      `of ${promised} commits the last ${promised - kept} can't be read; a part of the files is lost or was changed (${sql.path})`,
    );
  privateFile(file);
  return {
    count: (tx) => {
      tx.run('UPDATE commits SET n = ?', [kept + 1]);
    },
    done() {
      kept += 1;
      try {
        const text = `${kept}`.padStart(16);
        writeFileSync(file, `${text} ${crc32(text)}\n`, { flag: 'r+' });
      } catch {
        // It promises less then, no more.
      }
    },
  };
}

/** A file that isn't there, or isn't whole, promises nothing. */
function readCount(file: string): number {
  try {
    const [text = '', sum] = [
      readFileSync(file, 'utf8').slice(0, 16),
      readFileSync(file, 'utf8').slice(17).trim(),
    ];
    return sum === `${crc32(text)}` ? Number(text) : 0;
  } catch {
    return 0;
  }
}
