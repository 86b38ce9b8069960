// The physical limit: SQLite's own bulk insert of the same lines, as durable as the product's (WAL, synchronous=FULL).
// usage: node sqlite-insert.mjs FILE DATABASE ROWS_A_TRANSACTION
import { readFileSync } from 'node:fs';
import wasm from 'node-sqlite3-wasm';

const [file, database, size] = process.argv.slice(2);
const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
const db = new wasm.Database(database);
db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
db.exec('CREATE TABLE records (id INTEGER PRIMARY KEY, record TEXT)');
const insert = db.prepare('INSERT INTO records VALUES (?, ?)');
for (let from = 0; from < lines.length; from += Number(size)) {
  db.exec('BEGIN');
  for (let i = from; i < Math.min(from + Number(size), lines.length); i++) insert.run([i, lines[i]]);
  db.exec('COMMIT');
}
db.close();
